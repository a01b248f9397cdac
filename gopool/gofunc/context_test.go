package gofunc

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCancel(t *testing.T) {
	reached := make(chan context.Context)
	await := define(t, Function{Name: "Await", Context: true, Run: func(t *Task) {
		reached <- t.Context()
		<-t.Context().Done()
		t.Fail(errors.Join(errOdd, t.Context().Err()))
	}})
	start := func(worker int64) (*memory, context.Context, chan *memory) {
		m := call(await, packed, 1, pack([]any{}))
		m.star, m.worker = 1, worker
		done := make(chan *memory)
		go func() { done <- m.run() }()
		return m, <-reached, done
	}
	t.Run("the context of that worker's task is cancelled, and the failure says so", func(t *testing.T) {
		_, first, firstDone := start(1)
		_, second, secondDone := start(2)
		require.EqualValues(t, 2, Handles())
		contexts.cancel(3)
		contexts.cancel(2)
		kind, text, names, _ := told(t, (<-secondDone).outcomes(t)[0])
		require.Equal(t, cancelled, kind)
		require.Equal(t, "odd\ncontext canceled", text)
		require.Equal(t, []any{"*errors.joinError", "*errors.errorString", "*errors.errorString"}, names)
		require.Error(t, second.Err())
		require.NoError(t, first.Err())
		contexts.cancel(1)
		<-firstDone
		require.Zero(t, Handles())
	})
	t.Run("a context ends with its range", func(t *testing.T) {
		var kept context.Context
		f := define(t, Function{Name: "F", Context: true, Run: func(t *Task) {
			kept = t.Context()
			t.Fail(context.Canceled)
		}})
		kind, _, _, _ := told(t, callOne(t, f))
		require.Equal(t, goError, kind, "somebody else's was cancelled")
		require.ErrorIs(t, kept.Err(), context.Canceled)
	})
	t.Run("to cancel what has ended is nothing", func(t *testing.T) {
		contexts.cancel(1)
		require.Zero(t, Handles())
	})
}
