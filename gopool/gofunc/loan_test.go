package gofunc

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// address returns what a buffer by address, of one dimension, refers to.
func address(t *testing.T, data []byte) unsafe.Pointer {
	kind, data, _, ok := splitExtension(data)
	require.True(t, ok)
	require.EqualValues(t, addressExtension, kind)
	return at(uintptr(order.Uint64(data[bufferHead+wordSize:])))
}

func TestLoans(t *testing.T) {
	const many = lendingSize / 8
	zeros := define(t, unary(Int, doubles, func(n int) []float64 { return make([]float64, n) }))
	t.Run("memory that an outcome refers to stays until nobody refers to it", func(t *testing.T) {
		m := call(zeros, intItems, 3, words(many, 1, 2*many)).run()
		o := m.outcomes(t)
		require.EqualValues(t, uint64(lentBit), o[0].marks)
		require.Zero(t, o[1].marks)
		require.EqualValues(t, uint64(lentBit), o[2].marks)
		require.EqualValues(t, 2, Handles())

		first, third := int64(order.Uint64(o[0].data)), int64(order.Uint64(o[2].data))
		require.NotEqual(t, first, third)
		runtime.GC()
		x := unsafe.Slice((*float64)(address(t, o[2].data[8:])), 2*many)
		require.Equal(t, make([]float64, 2*many), x)

		require.EqualValues(t, 2, Release(third, 1))
		require.EqualValues(t, 1, Release(third, -1))
		require.EqualValues(t, 0, Release(third, -1))
		require.EqualValues(t, 1, Handles())
		require.EqualValues(t, 0, Release(first, -1))
		require.Zero(t, Handles())
		require.Zero(t, Release(first, -1), "it is gone already")
	})
	t.Run("all of an outcome is one loan", func(t *testing.T) {
		f := define(t, unary(Int, Slice(doubles), func(n int) [][]float64 { return [][]float64{make([]float64, n), {1}, make([]float64, n)} }))
		o := call(f, intItems, 1, words(many)).run().outcomes(t)[0]
		require.EqualValues(t, 1, Handles())
		require.Len(t, unpack(t, o.data[8:]), 3)
		Release(int64(order.Uint64(o.data)), -1)
		require.Zero(t, Handles())
	})
	t.Run("an outcome that fails has none", func(t *testing.T) {
		circle := &entry{}
		circle.Next = circle
		f := define(t, Function{Name: "F", Run: func(t *Task) {
			t.Results(2)
			Return(t, doubles, make([]float64, many))
			Return(t, Pointer(entries), circle)
		}})
		told(t, callOne(t, f))
		require.Zero(t, Handles())
	})
	t.Run("what belongs to an argument is copied, as it is not ours to lend", func(t *testing.T) {
		f := define(t, unary(doubles, doubles, func(x []float64) []float64 { return x[1:] }))
		x := make([]float64, many+1)
		x[1] = 7
		o := call(f, packed, 1, elsewhere('d', x, many+1)).run().outcomes(t)[0]
		require.NotEqual(t, unsafe.Pointer(&x[1]), address(t, o.data[8:]))
		x[1] = 0
		require.Equal(t, 7.0, *(*float64)(address(t, o.data[8:])))
		Release(int64(order.Uint64(o.data)), -1)
	})
	require.Zero(t, Handles())
}
