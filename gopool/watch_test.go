package gopool

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWatch(t *testing.T) {
	skipUnwatchable(t)
	t.Run("what is queued behind a long task goes to an idle worker", func(t *testing.T) {
		p := New(Options{})
		fakes := attachFakes(t, p, 2)
		endPool(t, p, fakes...)
		stuck, idle := fakes[0], fakes[1]
		j := submit(t, p, timed(p, 10*time.Microsecond), 1, 4)
		require.Equal(t, 4, total(stuck.take()), "all to the first, as they seem short")
		require.Empty(t, idle.take())
		stuck.start(1)
		moved := gather(t, idle, 3)
		require.Equal(t, 1, stuck.told("recall"))
		for _, g := range moved {
			idle.finish(t, g, 1)
		}
		require.NoError(t, stuck.reporter.Outcomes(Outcomes{First: 1, Count: 1}))
		stuck.reporter.Skipped(2, 3)
		done, _ := settled(j)
		require.Equal(t, onceUpTo(4), done)
	})
	t.Run("outcomes of a worker that is stuck are harvested", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		j := submit(t, p, timed(p, 10*time.Microsecond), 1, 6)
		f.mu.Lock()
		f.started, f.unsent = 4, &Outcomes{First: 1, Count: 3}
		f.mu.Unlock()
		require.True(t, j.Wait(within(t), 3))
		done, _ := settled(j)
		require.Equal(t, onceUpTo(3), done)
		require.Zero(t, f.told("recall"), "nobody is idle")
		require.NoError(t, f.reporter.Outcomes(Outcomes{First: 1, Count: 6}))
		require.True(t, j.Done())
		done, _ = settled(j)
		require.Equal(t, once(3, 4, 5), done)
	})
	t.Run("outcomes of a worker that goes on but does not report are harvested", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		const tasks = 50
		j := submit(t, p, timed(p, time.Microsecond), tasks, tasks)
		for n := uint64(1); n < tasks; n++ {
			f.mu.Lock()
			f.started, f.unsent = n+1, &Outcomes{First: 1, Count: int(n)}
			f.mu.Unlock()
			require.True(t, j.Wait(within(t), int(n)), "the grant is not over")
		}
		require.NoError(t, f.reporter.Outcomes(Outcomes{First: 1, Count: tasks}))
		done, _ := settled(j)
		require.Equal(t, onceUpTo(tasks), done)
	})
	t.Run("what is behind a long task is granted before later tasks, also if nobody is idle", func(t *testing.T) {
		p := New(Options{})
		fakes := attachFakes(t, p, 2)
		endPool(t, p, fakes...)
		stuck, other := fakes[0], fakes[1]
		submit(t, p, timed(p, 10*time.Millisecond), 1, 10)
		require.Equal(t, 2, total(stuck.take()))
		stuck.start(1)
		other.start(1)
		grants := other.take()
		require.Equal(t, []int{2, 3}, []int{grants[0].index(), grants[1].index()})
		eventually(t, "what neither has started to be taken back", func() (back bool) {
			locked(p, func() { back = p.members[0].tasks == 1 && p.members[1].tasks == 1 })
			return back
		})
		other.finish(t, grants[0], 10*time.Millisecond)
		other.reporter.Skipped(2, 1)
		require.Equal(t, 1, other.take()[0].index())
	})
	t.Run("a worker that becomes idle later is given what is stuck", func(t *testing.T) {
		p := New(Options{})
		fakes := attachFakes(t, p, 1)
		submit(t, p, timed(p, 10*time.Microsecond), 1, 4)
		fakes[0].start(1)
		fakes = append(fakes, attachFakes(t, p, 1)...)
		endPool(t, p, fakes...)
		gather(t, fakes[1], 3)
	})
	t.Run("costs nothing while no worker has two tasks", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		submit(t, p, p.NewFunction(nil), 1, 10)
		locked(p, func() { require.False(t, p.watch.armed) })
		f.finish(t, f.one(t), 10*time.Microsecond)
		locked(p, func() { require.True(t, p.watch.armed) })
		require.NoError(t, f.reporter.Outcomes(Outcomes{First: 2, Count: 9}))
		eventually(t, "the watch to end", func() (disarmed bool) {
			locked(p, func() { disarmed = !p.watch.armed })
			return disarmed
		})
	})
}

func TestWatchGoroutines(t *testing.T) {
	skipUnwatchable(t)
	p := goroutines(t, 2)
	const tasks = 2000
	l := newLatch()
	var long atomic.Bool
	function := task(p, func(int) (any, error) {
		if long.CompareAndSwap(true, false) {
			l.hold()
		}
		return nil, nil
	})
	warm := submit(t, p, function, 1, 50)
	require.True(t, warm.Wait(within(t), 51))
	long.Store(true)
	j := submit(t, p, function, 1, tasks)
	require.True(t, j.Wait(within(t), tasks-1), "all but the one that is stuck")
	require.False(t, j.Done())
	close(l.release)
	require.True(t, j.Wait(within(t), tasks))
	done, lost := settled(j)
	require.Equal(t, onceUpTo(tasks), done)
	require.Empty(t, lost)
}

func skipUnwatchable(t *testing.T) {
	if !watchable {
		t.Skip("here tasks stay with the worker they were granted to")
	}
}

// gather waits until f has been granted so many tasks.
func gather(t *testing.T, f *fakeWorker, tasks int) (grants []Grant) {
	t.Helper()
	eventually(t, "grants", func() bool {
		grants = append(grants, f.take()...)
		return total(grants) >= tasks
	})
	return grants
}
