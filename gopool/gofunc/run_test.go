package gofunc

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	same   = unary(Int, Int, func(n int) int { return n })
	echo   = unary(String, String, func(s string) string { return s })
	errOdd = errors.New("odd")
)

// even is a function that fails for what is not.
var even = Function{Name: "Even", Params: []string{"n"}, Run: func(t *Task) {
	a0 := Arg(t, Int)
	if t.Failed() {
		return
	}
	if a0%2 != 0 {
		t.Fail(errOdd)
		return
	}
	Return(t, Int, a0)
}}

func TestColumns(t *testing.T) {
	t.Run("items of a column", func(t *testing.T) {
		f := define(t, same)
		require.Equal(t, words(5, 1<<64-1, 1<<63), call(f, intItems, 3, words(5, 1<<64-1, 1<<63)).run().bytes())
		require.Equal(t, []uint64{7, 5, 3}, call(f, rangeItems, 3, words(7, 1<<64-2)).run().column(t, ints))
		g := define(t, unary(Float64, Float64, func(x float64) float64 { return -x }))
		in := words(math.Float64bits(1.5), math.Float64bits(math.Inf(1)))
		require.Equal(t, []uint64{math.Float64bits(-1.5), math.Float64bits(math.Inf(-1))}, call(g, floatItems, 2, in).run().column(t, floats))
	})
	t.Run("results of each type that is one", func(t *testing.T) {
		f := define(t, unary(Float32, Float32, func(x float32) float32 { return x / 2 }))
		require.Equal(t, []uint64{math.Float64bits(0.5), math.Float64bits(1)}, call(f, packed, 2, pack(1.0, 2)).run().column(t, floats))
		f = define(t, unary(Int8, Bool, func(n int8) bool { return n > 0 }))
		m := call(f, intItems, 3, words(1, 0, 2)).run()
		require.Equal(t, bools, m.encoding)
		require.Equal(t, []byte{1, 0, 1}, m.bytes())
		f = define(t, unary(String, Uint32, func(string) uint32 { return math.MaxUint32 }))
		require.Equal(t, []uint64{math.MaxUint32}, call(f, packed, 1, pack("")).run().column(t, ints))
		f = define(t, Function{Name: "F", Params: []string{"n"}, Run: func(t *Task) { Arg(t, Int) }})
		m = call(f, packed, 2, pack(1, 2)).run()
		require.Equal(t, nones, m.encoding)
		require.EqualValues(t, 2, m.ran)
		require.Empty(t, m.bytes())
	})
	t.Run("no others, not even an integer that is too large for one", func(t *testing.T) {
		f := define(t, unary(Uint64, Uint64, func(n uint64) uint64 { return n }))
		o := call(f, packed, 2, pack(1, uint64(math.MaxUint64))).run().outcomes(t)
		require.Equal(t, []outcome{{pack(1), 0}, {pack(uint64(math.MaxUint64)), 0}}, o)
	})
	t.Run("items that the function does not take fail as others do", func(t *testing.T) {
		o := call(define(t, echo), rangeItems, 2, words(0, 1)).run().outcomes(t)
		requireRefused(t, "F() argument 'x' must be str, not int", o[0])
		requireRefused(t, "F() argument 'x' must be str, not int", o[1])
	})
}

func TestRecords(t *testing.T) {
	t.Run("outcomes come one by one, with their lengths", func(t *testing.T) {
		o := call(define(t, echo), packed, 3, pack("a", "", "bcd")).run().outcomes(t)
		require.Equal(t, []outcome{{pack("a"), 0}, {pack(""), 0}, {pack("bcd"), 0}}, o)
	})
	t.Run("failures are among them", func(t *testing.T) {
		o := call(define(t, echo), packed, 3, pack("a", []any{1, "b", nil}, "c")).run().outcomes(t)
		require.Equal(t, []outcome{{pack("a"), 0}, o[1], {pack("c"), 0}}, o)
		requireRefused(t, "F() argument 'x' must be str, not list", o[1])
	})
	t.Run("a column in which one fails becomes records", func(t *testing.T) {
		for _, m := range []*memory{
			call(define(t, even), intItems, 5, words(0, 300, 3, 4, 5)),
			call(define(t, even), packed, 5, pack(0, 300, 3, 4, 5)),
		} {
			o := m.run().outcomes(t)
			require.Equal(t, []outcome{{pack(0), 0}, {pack(300), 0}, o[2], {pack(4), 0}, o[4]}, o)
			kind, text, names, _ := told(t, o[2])
			require.Equal(t, goError, kind)
			require.Equal(t, "odd", text)
			require.Equal(t, []any{"*errors.errorString"}, names)
		}
	})
	t.Run("so does one of another type", func(t *testing.T) {
		f := define(t, unary(Float64, Float64, func(x float64) float64 { return x }))
		require.Equal(t, outcome{pack(1.5), 0}, call(f, packed, 2, pack(1.5, "x")).run().outcomes(t)[0])
		f = define(t, unary(Bool, Bool, func(x bool) bool { return x }))
		require.Equal(t, outcome{pack(true), 0}, call(f, packed, 2, pack(true, 1)).run().outcomes(t)[0])
		f = define(t, Function{Name: "F", Params: []string{"n"}, Run: func(t *Task) { Arg(t, Int) }})
		o := call(f, packed, 3, pack(1, "x", 2)).run().outcomes(t)
		require.Equal(t, []outcome{{pack(nil), 0}, o[1], {pack(nil), 0}}, o)
	})
	t.Run("after malformed arguments, those of the next task can't be found", func(t *testing.T) {
		m := call(define(t, echo), packed, 3, append(pack("a"), 0xc1, 0xa0)).run()
		require.EqualValues(t, 2, m.ran)
		kind, text, _, _ := told(t, m.outcomes(t)[1])
		require.Equal(t, valueError, kind)
		require.Equal(t, "F() argument 'x': malformed msgpack", text)
	})
}

func TestRoom(t *testing.T) {
	t.Run("outcomes that fit are in the caller's memory", func(t *testing.T) {
		m := call(define(t, same), rangeItems, 512, words(0, 1)).run()
		require.Nil(t, m.spilled)
		require.EqualValues(t, 512, m.ran)
		require.Same(t, &m.out[0], m.data)
		require.EqualValues(t, 4096, m.used)
	})
	t.Run("the first that does not is the last, and all of them are elsewhere", func(t *testing.T) {
		m := call(define(t, same), rangeItems, 1000, words(0, 1)).run()
		require.EqualValues(t, 513, m.ran)
		require.Nil(t, m.data)
		require.EqualValues(t, 512, m.column(t, ints)[512])

		long := strings.Repeat("x", 3000)
		m = call(define(t, echo), packed, 3, pack(long, long, long)).run()
		require.EqualValues(t, 2, m.ran)
		require.Equal(t, []outcome{{pack(long), 0}, {pack(long), 0}}, m.outcomes(t))
	})
	t.Run("there may be no room at all", func(t *testing.T) {
		m := call(define(t, same), rangeItems, 3, words(7, 1))
		m.callRange.out, m.room = nil, 0
		require.Equal(t, []uint64{7}, m.run().column(t, ints))
	})
	t.Run("a column that becomes records may need more", func(t *testing.T) {
		m := call(define(t, even), rangeItems, 3, words(1<<63, 1))
		m.room = 9
		m.run()
		require.EqualValues(t, 2, m.ran)
		require.Equal(t, outcome{pack(math.MinInt64), 0}, m.outcomes(t)[0])
	})
}

func TestRecall(t *testing.T) {
	var m *memory
	recallThird := define(t, unary(Int, Int, func(n int) int {
		if n == 1 {
			m.recalled.Store(uint64(m.sequence) + 2)
		}
		return n
	}))
	t.Run("tasks that are recalled are not started", func(t *testing.T) {
		m = call(recallThird, rangeItems, 5, words(0, 1))
		m.sequence = 100
		require.Equal(t, []uint64{0, 1}, m.run().column(t, ints))
		require.EqualValues(t, 102, m.started.Load(), "who recalls has to see that it may be too late")
	})
	t.Run("that may be all of them", func(t *testing.T) {
		m = call(recallThird, rangeItems, 5, words(0, 1))
		m.recalled.Store(0)
		m.run()
		require.Zero(t, m.ran)
		require.Zero(t, m.used)
	})
	t.Run("each one is told before it starts", func(t *testing.T) {
		var seen []uint64
		f := define(t, unary(Int, Int, func(n int) int {
			seen = append(seen, m.started.Load())
			return n
		}))
		m = call(f, rangeItems, 3, words(0, 1))
		m.sequence = 41
		m.run()
		require.Equal(t, []uint64{41, 42, 43}, seen)
	})
}
