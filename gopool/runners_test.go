package gopool

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// runners returns a pool of n runners. It is terminated when the test ends, and has then
// to finish, whatever its workers are in.
func runners(t testing.TB, n int, options Options) (*Pool, *Runners) {
	t.Helper()
	p := New(options)
	r := NewRunners(p)
	require.NoError(t, r.Start(n))
	var serving sync.WaitGroup
	serving.Go(r.Serve)
	t.Cleanup(func() {
		p.Terminate()
		serving.Wait()
	})
	return p, r
}

// start starts a sealed job of count tasks that call f.
func start(t testing.TB, p *Pool, f RangeFunc, count int) *Job {
	t.Helper()
	function := p.NewFunction(f)
	defer p.Release(function)
	j, err := p.Submit(function, 1, nil, true, &Batch{Count: count})
	require.NoError(t, err)
	return j
}

// double is a task that takes no time.
func double(_ *fakeCall, index int) (int, error) { return 2 * index, nil }

// doubled returns the results of so many tasks.
func doubled(count int) map[int]int {
	m := map[int]int{}
	for i := range count {
		m[i] = 2 * i
	}
	return m
}

// gone waits until no call is a stray any more.
func gone(t *testing.T, r *Runners) {
	t.Helper()
	eventually(t, "the end of strays", func() bool { return len(r.Strays()) == 0 })
}

func TestRunners(t *testing.T) {
	t.Run("run every task once, and many in one call where they are short", func(t *testing.T) {
		p, _ := runners(t, 4, Options{})
		f := newFakeRanges(double)
		j := start(t, p, f, 100_000)
		require.True(t, j.Wait(within(t), 100_001))
		results, _, _ := outcomesOf(t, j)
		require.Equal(t, doubled(100_000), results)
		require.Greater(t, f.longest(), 100)
		require.LessOrEqual(t, f.longest(), maxOutcomes)
	})
	t.Run("deliver in order where that was asked for", func(t *testing.T) {
		p, _ := runners(t, 4, Options{})
		function := p.NewFunction(newFakeRanges(double))
		j, err := p.Submit(function, 1, nil, false)
		require.NoError(t, err)
		j.Order()
		for i := range 100 {
			require.NoError(t, j.Add(&Batch{Count: 10, Index: 10 * i}))
		}
		j.Seal()
		require.True(t, j.Wait(within(t), 1001))
		next := 0
		for _, s := range j.Take() {
			require.Equal(t, next, s.Index)
			next += s.Count
		}
		require.Equal(t, 1000, next)
	})
	t.Run("go on behind a failure, which is its task's alone", func(t *testing.T) {
		p, _ := runners(t, 2, Options{})
		j := start(t, p, newFakeRanges(func(_ *fakeCall, i int) (int, error) {
			if i%7 == 3 {
				return 0, errors.New("no")
			}
			return 2 * i, nil
		}), 5000)
		require.True(t, j.Wait(within(t), 5001))
		results, failed, lost := outcomesOf(t, j)
		require.Empty(t, lost)
		require.Len(t, results, 5000-714)
		require.Len(t, failed, 714)
		for i, reason := range failed {
			require.Equal(t, 3, i%7)
			require.Equal(t, "no", reason)
		}
	})
	t.Run("retire where workers are replaced", func(t *testing.T) {
		p, r := runners(t, 2, Options{MaxChunks: 1})
		var workers sync.Map
		j := start(t, p, newFakeRanges(func(c *fakeCall, i int) (int, error) {
			workers.Store(c.worker, true)
			return 2 * i, nil
		}), 20)
		require.True(t, j.Wait(within(t), 21))
		results, _, _ := outcomesOf(t, j)
		require.Equal(t, doubled(20), results)
		count := 0
		workers.Range(func(any, any) bool { count++; return true })
		require.Equal(t, 20, count)
		require.Empty(t, r.Strays())
	})
	t.Run("finish when the pool is closed", func(t *testing.T) {
		p, _ := runners(t, 3, Options{Workers: 3})
		j := start(t, p, newFakeRanges(double), 1000)
		p.Close()
		join(t, p)
		require.True(t, j.Done())
	})
	t.Run("tell what they are in, and for how long", func(t *testing.T) {
		p, _ := runners(t, 1, Options{})
		l := newLatch()
		j := start(t, p, newFakeRanges(func(_ *fakeCall, i int) (int, error) {
			if i == 1 {
				l.hold()
			}
			return 0, nil
		}), 3)
		await(t, l.held, "the task")
		task, ok := p.Doing(1)
		require.True(t, ok)
		require.Equal(t, 1, task.Index)
		require.NotZero(t, task.Began)
		s := p.Stats()
		require.Equal(t, []int{1, 1, 1}, []int{s.Done, s.Running, s.Queued})
		require.Zero(t, s.Workers[0].Process)
		close(l.release)
		require.True(t, j.Wait(within(t), 4))
	})
	t.Run("can't be added to a pool that has ended", func(t *testing.T) {
		p := New(Options{})
		p.Terminate()
		var refused *NotRunningError
		require.ErrorAs(t, NewRunners(p).Start(1), &refused)
	})
}
