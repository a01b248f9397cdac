package wire

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// MaxPayload is the largest payload that a Reader takes for meant: more than
// any machine's memory is a header of rubbish.
const MaxPayload = 1 << 42

// trusted is how many bytes a Reader allocates on a header's word alone.
// Beyond it memory grows with what really arrives.
const trusted = 1 << 20

// Reader reads the frames that a worker sends. It refuses what a worker never
// sends, so that a broken worker is lost and not believed.
type Reader struct {
	in     *bufio.Reader
	header [headerSize]byte
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, 1<<16)}
}

// Next blocks until a whole frame is here. The error is io.EOF between frames,
// io.ErrUnexpectedEOF inside one, and wraps ErrMalformed for rubbish.
func (r *Reader) Next() (Frame, error) {
	if _, err := io.ReadFull(r.in, r.header[:]); err != nil {
		return Frame{}, err
	}
	frame := Frame{Kind: Kind(order.Uint32(r.header[:])), Aux: order.Uint32(r.header[4:])}
	size := order.Uint64(r.header[8:])
	if frame.Kind < Ready || frame.Kind > Failed {
		return Frame{}, fmt.Errorf("%w: kind %d", ErrMalformed, frame.Kind)
	}
	if size > MaxPayload {
		return Frame{}, fmt.Errorf("%w: a payload of %d bytes", ErrMalformed, size)
	}
	payload, err := r.payload(int64(size))
	frame.Payload = payload
	return frame, err
}

func (r *Reader) payload(size int64) ([]byte, error) {
	if size <= trusted {
		payload := make([]byte, size)
		_, err := io.ReadFull(r.in, payload)
		return payload, unexpected(err)
	}
	var grown bytes.Buffer
	grown.Grow(trusted)
	_, err := io.CopyN(&grown, r.in, size)
	return grown.Bytes(), unexpected(err)
}

// unexpected turns an end of file inside a frame into the error that says so.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
