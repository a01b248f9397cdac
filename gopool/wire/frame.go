// Package wire is the frame format between the pool and its worker processes.
//
// Every frame is a header of 16 bytes (kind, auxiliary word, size of the
// payload; little-endian) and a payload. The worker's half of this file is
// python/gopool/_wire.py; both sides come from the same installation, so the
// format carries no version.
//
//	to the worker     Function  id | encoded function           aux: calling convention
//	                  Run       span | batch, if Carried        aux: Carried, Report, or both
//	                  Forget    id
//	                  Stop
//	                  Trim
//	from the worker   Ready
//	                  Results   first, count, elapsed, ended | outcomes
//	                                                      aux: Encoding
//	                  Skipped   first, count
//	                  Failed    text                              the initializer raised
//	                  Trimmed
//	                  Retire                              will start no further task
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Kind tells what a frame says.
type Kind uint32

// The kinds of frame, with who sends them.
const (
	Function Kind = iota + 1 // pool
	Run                      // pool
	Forget                   // pool
	Stop                     // pool
	Trim                     // pool
	Ready                    // worker
	Results                  // worker
	Skipped                  // worker
	Failed                   // worker
	Trimmed                  // worker
	Retire                   // worker
)

// Carried marks a Run frame whose batch travels with it. Without it the
// worker still has the batch: it is the one of the Run frame before.
const Carried = 1

// Report marks a Run frame before which the worker reports what it has finished:
// those who wait for it would wait for the tasks of this frame too.
const Report = 2

// Encoding tells how the outcomes in a Results frame are laid out.
type Encoding uint32

const (
	// List is one encoding of all outcomes together, none of them a failure.
	List Encoding = iota
	// Stream is a table of lengths (8 bytes each), then the outcomes one by one.
	Stream
)

// Columns are outcomes of one type, none of them a failure, each of the same
// width. (2, 3 and 8 are encodings that only the bridge knows.)
const (
	Ints   Encoding = iota + 4 // 8 bytes, signed
	Floats                     // 8 bytes
	Bools                      // 1 byte
	Nones                      // nothing: there is only one
)

// isTable tells whether outcomes have a length each.
func (e Encoding) isTable() bool { return e == Stream || e == Packed }

// Width returns how many bytes an outcome of a column takes, and whether e is a
// column.
func (e Encoding) Width() (bytes int, ok bool) {
	switch e {
	case Ints, Floats:
		return 8, true
	case Bools:
		return 1, true
	case Nones:
		return 0, true
	}
	return 0, false
}

// Bits of an outcome's length.
const (
	FailureBit = 1 << 63 // the outcome is an exception
	LentBit    = 1 << 62 // not all of it is here: see Loan
	RetryBit   = 1 << 61 // of a failure: the task may be run again for it
)

const (
	headerSize  = 16
	runSize     = 32
	resultsSize = 32
	skippedSize = 16
)

// maxColumn is more outcomes than any worker has at a time, and few enough to
// multiply.
const maxColumn = 1 << 32

// ErrMalformed is wrapped by every error about bytes that break the format.
var ErrMalformed = errors.New("malformed frame")

// Frame is one frame as it was read. Payload belongs to the receiver.
type Frame struct {
	Kind    Kind
	Aux     uint32
	Payload []byte
}

// Span names tasks of a batch: Count of them, from Offset on, to be known by
// the sequence numbers from Sequence on.
type Span struct {
	Sequence uint64
	Function uint64
	Batch    uint64
	Offset   uint32
	Count    uint32
	Report   bool // sent as a mark of the frame
}

// Outcomes are the results of Count consecutive tasks.
type Outcomes struct {
	First    uint64
	Count    int
	Elapsed  time.Duration
	Ended    uint64 // when they were sent, in ns by the worker's clock
	Encoding Encoding
	Lengths  []byte // of a Stream, or Packed: Count lengths of 8 bytes
	Data     []byte
}

var order = binary.LittleEndian

func appendHeader(b []byte, kind Kind, aux uint32, size int) []byte {
	b = order.AppendUint32(b, uint32(kind))
	b = order.AppendUint32(b, aux)
	return order.AppendUint64(b, uint64(size))
}

// AppendFunction appends the frame that tells a worker about a function.
func AppendFunction(b []byte, id uint64, convention uint32, code []byte) []byte {
	b = appendHeader(b, Function, convention, 8+len(code))
	b = order.AppendUint64(b, id)
	return append(b, code...)
}

// AppendRun appends a Run frame. When carried is not nil the caller sends
// those bytes right after what it appended here.
func AppendRun(b []byte, s Span, carried []byte) []byte {
	aux := uint32(0)
	if carried != nil {
		aux = Carried
	}
	if s.Report {
		aux |= Report
	}
	b = appendHeader(b, Run, aux, runSize+len(carried))
	b = order.AppendUint64(b, s.Sequence)
	b = order.AppendUint64(b, s.Function)
	b = order.AppendUint64(b, s.Batch)
	b = order.AppendUint32(b, s.Offset)
	return order.AppendUint32(b, s.Count)
}

// AppendForget appends the frame after which a worker drops a function.
func AppendForget(b []byte, id uint64) []byte {
	return order.AppendUint64(appendHeader(b, Forget, 0, 8), id)
}

// AppendStop appends the frame after which a worker exits.
func AppendStop(b []byte) []byte { return appendHeader(b, Stop, 0, 0) }

// AppendTrim appends the frame after which a worker gives up memory that is free.
func AppendTrim(b []byte) []byte { return appendHeader(b, Trim, 0, 0) }

// AppendOutcomes appends a Results frame, as a worker does.
func AppendOutcomes(b []byte, o Outcomes) []byte {
	b = appendHeader(b, Results, uint32(o.Encoding), resultsSize+len(o.Lengths)+len(o.Data))
	b = order.AppendUint64(b, o.First)
	b = order.AppendUint64(b, uint64(o.Count))
	b = order.AppendUint64(b, uint64(o.Elapsed))
	b = order.AppendUint64(b, o.Ended)
	return append(append(b, o.Lengths...), o.Data...)
}

// AppendSkipped appends a Skipped frame, as a worker does.
func AppendSkipped(b []byte, first, count uint64) []byte {
	b = appendHeader(b, Skipped, 0, skippedSize)
	return order.AppendUint64(order.AppendUint64(b, first), count)
}

// AppendReady appends a Ready frame, as a worker does.
func AppendReady(b []byte) []byte { return appendHeader(b, Ready, 0, 0) }

// AppendTrimmed appends a Trimmed frame, as a worker does.
func AppendTrimmed(b []byte) []byte { return appendHeader(b, Trimmed, 0, 0) }

// AppendRetire appends a Retire frame, as a worker does.
func AppendRetire(b []byte) []byte { return appendHeader(b, Retire, 0, 0) }

// AppendFailed appends a Failed frame, as a worker does.
func AppendFailed(b []byte, text string) []byte {
	return append(appendHeader(b, Failed, 0, len(text)), text...)
}

// Outcomes reads the payload of a Results frame. The slices share its memory.
func (f Frame) Outcomes() (Outcomes, error) {
	if f.Kind != Results || len(f.Payload) < resultsSize {
		return Outcomes{}, fmt.Errorf("%w: %d bytes of results", ErrMalformed, len(f.Payload))
	}
	count := order.Uint64(f.Payload[8:])
	rest := f.Payload[resultsSize:]
	o := Outcomes{
		First:    order.Uint64(f.Payload),
		Elapsed:  time.Duration(order.Uint64(f.Payload[16:])),
		Ended:    order.Uint64(f.Payload[24:]),
		Encoding: Encoding(f.Aux),
		Data:     rest,
	}
	if o.Encoding == Stream {
		if count > uint64(len(rest))/8 {
			return Outcomes{}, fmt.Errorf("%w: %d lengths in %d bytes", ErrMalformed, count, len(rest))
		}
		o.Lengths, o.Data = rest[:8*count], rest[8*count:]
	}
	o.Count = int(count)
	return o, o.Check()
}

// Check returns an error if the parts of o do not fit together.
func (o Outcomes) Check() error {
	width, isColumn := o.Encoding.Width()
	switch {
	case o.Count < 1 || o.Elapsed < 0:
		return fmt.Errorf("%w: %d results in %d ns", ErrMalformed, o.Count, int64(o.Elapsed))
	case isColumn:
		if o.Count > maxColumn || o.Count*width != len(o.Data) {
			return fmt.Errorf("%w: %d results of %d bytes in %d", ErrMalformed, o.Count, width, len(o.Data))
		}
		return nil
	case o.Encoding == List:
		if o.Count > len(o.Data) {
			return fmt.Errorf("%w: %d results in %d bytes", ErrMalformed, o.Count, len(o.Data))
		}
		return nil
	case o.Encoding.isTable():
		if len(o.Lengths) != 8*o.Count {
			return fmt.Errorf("%w: %d results with %d bytes of lengths", ErrMalformed, o.Count, len(o.Lengths))
		}
		return checkLengths(o.Lengths, uint64(len(o.Data)), o.Encoding.lentSize())
	}
	return fmt.Errorf("%w: encoding %d", ErrMalformed, o.Encoding)
}

func checkLengths(lengths []byte, total, lentSize uint64) error {
	sum := uint64(0)
	for at := 0; at < len(lengths); at += 8 {
		n := Length(lengths[at:])
		if n < lentSize && order.Uint64(lengths[at:])&LentBit != 0 {
			return fmt.Errorf("%w: a loan named in %d bytes", ErrMalformed, n)
		}
		if n > total-sum {
			return fmt.Errorf("%w: an outcome of %d bytes with %d left", ErrMalformed, n, total-sum)
		}
		sum += n
	}
	if sum != total {
		return fmt.Errorf("%w: %d bytes behind the last outcome", ErrMalformed, total-sum)
	}
	return nil
}

// Length returns the first length of a table, without its bits.
func Length(lengths []byte) uint64 { return order.Uint64(lengths) &^ (FailureBit | LentBit | RetryBit) }

// Plain tells whether the first outcome is a result, and all of it here.
func (o Outcomes) Plain() bool {
	return !o.Encoding.isTable() || order.Uint64(o.Lengths)&(FailureBit|LentBit) == 0
}

// Retryable tells whether an outcome is a failure for which the task may be run again.
func (o Outcomes) Retryable(outcome int) bool {
	const bits = FailureBit | LentBit | RetryBit
	return o.Encoding == Stream && order.Uint64(o.Lengths[8*outcome:])&bits == FailureBit|RetryBit
}

// Skipped reads the payload of a Skipped frame.
func (f Frame) Skipped() (first, count uint64, err error) {
	if f.Kind != Skipped || len(f.Payload) != skippedSize {
		return 0, 0, fmt.Errorf("%w: %d bytes of skipped", ErrMalformed, len(f.Payload))
	}
	return order.Uint64(f.Payload), order.Uint64(f.Payload[8:]), nil
}

// Window returns the outcomes from skip on, count of them. A List can't be cut:
// it comes back whole, and the reader of the list skips.
func (o Outcomes) Window(skip, count int) Outcomes {
	if o.Encoding == List {
		return o
	}
	if width, ok := o.Encoding.Width(); ok {
		o.First += uint64(skip)
		o.Count = count
		o.Data = o.Data[width*skip : width*(skip+count)]
		return o
	}
	start := uint64(0)
	for i := range skip {
		start += Length(o.Lengths[8*i:])
	}
	end := start
	for i := skip; i < skip+count; i++ {
		end += Length(o.Lengths[8*i:])
	}
	o.First += uint64(skip)
	o.Count = count
	o.Lengths = o.Lengths[8*skip : 8*(skip+count)]
	o.Data = o.Data[start:end]
	return o
}
