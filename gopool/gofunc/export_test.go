package gofunc

import (
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool"
	"github.com/gopool/gopool/gopool/bridge/foreign"
	"github.com/gopool/gopool/gopool/wire"
)

// function returns a function as the pool has it, who calls it by way of C.
func function(t *testing.T, f Function) *foreign.Function {
	code := words(uint64(Address(0)), uint64(Address(1)), uint64(Address(2)), uint64(define(t, f)))
	known, err := foreign.NewFunction(code, false)
	require.NoError(t, err)
	return known
}

// callFromC has the pool's half run tasks with these arguments.
func callFromC(t *testing.T, f *foreign.Function, args ...any) wire.Outcomes {
	items, err := foreign.NewItems(append(words(uint64(packed), 0), pack(args...)...), len(args))
	require.NoError(t, err)
	r := &gopool.Range{
		Worker: 1, Data: items, Count: len(args), Sequence: 1, Started: new(atomic.Uint64), Recalled: new(atomic.Uint64),
		Lengths: make([]byte, 8*len(args)), Out: make([]byte, 1<<10),
	}
	r.Recalled.Store(noRecall)
	var pinner runtime.Pinner // in the pool, this is in no memory of Go's
	defer pinner.Unpin()
	pinner.Pin(r.Started)
	pinner.Pin(r.Recalled)
	pinner.Pin(&r.Lengths[0])
	pinner.Pin(&r.Out[0])
	o := f.Run(r)
	require.NoError(t, o.Check())
	return o
}

// lastFailure returns the text of the last outcome.
func lastFailure(t *testing.T, o wire.Outcomes) string {
	last := o.Window(o.Count-1, 1)
	require.False(t, last.Plain())
	_, text, _, _ := told(t, outcome{last.Data, failureBit})
	return text
}

func TestFromC(t *testing.T) {
	t.Run("columns and records", func(t *testing.T) {
		require.Equal(t, wire.Outcomes{Count: 2, Encoding: wire.Ints, Data: words(7, 8)}, callFromC(t, function(t, same), 7, 8))
		o := callFromC(t, function(t, echo), "a", 7)
		require.Equal(t, 2, o.Count)
		require.Equal(t, "F() argument 'x' must be str, not int", lastFailure(t, o))
	})
	t.Run("outcomes for which there is no room", func(t *testing.T) {
		long := strings.Repeat("x", 2000)
		o := callFromC(t, function(t, echo), "a", long, "b")
		require.Equal(t, 2, o.Count)
		require.Equal(t, pack("a", long), o.Data)
	})
	t.Run("the caller's goroutine outlives what a task does to it", func(t *testing.T) {
		f := function(t, unary(Int, Int, func(n int) int {
			runtime.LockOSThread()
			switch n {
			case 1:
				runtime.Goexit()
			case 2:
				return divide(0)
			}
			return n
		}))
		require.Equal(t, "runtime.Goexit called", lastFailure(t, callFromC(t, f, 0, 0, 1)))
		require.Equal(t, "runtime error: integer divide by zero", lastFailure(t, callFromC(t, f, 0, 2)))
		require.Equal(t, words(0, 3), callFromC(t, f, 0, 3).Data)
	})
	t.Run("to cancel, and to give back what was lent", func(t *testing.T) {
		var f *foreign.Function
		f = function(t, Function{Name: "F", Params: []string{"n"}, Context: true, Run: func(t *Task) {
			Arg(t, Int)
			f.Cancel(1)
			<-t.Context().Done()
			Return(t, doubles, make([]float64, lendingSize))
		}})
		o := callFromC(t, f, 0)
		require.Equal(t, 1, loans.size())
		f.GiveBack(o.Loans()[0].ID)
		require.Eventually(t, func() bool { return Handles() == 0 }, 20*time.Second, time.Millisecond)
	})
}
