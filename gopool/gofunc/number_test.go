package gofunc

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInts(t *testing.T) {
	t.Run("each kind takes what it holds, and gives it back", func(t *testing.T) {
		for _, v := range []int{math.MinInt, -1, 0, math.MaxInt} {
			requireRoundTrip(t, Int, v)
		}
		requireRoundTrip(t, Int8, math.MinInt8)
		requireRoundTrip(t, Int16, math.MinInt16)
		requireRoundTrip(t, Int32, math.MinInt32)
		requireRoundTrip(t, Int64, math.MinInt64)
		requireRoundTrip(t, Uint, math.MaxUint)
		requireRoundTrip(t, Uint8, math.MaxUint8)
		requireRoundTrip(t, Uint16, math.MaxUint16)
		requireRoundTrip(t, Uint32, math.MaxUint32)
		requireRoundTrip(t, Uint64, math.MaxUint64)
	})
	t.Run("a bool is an int in Python", func(t *testing.T) {
		requireRead(t, Int8, 1, true)
		requireRead(t, Uint64, 0, false)
	})
	t.Run("what does not fit overflows", func(t *testing.T) {
		requireFailure(t, Int8, overflowError, "F() argument 'x': 300 does not fit int8", 300)
		requireFailure(t, Int8, overflowError, "F() argument 'x': -129 does not fit int8", -129)
		requireFailure(t, Int, overflowError, "F() argument 'x': 18446744073709551615 does not fit int", uint64(math.MaxUint64))
		requireFailure(t, Int64, overflowError, "F() argument 'x': 9223372036854775808 does not fit int64", uint64(1<<63))
		requireFailure(t, Uint, overflowError, "F() argument 'x': -1 does not fit uint", -1)
		requireFailure(t, Uint8, overflowError, "F() argument 'x': 256 does not fit uint8", 256)
		requireFailure(t, Uint32, overflowError, "F() argument 'x': 4294967296 does not fit uint32", 1<<32)
	})
	t.Run("what is no int is told as Python has it", func(t *testing.T) {
		requireFailure(t, Int, typeError, "F() argument 'x' must be int, not str", "1")
		requireFailure(t, Int, typeError, "F() argument 'x' must be int, not float", 1.0)
		requireFailure(t, Uint8, typeError, "F() argument 'x' must be int, not None", nil)
		requireFailure(t, Uint8, typeError, "F() argument 'x' must be int, not list", []any{1})
	})
}

func TestFloats(t *testing.T) {
	t.Run("they come back as they are", func(t *testing.T) {
		for _, v := range []float64{0, -1.5, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(-1)} {
			requireRoundTrip(t, Float64, v)
		}
		for _, v := range []float32{0, 0.1, math.MaxFloat32, float32(math.Inf(1))} {
			requireRoundTrip(t, Float32, v)
			requireRead(t, Float32, v, float64(v))
		}
		nan, failed := read(Float32, pack(math.NaN()))
		require.Nil(t, failed)
		require.True(t, math.IsNaN(float64(nan)))
	})
	t.Run("ints and bools pass for floats in Python", func(t *testing.T) {
		requireRead(t, Float64, 7, 7)
		requireRead(t, Float64, -7, -7)
		requireRead(t, Float32, 1, true)
		requireRead(t, Float64, 1<<63, uint64(1<<63))
	})
	t.Run("what a float32 can't hold overflows", func(t *testing.T) {
		requireFailure(t, Float32, overflowError, "F() argument 'x': 1e+300 does not fit float32", 1e300)
	})
	t.Run("what is no number is refused", func(t *testing.T) {
		requireFailure(t, Float64, typeError, "F() argument 'x' must be float, not str", "1")
		requireFailure(t, Float32, typeError, "F() argument 'x' must be float, not None", nil)
	})
}

func TestBool(t *testing.T) {
	requireRoundTrip(t, Bool, true)
	requireRoundTrip(t, Bool, false)
	requireFailure(t, Bool, typeError, "F() argument 'x' must be bool, not int", 1)
}
