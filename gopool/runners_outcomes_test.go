package gopool

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRunnersLent(t *testing.T) {
	lend := func(*fakeCall, int) (int, error) { return 0, errLent }
	none := func(n int) []int { return make([]int, n) }
	t.Run("outcomes are given back once, when they were taken", func(t *testing.T) {
		p, _ := runners(t, 3, Options{})
		f := newFakeRanges(lend)
		j := start(t, p, f, 500)
		require.True(t, j.Wait(within(t), 501))
		require.NotContains(t, f.references(), 0)
		require.Len(t, j.After(0), segments(j))
		require.NotContains(t, f.references(), 0, "they may be asked for again")
		j.Take()
		require.Equal(t, none(500), f.references())
	})
	t.Run("outcomes that nobody takes are given back as they come", func(t *testing.T) {
		p, _ := runners(t, 3, Options{})
		f := newFakeRanges(lend)
		j := start(t, p, f, 500)
		j.Forget()
		require.True(t, j.Wait(within(t), 501))
		require.Equal(t, none(500), f.references())
	})
	t.Run("so are those of a stray", func(t *testing.T) {
		p, r := runners(t, 1, Options{})
		l := newLatch()
		f := newFakeRanges(func(*fakeCall, int) (int, error) { l.hold(); return 0, errLent })
		start(t, p, f, 1)
		await(t, l.held, "the task")
		p.Terminate()
		join(t, p)
		close(l.release)
		gone(t, r)
		require.Equal(t, []int{0}, f.references())
	})
	t.Run("and those of a job that has ended", func(t *testing.T) {
		p, _ := runners(t, 1, Options{})
		l := newLatch()
		f := newFakeRanges(func(*fakeCall, int) (int, error) { l.hold(); return 0, errLent })
		j := start(t, p, f, 1)
		await(t, l.held, "the task")
		require.True(t, j.Cancel(false))
		close(l.release)
		next := start(t, p, newFakeRanges(double), 1)
		require.True(t, next.Wait(within(t), 2))
		require.Equal(t, []int{0}, f.references())
	})
}

// segments returns how many have arrived.
func segments(j *Job) (count int) {
	locked(j.pool, func() { count = len(j.arrived) })
	return count
}

func TestRunnersRetry(t *testing.T) {
	run := func(t *testing.T, kinds uint64) (failed map[int]string, runs int32) {
		p, _ := runners(t, 2, Options{})
		var count atomic.Int32
		j, err := p.Submit(p.NewFunction(newFakeRanges(func(_ *fakeCall, i int) (int, error) {
			if i != 4 {
				return 0, nil
			}
			if count.Add(1) < 3 {
				return 0, errors.New("not yet")
			}
			return 0, nil
		})), 1, nil, false)
		require.NoError(t, err)
		j.Retry(Retries{Limit: 5, OnFailures: kinds})
		require.NoError(t, j.Add(&Batch{Count: 10}))
		j.Seal()
		require.True(t, j.Wait(within(t), 11))
		_, failed, _ = outcomesOf(t, j)
		return failed, count.Load()
	}
	t.Run("a failure of a kind that is worth it", func(t *testing.T) {
		failed, runs := run(t, 1<<failureKind)
		require.Empty(t, failed)
		require.Equal(t, int32(3), runs)
	})
	t.Run("no failure of another kind", func(t *testing.T) {
		failed, runs := run(t, ^uint64(1<<failureKind))
		require.Equal(t, map[int]string{4: "not yet"}, failed)
		require.Equal(t, int32(1), runs)
	})
}
