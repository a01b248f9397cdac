package gofunc

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
)

// inline packs a buffer whose data is in the message.
func inline(code byte, data []byte, shape ...uint64) msgp.Raw {
	return extension(bufferExtension, code, data, shape)
}

// elsewhere packs a buffer by its address.
func elsewhere[T any](code byte, data []T, shape ...uint64) msgp.Raw {
	return extension(addressExtension, code, order.AppendUint64(nil, uint64(uintptr(unsafe.Pointer(unsafe.SliceData(data))))), shape)
}

func extension(kind int8, code byte, data []byte, shape []uint64) msgp.Raw {
	b := appendExtension(nil, kind, bufferHead+wordSize*len(shape)+len(data))
	b = append(b, code, byte(len(shape)), 0, 0, 0, 0, 0, 0)
	return append(append(b, words(shape...)...), data...)
}

func TestReadBuffer(t *testing.T) {
	t.Run("numbers are read wherever they begin", func(t *testing.T) {
		c := Slice(Int32)
		data := []byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}
		for shift := range 8 {
			in := append(make([]byte, shift), inline('i', data, 2)...)
			v, failed := read(c, in[shift:])
			require.Nil(t, failed)
			require.Equal(t, []int32{1, -1}, v)
			clear(in)
			require.Equal(t, []int32{1, -1}, v, "the function may keep them")
		}
	})
	t.Run("two dimensions are rows, that share memory", func(t *testing.T) {
		requireRead(t, Slice(Slice(Int8)), [][]int8{{1, 2, 3}, {4, 5, 6}}, inline('b', []byte{1, 2, 3, 4, 5, 6}, 2, 3))
		requireRead(t, Slice(Slice(Int8)), [][]int8{{}, {}}, inline('b', nil, 2, 0))
		requireRead(t, Slice(Array(Int8, func(a *[2]int8) []int8 { return a[:] })), [][2]int8{{1, 2}}, inline('b', []byte{1, 2}, 1, 2))
		requireRead(t, Slice(Bytes), [][]byte{{1}, {2}}, inline('B', []byte{1, 2}, 2, 1))
	})
	t.Run("what is elsewhere is used there", func(t *testing.T) {
		data := []float64{1, 2, 3, 4}
		in := elsewhere('d', data, 2, 2)
		v, failed := read(Slice(Slice(Float64)), in)
		require.Nil(t, failed)
		require.Equal(t, [][]float64{{1, 2}, {3, 4}}, v)
		require.Same(t, &data[2], &v[1][0])
		runtime.KeepAlive(data)
	})
	t.Run("unless it is not aligned", func(t *testing.T) {
		data := make([]byte, 17)
		data[1] = 7
		v, failed := read(Slice(Uint64), elsewhere('Q', data[1:], 2))
		require.Nil(t, failed)
		require.Equal(t, []uint64{7, 0}, v)
		runtime.KeepAlive(data)
	})
	t.Run("a bool of any bits is one of Go's", func(t *testing.T) {
		data := []byte{0, 1, 2, 255}
		requireRead(t, Slice(Bool), []bool{false, true, true, true}, inline('?', data, 4))
		requireRead(t, Slice(Bool), []bool{false, true, true, true}, elsewhere('?', data, 4))
		require.Equal(t, []byte{0, 1, 2, 255}, data)
	})
	t.Run("no numbers need no memory", func(t *testing.T) {
		requireRead(t, Slice(Float64), []float64{}, inline('d', nil, 0))
		requireRead(t, Slice(Float64), []float64{}, elsewhere[float64]('d', nil, 0))
	})
	t.Run("other numbers and dimensions are refused", func(t *testing.T) {
		requireFailure(t, doubles, typeError, "F() argument 'x' must be list or buffer of 'd', not buffer of 'f'", inline('f', make([]byte, 4), 1))
		requireFailure(t, doubles, typeError, "F() argument 'x' must be list or buffer of 'd', not 2-dimensional buffer of 'd'", inline('d', make([]byte, 8), 1, 1))
		requireFailure(t, Slice(doubles), typeError, "F() argument 'x' must be list or 2-dimensional buffer of 'd', not buffer of 'd'", inline('d', make([]byte, 8), 1))
		requireFailure(t, Slice(String), typeError, "F() argument 'x' must be list, not buffer of 'd'", inline('d', nil, 0))
	})
	t.Run("data that its shape does not fit is malformed", func(t *testing.T) {
		for _, in := range []msgp.Raw{
			inline('d', make([]byte, 8), 2),
			inline('d', make([]byte, 16), 1),
			inline('d', nil, 1<<61),
			elsewhere[float64]('d', nil, 1),
			extension(addressExtension, 'd', make([]byte, 7), []uint64{0}),
			appendExtension(nil, bufferExtension, 0),
		} {
			requireFailure(t, doubles, valueError, "F() argument 'x': malformed msgpack", in)
		}
		requireFailure(t, Slice(doubles), valueError, "F() argument 'x': malformed msgpack", inline('d', nil, 1<<62, 0))
	})
}

var doubles = Slice(Float64)

func TestAppendBuffer(t *testing.T) {
	t.Run("numbers are written as a buffer, whatever they are", func(t *testing.T) {
		require.Equal(t, pack(inline('d', words(0x3ff0000000000000), 1)), write(t, doubles, []float64{1}))
		require.Equal(t, pack(inline('q', nil, 0)), write(t, Slice(Int), []int{}))
		require.Equal(t, pack(nil), write(t, Slice(Int), nil))
		requireRoundTrip(t, Slice(Bool), []bool{true, false})
		requireRoundTrip(t, Slice(Int8), []int8{-1, 2})
		requireRoundTrip(t, Slice(Uint16), []uint16{1, 2, 3})
		requireRoundTrip(t, Slice(Float32), []float32{1, 2, 3})
		requireRoundTrip(t, Slice(Slice(Uint32)), [][]uint32{{1}, nil, {2, 3}})
		requireRoundTrip(t, Array(Int16, func(a *[3]int16) []int16 { return a[:] }), [3]int16{1, 2, 3})
	})
	t.Run("many of them are left where they are", func(t *testing.T) {
		v := make([]float64, lendingSize/8)
		require.Equal(t, pack(elsewhere('d', v, uint64(len(v)))), write(t, doubles, v))
		require.Equal(t, int8(bufferExtension), int8(write(t, doubles, v[1:])[5]))
	})
}
