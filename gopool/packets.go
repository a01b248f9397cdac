package gopool

import "io"

// maxPacket is how much is written to a socket at a time, by us and by workers,
// and how much there is room for with each read. python/gopool/_wire.py has the
// same number.
const maxPacket = 1 << 16

// packets reads a socket that keeps packets apart (SOCK_SEQPACKET): what of a
// packet does not fit is lost, so there is always room for the largest. Of a
// socket that does not (SOCK_STREAM) it reads the same bytes.
//
// Packets as such mean nothing here. But a process that sleeps in a read of a
// SOCK_STREAM is also woken when the other side has read what it wrote, for
// nothing, which is half as much again as what a round trip has to cost.
type packets struct {
	in     io.Reader
	buffer []byte
	left   []byte // of the packet in buffer
}

// Read implements io.Reader.
func (r *packets) Read(p []byte) (int, error) {
	if len(r.left) == 0 {
		if len(p) >= maxPacket {
			return r.in.Read(p)
		}
		if r.buffer == nil {
			r.buffer = make([]byte, maxPacket)
		}
		n, err := r.in.Read(r.buffer)
		if err != nil {
			return 0, err
		}
		r.left = r.buffer[:n]
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

// packet returns how many bytes the first buffers have together that go into one
// packet, and those buffers.
func packet(buffers [][]byte) [][]byte {
	size := 0
	for i, b := range buffers {
		if size += len(b); size > maxPacket {
			cut := append([][]byte(nil), buffers[:i+1]...)
			cut[i] = b[:len(b)-(size-maxPacket)]
			return cut
		}
	}
	return buffers
}
