package gopool

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCancel(t *testing.T) {
	t.Run("drops what is pending, and asks workers to leave what they have not started", func(t *testing.T) {
		p, f, j := leased(t, 8)
		f.start(3)
		require.NoError(t, f.reporter.Outcomes(Outcomes{First: 1, Count: 2, Elapsed: 2}))
		require.True(t, j.Cancel(false))
		require.ErrorIs(t, j.Err(), ErrCancelled)
		require.True(t, j.Done())
		require.Equal(t, 1, f.told("recall"))
		f.reporter.Skipped(4, 1)
		f.reporter.Skipped(5, 4)
		require.Equal(t, 1, f.told("restore"))
		require.NoError(t, f.reporter.Outcomes(Outcomes{First: 3, Count: 1, Elapsed: 1}))
		outcomes, _ := settled(j)
		require.Equal(t, once(0, 1), outcomes, "those that were there; what comes later is dropped")
		require.False(t, p.Busy(f.id))
		other := submit(t, p, timed(p, 1), 1, 1)
		f.finish(t, f.one(t), 1)
		require.True(t, other.Done())
	})
	t.Run("is nothing to a job that is done", func(t *testing.T) {
		_, f, j := leased(t, 4)
		f.finish(t, Grant{Sequence: 1, Count: 4}, 1)
		require.False(t, j.Cancel(true))
		require.NoError(t, j.Err())
	})
	t.Run("nor the second time, or after the pool has ended", func(t *testing.T) {
		p, _, j := leased(t, 4)
		require.True(t, j.Cancel(false))
		require.False(t, j.Cancel(true))
		other := submit(t, p, timed(p, 1), 1, 1)
		p.Terminate()
		require.False(t, other.Cancel(true))
		require.ErrorIs(t, other.Err(), ErrTerminated)
	})
	t.Run("a job that is not sealed takes no more", func(t *testing.T) {
		_, j := openJob(t)
		require.True(t, j.Cancel(false))
		require.ErrorIs(t, j.Add(&Batch{Count: 1}), ErrCancelled)
		require.ErrorIs(t, j.AddLocal(0), ErrCancelled)
		_, err := j.Room(within(t), 1, 1)
		require.ErrorIs(t, err, ErrCancelled)
		j.Seal()
	})
	t.Run("wakes who waits, and tells of the end once", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		told := 0
		j, err := p.Submit(timed(p, 1), 1, func() { told++ }, true, &Batch{Count: 9})
		require.NoError(t, err)
		woken := make(chan struct{})
		go func() { j.Wait(within(t), 10); close(woken) }()
		require.True(t, j.Cancel(false))
		await(t, woken, "who waits")
		f.reporter.Skipped(1, 9)
		require.Equal(t, 1, told)
	})
	t.Run("tasks of others that were recalled with it come back to their jobs", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		j := submit(t, p, timed(p, time.Microsecond), 1, 2)
		other := submit(t, p, timed(p, time.Microsecond), 1, 2)
		require.Equal(t, 4, total(f.take()))
		require.True(t, j.Cancel(false))
		eventually(t, "the watch", func() (back bool) {
			locked(p, func() { back = other.waiting == 2 })
			return back
		})
		f.reporter.Skipped(1, 4)
		for _, g := range f.take() {
			f.finish(t, g, 1)
		}
		require.True(t, other.Done())
	})
	t.Run("with kill, workers that are in it are killed, and no others", func(t *testing.T) {
		p := New(Options{})
		fakes := attachFakes(t, p, 2)
		endPool(t, p, fakes...)
		j, other := submit(t, p, p.NewFunction(nil), 1, 1), submit(t, p, p.NewFunction(nil), 1, 1)
		for _, f := range fakes {
			f.start(f.one(t).Sequence)
		}
		require.True(t, j.Cancel(true))
		killed(t, p, fakes[0])
		require.Empty(t, j.Take())
		fakes[1].finish(t, Grant{Sequence: 1, Count: 1}, 1)
		require.True(t, other.Done())
	})
	t.Run("a closed pool finishes when what ran has ended", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		j := submit(t, p, timed(p, time.Microsecond), 1, 5)
		f.start(1)
		p.Close()
		require.True(t, j.Cancel(false))
		require.Equal(t, 1, f.told("stop"))
		require.NoError(t, f.reporter.Outcomes(Outcomes{First: 1, Count: 1, Elapsed: 1}))
		f.reporter.Skipped(2, 4)
		f.reporter.Exited(0)
		join(t, p)
	})
	t.Run("lets go of batches and of the function", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		l := &letGo{}
		function := l.function(p)
		j, err := p.Submit(function, 1, nil, true, l.batch(4), l.batch(4))
		require.NoError(t, err)
		p.Release(function)
		f.start(f.one(t).Sequence)
		require.True(t, j.Cancel(false))
		require.Equal(t, letGo{settled: 1}, *l, "a worker is in the first")
		require.NoError(t, f.reporter.Outcomes(Outcomes{First: 1, Count: 1, Elapsed: 1}))
		require.Equal(t, letGo{2, 1}, *l)
	})
}

func TestCancelTask(t *testing.T) {
	t.Run("has one that is pending not run", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		j := submit(t, p, p.NewFunction(nil), 1, 6)
		first := f.one(t)
		for _, index := range []int{3, 5, 1} {
			require.True(t, j.CancelTask(index, false))
			require.False(t, j.CancelTask(index, true), "it has its outcome")
		}
		require.Equal(t, []Segment{{Index: 3, Count: 1, Payload: Cancelled{}}, {Index: 5, Count: 1, Payload: Cancelled{}}, {Index: 1, Count: 1, Payload: Cancelled{}}}, j.Take())
		require.Equal(t, once(2, 4), waiting(j))
		f.finish(t, first, time.Hour)
		f.finish(t, f.one(t), time.Hour)
		f.finish(t, f.one(t), time.Hour)
		outcomes, _ := settled(j)
		require.Equal(t, once(0, 2, 4), outcomes)
		require.True(t, j.Done())
	})
	t.Run("takes one back that was sent ahead, and runs the others", func(t *testing.T) {
		p, f, j := leased(t, 8)
		f.start(2)
		require.True(t, j.CancelTask(5, false))
		require.NoError(t, f.reporter.Outcomes(Outcomes{First: 1, Count: 5, Elapsed: 5}))
		f.reporter.Skipped(6, 3)
		require.Equal(t, 2, total(f.take()))
		require.NoError(t, f.reporter.Outcomes(Outcomes{First: 9, Count: 2, Elapsed: 2}))
		outcomes, _ := settled(j)
		require.Equal(t, onceUpTo(8), outcomes)
		require.True(t, j.Done())
		require.False(t, p.Busy(f.id))
	})
	t.Run("one that runs is ended only with kill, alone", func(t *testing.T) {
		p, f, j := leased(t, 8)
		f.start(3)
		f.keep(Outcomes{First: 1, Count: 2})
		require.True(t, j.CancelTask(2, true))
		killed(t, p, f)
		outcomes, lost := settled(j)
		require.Equal(t, once(0, 1), outcomes)
		require.Equal(t, once(2), lost)
		require.Equal(t, once(3, 4, 5, 6, 7), waiting(j))
	})
	t.Run("there is no other", func(t *testing.T) {
		_, _, j := leased(t, 8)
		require.False(t, j.CancelTask(8, true))
	})
}

// TestCancelUnderLoad: whatever is cancelled at whatever time, each task of the others
// runs once, and none of a job after its Cancel has been seen by the worker.
func TestCancelUnderLoad(t *testing.T) {
	p := New(Options{})
	for range 3 {
		_, err := p.Attach(NewGoroutine(context.Background()))
		require.NoError(t, err)
	}
	const jobs, tasks = 200, 300
	var ran [jobs][tasks]atomic.Int32
	all := make([]*Job, jobs)
	cancelled := make([]bool, jobs)
	for i := range all {
		f := p.NewFunction(TaskFunc(func(_ context.Context, _ any, offset int) (any, error) {
			ran[i][offset].Add(1)
			return nil, nil
		}))
		var err error
		all[i], err = p.Submit(f, 1, nil, true, &Batch{Count: tasks})
		require.NoError(t, err)
		p.Release(f)
		if i%2 == 1 {
			cancelled[i-1] = all[i-1].Cancel(false)
		}
	}
	for i, j := range all {
		require.True(t, j.Wait(within(t), tasks+1))
		if !cancelled[i] {
			outcomes, lost := settled(j)
			require.Equal(t, onceUpTo(tasks), outcomes)
			require.Empty(t, lost)
		}
	}
	p.Close()
	join(t, p)
	for i := range ran {
		for k := range ran[i] {
			require.LessOrEqual(t, ran[i][k].Load(), int32(1))
		}
	}
}
