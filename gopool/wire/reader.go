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

// Whole tells whether Next has a whole frame without reading.
func (r *Reader) Whole() bool {
	size, known := r.size()
	return known && uint64(r.in.Buffered()) >= headerSize+size
}

// Large tells that the frame that has begun to come will not be Whole: it does
// not fit into the buffer.
func (r *Reader) Large() bool {
	size, known := r.size()
	return known && size > uint64(r.in.Size()-headerSize)
}

// size returns the size of the next frame's payload if its header is here.
func (r *Reader) size() (size uint64, known bool) {
	if r.in.Buffered() < headerSize {
		return 0, false
	}
	header, _ := r.in.Peek(headerSize)
	return order.Uint64(header[8:]), true
}

// Fill reads once, as much as there is. It blocks if there is nothing.
func (r *Reader) Fill() error {
	_, err := r.in.Peek(r.in.Buffered() + 1)
	return err
}

// Next blocks until a whole frame is here. The error is io.EOF between frames,
// io.ErrUnexpectedEOF inside one, and wraps ErrMalformed for rubbish.
func (r *Reader) Next() (Frame, error) {
	if _, err := io.ReadFull(r.in, r.header[:]); err != nil {
		return Frame{}, err
	}
	frame := Frame{Kind: Kind(order.Uint32(r.header[:])), Aux: order.Uint32(r.header[4:])}
	size := order.Uint64(r.header[8:])
	if frame.Kind < Ready || frame.Kind > Trimmed {
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
