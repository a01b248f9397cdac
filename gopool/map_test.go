package gopool

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMap(t *testing.T) {
	itoa := func(_ context.Context, n int) (string, error) { return strconv.Itoa(n), nil }

	t.Run("returns the results in the order of the inputs", func(t *testing.T) {
		for _, workers := range []int{1, 4} {
			for _, n := range []int{1, 2, 100, 50_000} {
				p := goroutines(t, workers)
				inputs := make([]int, n)
				for i := range inputs {
					inputs[i] = 3 * i
				}
				got, err := Map(within(t), p, itoa, inputs)
				require.NoError(t, err)
				require.Len(t, got, n)
				for i, s := range got {
					require.Equal(t, strconv.Itoa(3*i), s)
				}
			}
		}
	})
	t.Run("of nothing is nothing, and harms no worker", func(t *testing.T) {
		p := goroutines(t, 1)
		for range 3 {
			got, err := Map(within(t), p, itoa, nil)
			require.NoError(t, err)
			require.Empty(t, got)
		}
		got, err := Map(within(t), p, itoa, []int{7})
		require.NoError(t, err)
		require.Equal(t, []string{"7"}, got)
	})
	t.Run("returns the first error by position, and the results around it", func(t *testing.T) {
		p := goroutines(t, 3)
		got, err := Map(within(t), p, func(_ context.Context, n int) (int, error) {
			if n%10 == 9 {
				return 0, fmt.Errorf("task %d", n)
			}
			return -n, nil
		}, []int{1, 2, 19, 4, 9, 6})
		require.EqualError(t, err, "task 19")
		require.Equal(t, []int{-1, -2, 0, -4, 0, -6}, got)
	})
	t.Run("a result may be nil", func(t *testing.T) {
		p := goroutines(t, 1)
		got, err := Map(within(t), p, func(context.Context, int) (error, error) { return nil, nil }, []int{1})
		require.NoError(t, err)
		require.Equal(t, []error{nil}, got)
	})
	t.Run("a panic is a PanicError, a worker that went a LostError", func(t *testing.T) {
		p := goroutines(t, 2)
		_, err := Map(within(t), p, func(context.Context, int) (int, error) { panic("no") }, []int{1})
		require.ErrorAs(t, err, new(*PanicError))
		_, err = Map(within(t), p, func(context.Context, int) (int, error) { runtime.Goexit(); return 0, nil }, []int{1})
		require.ErrorAs(t, err, new(*LostError))
		got, err := Map(within(t), p, itoa, []int{1})
		require.NoError(t, err)
		require.Equal(t, []string{"1"}, got)
	})
	t.Run("returns early when its context ends", func(t *testing.T) {
		p := goroutines(t, 1)
		l := newLatch()
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() {
			_, err := Map(ctx, p, func(context.Context, int) (int, error) { l.hold(); return 0, nil }, []int{1})
			result <- err
		}()
		await(t, l.held, "the task")
		cancel()
		require.ErrorIs(t, await(t, result, "Map"), context.Canceled)
		close(l.release)
	})
	t.Run("ends with the pool", func(t *testing.T) {
		p := goroutines(t, 1)
		l := newLatch()
		result := make(chan error, 1)
		go func() {
			_, err := Map(t.Context(), p, func(context.Context, int) (int, error) { l.hold(); return 0, nil }, []int{1})
			result <- err
		}()
		await(t, l.held, "the task")
		p.Terminate()
		require.ErrorIs(t, await(t, result, "Map"), ErrTerminated)
		close(l.release)
		_, err := Map(t.Context(), p, itoa, []int{1})
		require.True(t, errors.As(err, new(*NotRunningError)))
	})
}
