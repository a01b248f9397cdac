package gopool

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool/wire"
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

// stuck is a function of which task 0 holds until it is let go, whatever it is asked.
type stuck struct {
	*fakeRanges
	latch
	runs [8]atomic.Int32
}

func newStuck() *stuck {
	s := &stuck{latch: newLatch()}
	s.fakeRanges = newFakeRanges(func(_ *fakeCall, i int) (int, error) {
		s.runs[i].Add(1)
		if i == 0 {
			s.hold()
		}
		return 2 * i, nil
	})
	return s
}

// without returns the results of tasks 1 to count-1.
func without0(count int) map[int]int {
	m := doubled(count)
	delete(m, 0)
	return m
}

func TestRunnersRecall(t *testing.T) {
	t.Run("tasks behind a long one go to others", func(t *testing.T) {
		p, _ := runners(t, 2, Options{})
		s := newStuck()
		f := timed(p, 10*time.Microsecond) // so that they are one range
		f.Value = s
		j := submit(t, p, f, 8, 8)
		await(t, s.held, "task 0")
		require.True(t, j.Wait(within(t), 7))
		results, _, _ := outcomesOf(t, j)
		require.Equal(t, without0(8), results)
		close(s.release)
		require.True(t, j.Wait(within(t), 8))
		for i := range s.runs {
			require.Equal(t, int32(1), s.runs[i].Load(), "task %d", i)
		}
	})
	t.Run("a failure that waits for the next call is told, although tasks were recalled", func(t *testing.T) {
		p, _ := runners(t, 2, Options{})
		l := newLatch()
		var runs [8]atomic.Int32
		f := timed(p, 10*time.Microsecond)
		f.Value = newFakeRanges(func(_ *fakeCall, i int) (int, error) {
			if runs[i].Add(1); i == 1 {
				l.hold()
				return 0, errors.New("no")
			}
			return 2 * i, nil
		})
		j := submit(t, p, f, 8, 8)
		await(t, l.held, "task 1")
		eventually(t, "the others", func() bool { return runs[7].Load() == 1 })
		close(l.release)
		require.True(t, j.Wait(within(t), 9))
		results, failed, _ := outcomesOf(t, j)
		require.Equal(t, map[int]string{1: "no"}, failed)
		require.Len(t, results, 7)
		for i := range runs {
			require.Equal(t, int32(1), runs[i].Load(), "task %d", i)
		}
	})
}

func TestRunnersGivenUp(t *testing.T) {
	t.Run("a task beyond its limit is lost, and its call is a stray until it returns", func(t *testing.T) {
		p, r := runners(t, 1, Options{})
		s := newStuck()
		settled := make(chan struct{})
		j, err := p.Submit(p.NewFunction(s), 1, nil, false)
		require.NoError(t, err)
		j.Limit(20 * time.Millisecond)
		require.NoError(t, j.Add(&Batch{Count: 8, Settled: func() { close(settled) }}))
		j.Seal()
		require.True(t, j.Wait(within(t), 9))
		results, _, lost := outcomesOf(t, j)
		require.Equal(t, without0(8), results, "by the next worker")
		require.Equal(t, map[int]Lost{0: {Worker: 1, Exit: UnknownExit, Limit: 20 * time.Millisecond}}, lost)
		require.Equal(t, 1, s.longest(), "each may have to be ended by itself")
		require.Len(t, r.Strays(), 1)
		left := r.Strays()[0]
		require.Equal(t, WorkerStats{ID: 1, State: WorkerLost, Task: left.Task}, left)
		require.Zero(t, left.Task.Index)
		require.Same(t, j.Function(), left.Task.Function)
		require.GreaterOrEqual(t, left.Task.Since, 20*time.Millisecond)
		select {
		case <-settled:
			require.Fail(t, "the call still has the batch")
		default:
		}
		close(s.release)
		await(t, settled, "the end of the call")
		gone(t, r)
		require.Empty(t, j.Take(), "what it returns is dropped")
		require.Equal(t, int32(1), s.runs[0].Load())
	})
	t.Run("is asked to end as well", func(t *testing.T) {
		p, r := runners(t, 1, Options{})
		j, err := p.Submit(p.NewFunction(newFakeRanges(func(c *fakeCall, _ int) (int, error) {
			<-c.Done()
			return 0, errors.New("cancelled")
		})), 1, nil, false)
		require.NoError(t, err)
		j.Limit(time.Millisecond)
		require.NoError(t, j.Add(&Batch{Count: 1}))
		j.Seal()
		require.True(t, j.Wait(within(t), 2))
		_, _, lost := outcomesOf(t, j)
		require.Equal(t, time.Millisecond, lost[0].Limit)
		gone(t, r)
	})
	t.Run("a job that is cancelled with what runs has its worker replaced", func(t *testing.T) {
		p, r := runners(t, 1, Options{})
		s := newStuck()
		j := start(t, p, s, 8)
		await(t, s.held, "task 0")
		require.True(t, j.Cancel(true))
		require.ErrorIs(t, j.Err(), ErrCancelled)
		next := start(t, p, newFakeRanges(double), 100)
		require.True(t, next.Wait(within(t), 101))
		require.Len(t, r.Strays(), 1)
		close(s.release)
		gone(t, r)
	})
	t.Run("a job that is cancelled without waits for its worker", func(t *testing.T) {
		p, r := runners(t, 1, Options{})
		s := newStuck()
		j := start(t, p, s, 8)
		await(t, s.held, "task 0")
		require.True(t, j.Cancel(false))
		next := start(t, p, newFakeRanges(double), 100)
		require.False(t, next.Done())
		require.Empty(t, r.Strays())
		close(s.release)
		require.True(t, next.Wait(within(t), 101))
		for i := range s.runs[1:] {
			require.Zero(t, s.runs[1+i].Load())
		}
	})
	t.Run("one task of a job loses the others that its call has run, and runs none again", func(t *testing.T) {
		p, r := runners(t, 1, Options{})
		l := newLatch()
		var runs [8]atomic.Int32
		f := timed(p, 10*time.Microsecond)
		f.Value = newFakeRanges(func(_ *fakeCall, i int) (int, error) {
			if runs[i].Add(1); i == 2 {
				l.hold()
			}
			return 2 * i, nil
		})
		j := submit(t, p, f, 8, 8)
		await(t, l.held, "task 2")
		require.True(t, j.CancelTask(2, true))
		require.True(t, j.Wait(within(t), 9))
		results, _, lost := outcomesOf(t, j)
		require.Len(t, lost, 3)
		require.Equal(t, map[int]int{3: 6, 4: 8, 5: 10, 6: 12, 7: 14}, results)
		close(l.release)
		gone(t, r)
		for i := range runs {
			require.Equal(t, int32(1), runs[i].Load(), "task %d", i)
		}
	})
	t.Run("what answers what can't be is lost, and not run again", func(t *testing.T) {
		for name, broken := range map[string]wire.Outcomes{
			"nothing":        {},
			"too many":       {Count: 9, Encoding: wire.Nones},
			"less than none": {Count: -1, Encoding: wire.Nones},
			"a bad table":    {Count: 1, Encoding: wire.Packed},
			"a list":         {Count: 1, Encoding: wire.List, Data: []byte("x")},
		} {
			p, _ := runners(t, 1, Options{})
			f := &brokenRanges{newFakeRanges(nil), broken, atomic.Int32{}}
			j := start(t, p, f, 3)
			require.True(t, j.Wait(within(t), 4), name)
			_, _, lost := outcomesOf(t, j)
			require.Len(t, lost, 3, name)
			require.Equal(t, int32(3), f.calls.Load(), name)
		}
	})
}

// brokenRanges answers what it should not.
type brokenRanges struct {
	*fakeRanges
	answer wire.Outcomes
	calls  atomic.Int32
}

func (b *brokenRanges) Run(*Range) wire.Outcomes {
	b.calls.Add(1)
	return b.answer
}

func TestTerminateRunners(t *testing.T) {
	t.Run("gives up those that do not come back", func(t *testing.T) {
		p, r := runners(t, 2, Options{})
		s := newStuck()
		settled := make(chan struct{})
		j, err := p.Submit(p.NewFunction(s), 1, nil, true, &Batch{Count: 8, Settled: func() { close(settled) }})
		require.NoError(t, err)
		await(t, s.held, "task 0")
		p.Terminate()
		require.ErrorIs(t, j.Err(), ErrTerminated)
		join(t, p)
		require.Len(t, r.Strays(), 1)
		close(s.release)
		await(t, settled, "the end of the call")
		gone(t, r)
	})
	t.Run("asks them to first", func(t *testing.T) {
		p, r := runners(t, 2, Options{})
		var running sync.WaitGroup
		running.Add(2)
		start(t, p, newFakeRanges(func(c *fakeCall, _ int) (int, error) {
			running.Done()
			<-c.Done()
			return 0, errors.New("cancelled")
		}), 2)
		running.Wait()
		p.Terminate()
		join(t, p)
		require.Empty(t, r.Strays())
	})
	t.Run("needs no time where they are idle", func(t *testing.T) {
		p, _ := runners(t, 8, Options{})
		begin := time.Now()
		p.Terminate()
		join(t, p)
		require.Less(t, time.Since(begin), grace)
	})
}

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
