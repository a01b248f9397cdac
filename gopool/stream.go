package gopool

import (
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// stream is our end of a worker's socket. It blocks in system calls and is not
// registered with Go's network poller: a poller is one more thread between the
// worker and who waits for it, and waking a thread costs more than all else in
// a round trip. Where nobody waits, arrival has the poller wait after all.
type stream int

// Read implements io.Reader. It blocks; shut ends it.
func (s stream) Read(p []byte) (int, error) {
	for {
		if n, err := s.read(p); err != unix.EINTR {
			return n, err
		}
	}
}

// read is Read that may be interrupted by a signal: EINTR.
func (s stream) read(p []byte) (int, error) {
	n, err := unix.Read(int(s), p)
	switch {
	case err == unix.EINTR || err == unix.ECONNRESET:
		// Reset: the worker ended with something unread. It is told before what the
		// worker has written, and once.
		return 0, unix.EINTR
	case err != nil:
		return 0, os.NewSyscallError("read", err)
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// limit has a Read that finds nothing wait no longer than this, which is more
// than a microsecond, before it fails.
func (s stream) limit(wait time.Duration) error {
	timeout := unix.NsecToTimeval(int64(wait))
	err := unix.SetsockoptTimeval(int(s), unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout)
	return os.NewSyscallError("setsockopt", err)
}

// write writes buffers as far as the socket takes them, in packets: at least one
// if it may wait, perhaps none if not. It returns what is left.
func (s stream) write(buffers [][]byte, wait bool) (rest [][]byte, err error) {
	flags := unix.MSG_NOSIGNAL
	if !wait {
		flags |= unix.MSG_DONTWAIT
	}
	for {
		n, err := s.send(packet(buffers[:min(len(buffers), 1024)]), flags)
		switch err {
		case nil:
			if buffers = after(buffers, n); wait || len(buffers) == 0 {
				return buffers, nil
			}
		case unix.EAGAIN:
			return buffers, nil
		case unix.EINTR:
		default:
			return nil, os.NewSyscallError("sendmsg", err)
		}
	}
}

func (s stream) send(buffers [][]byte, flags int) (n int, err error) {
	if len(buffers) == 1 {
		return unix.SendmsgN(int(s), buffers[0], nil, nil, flags) // allocates nothing
	}
	return unix.SendmsgBuffers(int(s), buffers, nil, nil, flags)
}

// after returns what comes after the first n bytes.
func after(buffers [][]byte, n int) [][]byte {
	for len(buffers) > 0 && n >= len(buffers[0]) {
		n -= len(buffers[0])
		buffers = buffers[1:]
	}
	if n > 0 {
		buffers[0] = buffers[0][n:]
	}
	return buffers
}

// shut ends both directions; what the worker has written can still be read. A
// socket that has been shut before is no matter.
func (s stream) shut() { _ = unix.Shutdown(int(s), unix.SHUT_RDWR) }

func (s stream) close() { _ = unix.Close(int(s)) }
