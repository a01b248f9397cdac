package gopool

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pass reports the tasks that f has started and that all behind them, up to end, were skipped.
func (f *fakeWorker) pass(t *testing.T, first, end uint64) {
	t.Helper()
	started := f.Started()
	o := Outcomes{First: first, Count: int(started - first + 1), Elapsed: time.Duration(started-first+1) * quantum}
	require.NoError(t, f.reporter.Outcomes(o))
	f.reporter.Skipped(started+1, end-started-1)
}

func TestCutIn(t *testing.T) {
	skipUnwatchable(t)
	const tasks = 1000
	// busy returns a pool whose workers are in the first of many tasks.
	busy := func(t *testing.T, workers int) (*Pool, []*fakeWorker, *Job) {
		p := New(Options{})
		fakes := attachFakes(t, p, workers)
		endPool(t, p, fakes...)
		j := submit(t, p, timed(p, quantum), 1, tasks)
		for _, f := range fakes {
			f.start(1)
		}
		return p, fakes, j
	}
	recalls := func(fakes []*fakeWorker) (n int) {
		for _, f := range fakes {
			n += f.told("recall")
		}
		return n
	}

	t.Run("a call goes behind the task that a worker is in", func(t *testing.T) {
		p, fakes, j := busy(t, 1)
		f := fakes[0]
		ahead := f.take()
		require.Greater(t, total(ahead), 2)
		call := submit(t, p, timed(p, 1), 1, 1)
		require.Equal(t, 1, f.told("recall"))
		f.pass(t, 1, ahead[len(ahead)-1].end())
		grants := f.take()
		require.Same(t, call.fn, grants[0].Function)
		require.Same(t, j.fn, grants[1].Function, "and then goes on with what it was in")
		require.Equal(t, 1, grants[1].Batch.Index+grants[1].Offset)
		require.True(t, grants[1].Report, "once it has reported the call")
	})
	t.Run("a call does not overtake those that were gathered before", func(t *testing.T) {
		p, fakes, j := busy(t, 1)
		j.KeepTurn()
		submit(t, p, timed(p, 1), 1, 1)
		require.Zero(t, recalls(fakes))
	})
	t.Run("nor one that was let in before and has not started", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		long, err := p.Submit(timed(p, quantum), 1, nil, false, &Batch{Count: 1})
		require.NoError(t, err)
		f.start(1)
		first := submit(t, p, timed(p, 1), 1, 1)
		locked(p, func() { require.Equal(t, 1, first.granted()) })
		require.NoError(t, long.Add(&Batch{Count: tasks, Index: 1}))
		long.Seal()
		second := submit(t, p, timed(p, 1), 1, 1)
		require.Equal(t, 1, f.told("recall"))
		grants := f.take()
		f.pass(t, 1, grants[len(grants)-1].end())
		grants = f.take()
		for i, j := range []*Job{first, second, long} {
			require.Same(t, j.fn, grants[i].Function)
		}
	})
	t.Run("one worker gives way, however many call", func(t *testing.T) {
		p, fakes, _ := busy(t, 3)
		for range 10 {
			submit(t, p, timed(p, 1), 1, 1)
		}
		require.Equal(t, 1, recalls(fakes))
	})
	t.Run("the job that gives way gets on by a task at least", func(t *testing.T) {
		p, fakes, j := busy(t, 1)
		f := fakes[0]
		function := timed(p, 1)
		first := uint64(1)
		for range 20 {
			call := submit(t, p, function, 1, 1)
			grants := f.take()
			last := grants[len(grants)-1]
			for _, g := range grants { // in the first task of the job at the most
				if f.start(g.Sequence); g.Function == j.fn {
					break
				}
			}
			f.pass(t, first, last.end())
			first = last.end()
			require.False(t, call.Done())
		}
		locked(p, func() { require.Equal(t, tasks-20, j.open) })
	})
	t.Run("another gives way when the first turns out to be in a long task", func(t *testing.T) {
		p, fakes, _ := busy(t, 2)
		submit(t, p, timed(p, 1), 1, 1)
		eventually(t, "the other to be asked", func() bool { return recalls(fakes) == 2 })
		for _, f := range fakes {
			require.Equal(t, 1, f.told("recall"))
		}
	})
	t.Run("nobody gives way to a job that has something in flight", func(t *testing.T) {
		p, fakes, j := busy(t, 1)
		other := submit(t, p, timed(p, quantum), 1, tasks)
		require.Equal(t, 1, recalls(fakes))
		grants := fakes[0].take()
		fakes[0].pass(t, 1, grants[len(grants)-1].end())
		locked(p, func() {
			require.Positive(t, other.granted())
			require.Positive(t, j.granted())
			p.dispatch()
		})
		require.Equal(t, 1, recalls(fakes))
	})
	t.Run("nor where others have little ahead", func(t *testing.T) {
		p := New(Options{})
		fakes := attachFakes(t, p, 2)
		endPool(t, p, fakes...)
		submit(t, p, timed(p, 2*ahead), 1, tasks)
		submit(t, p, timed(p, 1), 1, 1)
		require.Zero(t, recalls(fakes))
	})
	t.Run("before a job of higher priority all give way, whatever it has in flight", func(t *testing.T) {
		p, fakes, _ := busy(t, 2)
		urgent, err := p.Submit(timed(p, quantum), 1, nil, false)
		require.NoError(t, err)
		urgent.Prioritize(1)
		require.NoError(t, urgent.Add(&Batch{Count: 1}))
		require.Equal(t, 1, recalls(fakes), "as many as it has tasks")
		require.NoError(t, urgent.Add(&Batch{Count: tasks, Index: 1}))
		require.Equal(t, 2, recalls(fakes))
		for _, f := range fakes {
			grants := f.take()
			f.pass(t, 1, grants[len(grants)-1].end())
			for _, g := range f.take() {
				require.Same(t, urgent.fn, g.Function)
			}
		}
		submit(t, p, timed(p, quantum), 1, tasks)
		require.Equal(t, 2, recalls(fakes), "nobody gives way to a lower one")
	})
	t.Run("no task of higher priority goes behind others", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		submit(t, p, timed(p, quantum), 1, 3)
		f.start(1)
		urgent, err := p.Submit(timed(p, 1), 1, nil, false)
		require.NoError(t, err)
		urgent.Prioritize(1)
		require.NoError(t, urgent.Add(&Batch{Count: 1}))
		grants := f.take()
		require.Equal(t, 1, f.told("recall"))
		f.pass(t, 1, grants[len(grants)-1].end())
		require.Same(t, urgent.fn, f.take()[0].Function)
	})
}
