package wire

import (
	"bytes"
	"io"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzReader: whatever a worker sends, reading it ends in an error or in frames
// that hold what arrived, and memory follows what arrived. What fuzzing has found
// worth keeping is in testdata/fuzz, and tried with every test run.
func FuzzReader(f *testing.F) {
	f.Add([]byte{})
	f.Add(AppendReady(nil))
	f.Add(AppendFailed(AppendSkipped(AppendReady(nil), 1, 2), "why"))
	f.Add(AppendOutcomes(nil, stream(1, map[int]bool{1: true}, "a", "", "ccc")))
	f.Add(AppendOutcomes(nil, Outcomes{First: 1, Count: 2, Data: []byte("ab")}))
	f.Add(AppendOutcomes(nil, Outcomes{First: 1, Count: -1, Encoding: Stream}))
	f.Add(AppendOutcomes(nil, Outcomes{First: 1, Count: 2, Encoding: Ints, Data: make([]byte, 16)}))
	f.Add(AppendOutcomes(nil, Outcomes{First: 1, Count: 2, Encoding: Nones}))
	lent := AppendOutcomes(nil, lentStream(map[int]Loan{0: {ID: 1, Size: 2}, 2: {ID: math.MaxUint64}}, "", "b", ""))
	f.Add(AppendRetire(AppendTrimmed(lent)))
	f.Add(AppendOutcomes(nil, Outcomes{First: 1, Count: 1, Encoding: Stream, Lengths: order.AppendUint64(nil, 3|LentBit), Data: []byte("abc")}))
	f.Add(AppendStop(nil))
	f.Add(AppendTrim(nil))
	f.Add(header(Failed, MaxPayload))
	f.Add(header(Results, math.MaxUint64))
	f.Fuzz(func(t *testing.T, input []byte) {
		piecewise := append(pieces{}, chop(input)...)
		whole, parts := NewReader(bytes.NewReader(input)), NewReader(&piecewise)
		for used := 0; ; {
			frame, err := whole.Next()
			require.LessOrEqual(t, cap(frame.Payload), 2*len(input)+trusted)
			same, sameErr := led(parts)
			require.Equal(t, err, sameErr, "the pieces in which bytes arrive make no difference")
			if err != nil {
				return
			}
			require.Equal(t, frame, same)
			used += headerSize + len(frame.Payload)
			require.LessOrEqual(t, used, len(input))
			check(t, frame)
		}
	})
}

// chop cuts b into pieces of growing size.
func chop(b []byte) (cut [][]byte) {
	for n := 1; len(b) > 0; n = 2*n + 1 {
		n = min(n, len(b))
		cut, b = append(cut, b[:n]), b[n:]
	}
	return cut
}

// led reads a frame as one who leads does: only when it is whole.
func led(r *Reader) (Frame, error) {
	for !r.Whole() && !r.Large() {
		if err := r.Fill(); err != nil && r.in.Buffered() == 0 {
			return Frame{}, err
		} else if err == io.EOF {
			break
		}
	}
	return r.Next()
}

// check parses a frame and holds the outcome against what it promises.
func check(t *testing.T, frame Frame) {
	_, _, err := frame.Skipped()
	require.Equal(t, frame.Kind == Skipped && len(frame.Payload) == skippedSize, err == nil)
	o, err := frame.Outcomes()
	if err != nil {
		require.ErrorIs(t, err, ErrMalformed)
		return
	}
	require.NoError(t, o.Check())
	require.Positive(t, o.Count)
	require.Equal(t, frame.Payload, AppendOutcomes(nil, o)[headerSize:])
	loans := o.Loans()
	for skip := range min(o.Count, 8) {
		window := o.Window(skip, o.Count-skip)
		require.NoError(t, window.Check())
		for len(loans) > 0 && loans[0].Outcome < skip {
			loans = loans[1:]
		}
		require.Len(t, window.Loans(), len(loans))
	}
}

// FuzzOutcomes: what AppendOutcomes writes is read back as it was, and so is
// any window of it.
func FuzzOutcomes(f *testing.F) {
	f.Add(uint64(1), int64(0), []byte{1}, []byte("a"))
	f.Add(uint64(math.MaxUint64), int64(math.MaxInt64), []byte{0, 0, 3, 130}, []byte("abcde"))
	f.Add(uint64(7), int64(1), []byte{255, 1}, bytes.Repeat([]byte("x"), 128))
	f.Fuzz(func(t *testing.T, first uint64, elapsed int64, shape, data []byte) {
		if len(shape) == 0 || elapsed < 0 {
			return
		}
		// Each byte of shape is an outcome: how long, and whether it failed. The
		// last one takes what is left.
		o := Outcomes{First: first, Count: len(shape), Elapsed: time.Duration(elapsed), Encoding: Stream, Data: data}
		left := len(data)
		for i, b := range shape {
			n := min(int(b&127), left)
			if i == len(shape)-1 {
				n = left
			}
			left -= n
			o.Lengths = order.AppendUint64(o.Lengths, uint64(n)|uint64(b>>7)<<63)
		}
		frame, err := NewReader(bytes.NewReader(AppendOutcomes(nil, o))).Next()
		require.NoError(t, err)
		got, err := frame.Outcomes()
		require.NoError(t, err)
		require.Equal(t, o.First, got.First)
		require.Equal(t, o.Elapsed, got.Elapsed)
		require.Equal(t, string(o.Lengths), string(got.Lengths))
		require.Equal(t, string(o.Data), string(got.Data))

		var joined []byte
		for i := range o.Count {
			one := got.Window(i, 1)
			require.NoError(t, one.Check())
			require.Equal(t, Length(one.Lengths), uint64(len(one.Data)))
			joined = append(joined, one.Data...)
		}
		require.Equal(t, string(data), string(joined))
	})
}
