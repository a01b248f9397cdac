package wire

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// next reads the one frame that b holds, as a worker's if its kind is.
func next(t *testing.T, b []byte) Frame {
	t.Helper()
	frame, err := NewReader(bytes.NewReader(b)).Next()
	require.NoError(t, err)
	require.Len(t, b, headerSize+len(frame.Payload))
	return frame
}

// parsed reads the header of a frame that the pool sends, which a Reader refuses.
func parsed(t *testing.T, b []byte) Frame {
	t.Helper()
	require.GreaterOrEqual(t, len(b), headerSize)
	f := Frame{Kind: Kind(order.Uint32(b)), Aux: order.Uint32(b[4:]), Payload: b[headerSize:]}
	require.Equal(t, uint64(len(f.Payload)), order.Uint64(b[8:]), "the header tells the payload's size")
	return f
}

// stream returns Outcomes of those records; the failed ones are marked.
func stream(first uint64, failed map[int]bool, records ...string) Outcomes {
	o := Outcomes{First: first, Count: len(records), Elapsed: time.Millisecond, Encoding: Stream}
	for i, r := range records {
		n := uint64(len(r))
		if failed[i] {
			n |= FailureBit
		}
		o.Lengths = order.AppendUint64(o.Lengths, n)
		o.Data = append(o.Data, r...)
	}
	return o
}

// lentStream returns Outcomes of those records; in the place of some are those that name a slab.
func lentStream(loans map[int]Loan, records ...string) Outcomes {
	for i, loan := range loans {
		var record []byte
		for _, word := range []uint64{1, loan.ID, 1 << 20, loan.Size, loan.Size} {
			record = order.AppendUint64(record, word)
		}
		records[i] = string(record)
	}
	o := stream(1, nil, records...)
	for i := range loans {
		order.PutUint64(o.Lengths[8*i:], order.Uint64(o.Lengths[8*i:])|LentBit)
	}
	return o
}

func TestFramesToTheWorker(t *testing.T) {
	t.Run("Function holds the id and the code", func(t *testing.T) {
		f := parsed(t, AppendFunction(nil, 7, 2, []byte("code")))
		require.Equal(t, Frame{Function, 2, append(order.AppendUint64(nil, 7), "code"...)}, f)
	})
	t.Run("Run counts the batch that is sent behind it", func(t *testing.T) {
		span := Span{Sequence: 1, Function: 2, Batch: 3, Offset: 4, Count: 5}
		batch := []byte("batch")
		f := parsed(t, append(AppendRun(nil, span, batch), batch...))
		require.Equal(t, Run, f.Kind)
		require.Equal(t, uint32(Carried), f.Aux)
		require.Equal(t, batch, f.Payload[runSize:])
		for i, want := range []uint64{1, 2, 3, 4 | 5<<32} {
			require.Equal(t, want, order.Uint64(f.Payload[8*i:]))
		}
	})
	t.Run("Run without a batch is the span alone", func(t *testing.T) {
		f := parsed(t, AppendRun(nil, Span{}, nil))
		require.Zero(t, f.Aux)
		require.Len(t, f.Payload, runSize)
	})
	t.Run("an empty batch is carried all the same", func(t *testing.T) {
		require.Equal(t, uint32(Carried), parsed(t, AppendRun(nil, Span{}, []byte{})).Aux)
	})
	t.Run("Run may ask for a report before", func(t *testing.T) {
		require.Equal(t, uint32(Report), parsed(t, AppendRun(nil, Span{Report: true}, nil)).Aux)
		require.Equal(t, uint32(Carried|Report), parsed(t, AppendRun(nil, Span{Report: true}, []byte{})).Aux)
	})
	t.Run("Forget holds the id, Stop and Trim nothing", func(t *testing.T) {
		require.Equal(t, Frame{Forget, 0, order.AppendUint64(nil, 9)}, parsed(t, AppendForget(nil, 9)))
		require.Equal(t, Frame{Stop, 0, []byte{}}, parsed(t, AppendStop(nil)))
		require.Equal(t, Frame{Trim, 0, []byte{}}, parsed(t, AppendTrim(nil)))
	})
}

func TestFramesFromTheWorker(t *testing.T) {
	t.Run("Ready, Trimmed and Failed come back as they were sent", func(t *testing.T) {
		require.Equal(t, Frame{Ready, 0, []byte{}}, next(t, AppendReady(nil)))
		require.Equal(t, Frame{Trimmed, 0, []byte{}}, next(t, AppendTrimmed(nil)))
		require.Equal(t, Frame{Failed, 0, []byte("why")}, next(t, AppendFailed(nil, "why")))
	})
	t.Run("Skipped comes back as it was sent", func(t *testing.T) {
		first, count, err := next(t, AppendSkipped(nil, 3, 4)).Skipped()
		require.NoError(t, err)
		require.Equal(t, [2]uint64{3, 4}, [2]uint64{first, count})
	})
	t.Run("outcomes in any encoding come back as they were sent", func(t *testing.T) {
		list := Outcomes{First: 5, Count: 3, Elapsed: time.Second, Data: []byte("three")}
		ints := Outcomes{First: 1, Count: 2, Encoding: Ints, Data: make([]byte, 16)}
		bools := Outcomes{First: 9, Count: 3, Encoding: Bools, Data: []byte{1, 0, 1}}
		nones := Outcomes{First: 7, Count: 1000, Encoding: Nones, Data: []byte{}}
		lent := lentStream(map[int]Loan{1: {ID: 5, Size: 9}}, "a", "", "ccc")
		for _, o := range []Outcomes{list, stream(1, map[int]bool{1: true}, "a", "", "ccc"), ints, bools, nones, lent} {
			got, err := next(t, AppendOutcomes(nil, o)).Outcomes()
			require.NoError(t, err)
			require.Equal(t, o, got)
		}
	})
}

func TestOutcomesRefused(t *testing.T) {
	with := func(change func(o *Outcomes)) Outcomes {
		o := stream(1, nil, "a", "bb")
		change(&o)
		return o
	}
	for name, o := range map[string]Outcomes{
		"no outcomes":                       with(func(o *Outcomes) { o.Count, o.Lengths, o.Data = 0, nil, nil }),
		"a count beyond all numbers":        with(func(o *Outcomes) { o.Encoding, o.Count = List, -1 }),
		"negative time":                     with(func(o *Outcomes) { o.Elapsed = -1 }),
		"more lengths than bytes":           with(func(o *Outcomes) { o.Count = 9 }),
		"an unknown encoding":               with(func(o *Outcomes) { o.Encoding = 8 }),
		"an encoding of the bridge's own":   with(func(o *Outcomes) { o.Encoding = 2 }),
		"outcomes of a Go function":         with(func(o *Outcomes) { o.Encoding = Packed }),
		"a column of half a number":         {First: 1, Count: 1, Encoding: Floats, Data: make([]byte, 4)},
		"a column with more than its count": {First: 1, Count: 1, Encoding: Ints, Data: make([]byte, 16)},
		"nothing that has bytes":            {First: 1, Count: 1, Encoding: Nones, Data: make([]byte, 1)},
		"more of nothing than there can be": {First: 1, Count: 1 << 60, Encoding: Nones},
		"bytes behind the last outcome":     with(func(o *Outcomes) { o.Data = append(o.Data, 'x') }),
		"an outcome that is cut short":      with(func(o *Outcomes) { o.Data = o.Data[:2] }),
		"a length that overflows the sum":   with(func(o *Outcomes) { order.PutUint64(o.Lengths[8:], math.MaxUint64) }),
		"a list with less bytes than items": {First: 1, Count: 4, Data: []byte("abc")},
		"a slab that is not named whole": with(func(o *Outcomes) {
			o.Data = make([]byte, Stream.lentSize())
			order.PutUint64(o.Lengths[8:], Stream.lentSize()-1|LentBit)
		}),
		"a slab that ends behind the bytes": with(func(o *Outcomes) { order.PutUint64(o.Lengths[8:], Stream.lentSize()|LentBit) }),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := next(t, AppendOutcomes(nil, o)).Outcomes()
			require.ErrorIs(t, err, ErrMalformed)
		})
	}
	t.Run("a frame of another kind or too short", func(t *testing.T) {
		_, err := Frame{Kind: Ready, Payload: make([]byte, 64)}.Outcomes()
		require.ErrorIs(t, err, ErrMalformed)
		_, err = Frame{Kind: Results, Payload: make([]byte, resultsSize-1)}.Outcomes()
		require.ErrorIs(t, err, ErrMalformed)
	})
	t.Run("Skipped of another size or kind", func(t *testing.T) {
		for _, f := range []Frame{{Kind: Skipped}, {Kind: Skipped, Payload: make([]byte, 17)}, {Kind: Ready, Payload: make([]byte, 16)}} {
			_, _, err := f.Skipped()
			require.ErrorIs(t, err, ErrMalformed)
		}
	})
}

func TestWindow(t *testing.T) {
	o := stream(10, map[int]bool{2: true}, "a", "bb", "ccc", "", "eeeee")
	t.Run("any window of a stream is the stream of its records", func(t *testing.T) {
		records := []string{"a", "bb", "ccc", "", "eeeee"}
		for skip := range records {
			for count := 1; skip+count <= len(records); count++ {
				w := o.Window(skip, count)
				want := stream(10+uint64(skip), map[int]bool{2 - skip: true}, records[skip:skip+count]...)
				require.NoError(t, w.Check())
				require.Equal(t, want.First, w.First)
				require.Equal(t, want.Count, w.Count)
				require.Equal(t, string(want.Lengths), string(w.Lengths))
				require.Equal(t, string(want.Data), string(w.Data))
			}
		}
	})
	t.Run("a window of a column is cut by its width", func(t *testing.T) {
		for encoding, want := range map[Encoding]string{Bools: "bc", Floats: "bbbbbbbbcccccccc", Nones: ""} {
			width, ok := encoding.Width()
			require.True(t, ok)
			data := ""
			for _, letter := range []string{"a", "b", "c", "d"} {
				data += strings.Repeat(letter, width)
			}
			column := Outcomes{First: 5, Count: 4, Encoding: encoding, Data: []byte(data)}
			require.Equal(t, Outcomes{First: 6, Count: 2, Encoding: encoding, Data: []byte(want)}, column.Window(1, 2))
		}
	})
	t.Run("a list comes back whole", func(t *testing.T) {
		list := Outcomes{First: 1, Count: 3, Data: []byte("xyz")}
		require.Equal(t, list, list.Window(1, 1))
	})
	t.Run("windows have the slabs of their own outcomes", func(t *testing.T) {
		o := lentStream(map[int]Loan{0: {ID: 7, Size: 1}, 2: {ID: 8, Size: 2}}, "", "b", "", "d")
		require.Equal(t, []Loan{{0, 7, 1}, {2, 8, 2}}, o.Loans())
		require.Equal(t, []Loan{{1, 8, 2}}, o.Window(1, 3).Loans())
		require.Empty(t, o.Window(1, 1).Loans())
		require.Empty(t, Outcomes{First: 1, Count: 1, Data: []byte("list")}.Loans())
		require.Equal(t, uint64(40), Length(o.Lengths[16:]), "a length is told without its bits")
	})
	t.Run("a failure may be one to try again after", func(t *testing.T) {
		for bits, want := range map[uint64]bool{
			0: false, FailureBit: false, RetryBit: false, FailureBit | RetryBit: true, FailureBit | RetryBit | LentBit: false,
		} {
			one := Outcomes{First: 1, Count: 2, Encoding: Stream, Data: make([]byte, 41)}
			one.Lengths = order.AppendUint64(order.AppendUint64(nil, 1), 40|bits)
			require.NoError(t, one.Check())
			require.Equal(t, want, one.Retryable(1), bits)
			require.False(t, one.Retryable(0))
			require.Equal(t, uint64(40), Length(one.Lengths[8:]))
		}
		require.False(t, Outcomes{First: 1, Count: 1, Data: []byte("list")}.Retryable(0))
	})
	t.Run("a length is told without its failure bit", func(t *testing.T) {
		require.Equal(t, uint64(3), Length(o.Lengths[16:]))
		require.Equal(t, 3|uint64(FailureBit), order.Uint64(o.Lengths[16:]))
	})
}
