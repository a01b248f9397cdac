package gofunc

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

func addressOf(b []byte) int64 { return int64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }

// callDirectly calls a function with one argument, as Python does, with room for
// 256 bytes.
func callDirectly(number int64, in []byte) outcome {
	return callWith(number, 0, in)
}

func callWith(number, star int64, in []byte) (o outcome) {
	out := make([]byte, 256)
	var pinner runtime.Pinner // or they might be on a stack, which moves
	defer pinner.Unpin()
	pinner.Pin(&in[0])
	pinner.Pin(&out[0])
	answer := Call(number, star, addressOf(in), int64(len(in)), addressOf(out), int64(len(out)))
	if answer&callFailed != 0 {
		o.marks |= failureBit
	}
	if answer&callLent != 0 {
		o.marks |= lentBit
	}
	size := answer &^ (callFailed | callLent)
	if size > int64(len(out)) {
		token := int64(order.Uint64(out))
		out = make([]byte, size)
		pinner.Pin(&out[0])
		size = Fetch(token, addressOf(out))
	}
	o.data = out[:size]
	return o
}

func TestCall(t *testing.T) {
	f := define(t, echo)
	t.Run("results are never columns", func(t *testing.T) {
		require.Equal(t, outcome{pack(7), 0}, callDirectly(define(t, same), pack(7)))
		require.Equal(t, outcome{pack(nil), 0}, callWith(define(t, Function{Run: func(*Task) {}}), 1, pack([]any{})))
	})
	t.Run("with star, the arguments are in a list", func(t *testing.T) {
		require.Equal(t, outcome{pack("a"), 0}, callWith(f, 1, pack([]any{"a"})))
		requireRefused(t, "F() takes 1 argument, 0 given", callWith(f, 1, pack([]any{})))
		kind, text, _, _ := told(t, callWith(f, 1, pack("a")))
		require.Equal(t, valueError, kind)
		require.Equal(t, "F() got malformed arguments", text)
	})
	t.Run("an outcome for which there is no room waits", func(t *testing.T) {
		long := strings.Repeat("x", 1000)
		require.Equal(t, outcome{pack(long), 0}, callDirectly(f, pack(long)))
		require.Equal(t, outcome{pack("a"), 0}, callDirectly(f, pack("a")))
		require.Zero(t, Handles())
		require.Zero(t, Fetch(1<<40, 0))
	})
	t.Run("failures and loans are marked", func(t *testing.T) {
		requireRefused(t, "F() argument 'x' must be str, not int", callDirectly(f, pack(1)))
		kind, text, _, _ := told(t, callDirectly(define(t, unary(Int, Int, divide)), pack(0)))
		require.Equal(t, goPanic, kind)
		require.Equal(t, "runtime error: integer divide by zero", text)
		zeros := define(t, unary(Int, doubles, func(n int) []float64 { return make([]float64, n) }))
		o := callDirectly(zeros, pack(lendingSize))
		require.EqualValues(t, uint64(lentBit), o.marks)
		require.EqualValues(t, 1, Handles())
		require.Zero(t, Release(int64(order.Uint64(o.data)), -1))
		require.Zero(t, Handles())
	})
	t.Run("a context never ends", func(t *testing.T) {
		f := define(t, Function{Name: "F", Context: true, Run: func(t *Task) { Return(t, Bool, t.Context().Done() == nil) }})
		require.Equal(t, outcome{pack(true), 0}, callWith(f, 1, pack([]any{})))
	})
	t.Run("threads call at the same time", func(t *testing.T) {
		var threads sync.WaitGroup
		for i := range 8 {
			threads.Go(func() {
				text := strings.Repeat("x", i*60)
				for range 200 {
					if got := unpack(t, callDirectly(f, pack(text)).data); got != text {
						t.Error(got)
					}
				}
			})
		}
		threads.Wait()
	})
}

func TestAddress(t *testing.T) {
	require.EqualValues(t, 1, ABI())
	require.NotZero(t, Address(0))
	require.NotEqual(t, Address(0), Address(1))
	require.NotEqual(t, Address(1), Address(2))
	require.Positive(t, Goroutines())
}
