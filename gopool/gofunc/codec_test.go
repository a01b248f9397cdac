package gofunc

import (
	"testing"

	"github.com/stretchr/testify/require"
)

type (
	level  int8
	vector []float64
	label  string
)

func TestConvert(t *testing.T) {
	levels, vectors := Convert[level](Int8), Convert[vector](Slice(Float64))
	t.Run("a named type is read and written as what it is of", func(t *testing.T) {
		requireRoundTrip(t, levels, -1)
		requireRoundTrip(t, vectors, vector{1, 2})
		requireRoundTrip(t, vectors, nil)
		requireRoundTrip(t, Map(Convert[label](String), levels), map[label]level{"a": 1})
		requireFailure(t, levels, overflowError, "F() argument 'x': 300 does not fit int8", 300)
	})
	t.Run("buffers will do where they do for it", func(t *testing.T) {
		requireRead(t, Slice(levels), []level{1, -1}, inline('b', []byte{1, 255}, 2))
		requireRead(t, Slice(vectors), []vector{{1}}, inline('d', words(0x3ff0000000000000), 1, 1))
	})
	t.Run("it is a column where that is", func(t *testing.T) {
		m := call(define(t, unary(levels, levels, func(v level) level { return -v })), intItems, 2, words(1, 2)).run()
		require.Equal(t, []uint64{1<<64 - 1, 1<<64 - 2}, m.column(t, ints))
	})
	t.Run("another type's codec is a mistake", func(t *testing.T) {
		require.PanicsWithValue(t, "gofunc: the underlying type of gofunc.level is not int", func() { Convert[level](Int) })
		require.Panics(t, func() { Convert[label](Bytes) })
	})
}

func TestPointer(t *testing.T) {
	c := Pointer(Int8)
	one := int8(1)
	requireRoundTrip(t, c, &one)
	requireRoundTrip(t, c, nil)
	requireFailure(t, c, overflowError, "F() argument 'x': 300 does not fit int8", 300)
}
