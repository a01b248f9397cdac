package gopool

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// leased returns a fake worker that has all tasks of a job in grants of 4, and
// the job.
func leased(t *testing.T, tasks int) (*Pool, *fakeWorker, *Job) {
	t.Helper()
	p := New(Options{})
	f := attachFakes(t, p, 1)[0]
	endPool(t, p, f)
	j, err := p.Submit(timed(p, time.Microsecond), 4, nil, false)
	require.NoError(t, err)
	for index := 0; index < tasks; index += 4 {
		require.NoError(t, j.Add(&Batch{Count: min(4, tasks-index), Index: index}))
	}
	j.Seal()
	require.Equal(t, tasks, total(f.take()))
	return p, f, j
}

func TestAccept(t *testing.T) {
	report := func(f *fakeWorker, first uint64, count int) error {
		return f.reporter.Outcomes(Outcomes{First: first, Count: count, Elapsed: time.Microsecond})
	}
	t.Run("outcomes may span leases, and part of one", func(t *testing.T) {
		_, f, j := leased(t, 12)
		require.NoError(t, report(f, 1, 6))
		segments := j.Take()
		require.Len(t, segments, 2)
		require.Equal(t, Segment{Index: 0, Count: 4, Payload: nil}, segments[0])
		require.Equal(t, Segment{Index: 4, Count: 2, Skip: 4, Payload: nil}, segments[1])
		require.NoError(t, report(f, 7, 6))
		done, _ := settled(j)
		require.Equal(t, once(6, 7, 8, 9, 10, 11), done)
		require.True(t, j.Done())
	})
	t.Run("what was harvested and is reported then counts once, whatever the overlap", func(t *testing.T) {
		for first := 1; first <= 8; first++ {
			for count := 1; first+count <= 9; count++ {
				p, f, j := leased(t, 8)
				known := Outcomes{First: 1, Count: first + count - 1}
				locked(p, func() { require.NoError(t, f.reporter.member.accept(known)) })
				require.NoError(t, report(f, uint64(first), count))
				require.NoError(t, report(f, 1, 8))
				done, _ := settled(j)
				require.Equal(t, onceUpTo(8), done)
				require.True(t, j.Done())
			}
		}
	})
	t.Run("numbers that were never granted are an error", func(t *testing.T) {
		_, f, j := leased(t, 4)
		for _, o := range []Outcomes{
			{First: 1, Count: 5}, {First: 5, Count: 1}, {First: 0, Count: 2}, {First: 1, Count: 0}, {First: 1, Count: -1},
			{First: 1<<64 - 1, Count: 2}, {First: 1<<64 - 3, Count: 1 << 62}, {First: never, Count: 1},
		} {
			require.Error(t, f.reporter.Outcomes(o), "%d from %d on", o.Count, o.First)
		}
		require.Empty(t, j.Take())
		require.NoError(t, report(f, 1, 4))
	})
	t.Run("so is a task left out", func(t *testing.T) {
		_, f, j := leased(t, 4)
		require.Error(t, report(f, 2, 1))
		require.Empty(t, j.Take())
	})
	t.Run("the function's mean follows what is reported, per call", func(t *testing.T) {
		_, f, j := leased(t, 8)
		require.NoError(t, f.reporter.Outcomes(Outcomes{First: 1, Count: 4, Elapsed: 36 * time.Microsecond}))
		require.Equal(t, 3*time.Microsecond, j.fn.mean, "a quarter of the way from 1 to 9")
	})
	t.Run("many calls outweigh the first, and few a quarter", func(t *testing.T) {
		f := &Function{}
		f.learn(1, 600)
		require.EqualValues(t, 600, f.mean)
		f.learn(9, 9*100)
		require.EqualValues(t, 150, f.mean, "nine tenths of the way from 600 to 100")
		f.learn(1, 350)
		require.EqualValues(t, 200, f.mean, "a quarter of the way from 150 to 350")
	})
}

func TestSkipped(t *testing.T) {
	t.Run("counts for nothing unless tasks were recalled", func(t *testing.T) {
		_, f, j := leased(t, 8)
		f.reporter.Skipped(1, 8)
		require.Zero(t, j.waiting)
		require.Equal(t, 8, f.reporter.member.tasks)
	})
	t.Run("nothing is granted before the worker has passed what was recalled", func(t *testing.T) {
		p, f, j := leased(t, 8)
		f.start(2)
		takeBack(t, p, f)
		require.Equal(t, 6, j.waiting)
		require.NoError(t, f.reporter.Outcomes(Outcomes{First: 1, Count: 2}))
		require.Empty(t, f.take())
		require.True(t, f.reporter.Expected())
		f.reporter.Skipped(3, 2)
		require.Zero(t, f.told("restore"), "two grants: the second is still to pass")
		f.reporter.Skipped(5, 4)
		require.Equal(t, 1, f.told("restore"))
		require.Equal(t, 6, total(f.take()))
	})
	t.Run("what comes back piece by piece is granted in the order of the input", func(t *testing.T) {
		p, f, _ := leased(t, 8)
		f.start(2)
		locked(p, func() { require.True(t, p.members[0].recall()) })
		f.reporter.Skipped(3, 2)
		f.reporter.Skipped(5, 4)
		grants := f.take()
		require.Equal(t, 2, grants[0].index())
		require.Equal(t, 6, total(grants))
	})
	t.Run("numbers out of range count for nothing", func(t *testing.T) {
		p, f, j := leased(t, 8)
		takeBack(t, p, f)
		for _, r := range [][2]uint64{{0, 9}, {1, 9}, {9, 1}, {1 << 63, 1 << 63}, {5, 1<<64 - 3}} {
			f.reporter.Skipped(r[0], r[1])
			require.Zero(t, f.told("restore"))
		}
		require.Equal(t, 8, j.waiting)
	})
	t.Run("a count that overflows takes nothing from the worker", func(t *testing.T) {
		p, f, j := leased(t, 8)
		f.start(4)
		takeBack(t, p, f)
		f.reporter.Skipped(3, 1<<64-1)
		require.Equal(t, once(4, 5, 6, 7), waiting(j))
	})
}

// takeBack has the pool take back what f has not started.
func takeBack(t *testing.T, p *Pool, f *fakeWorker) {
	t.Helper()
	m := f.reporter.member
	locked(p, func() { require.True(t, m.recall() && m.withdraw()) })
}

func TestRecall(t *testing.T) {
	t.Run("takes back all behind the task that was started", func(t *testing.T) {
		p, f, j := leased(t, 8)
		f.start(3)
		takeBack(t, p, f)
		require.Equal(t, once(3, 4, 5, 6, 7), waiting(j))
	})
	t.Run("is refused while another is under way", func(t *testing.T) {
		p, f, _ := leased(t, 8)
		locked(p, func() {
			require.True(t, f.reporter.member.recall())
			require.False(t, f.reporter.member.recall())
		})
	})
	t.Run("may be extended to earlier tasks, before and after those behind were taken back", func(t *testing.T) {
		for _, withdrawn := range []bool{false, true} {
			p, f, j := leased(t, 8)
			f.start(2)
			m := f.reporter.member
			locked(p, func() {
				require.True(t, m.recallFrom(6))
				require.Equal(t, withdrawn, withdrawn && m.withdraw())
				require.False(t, m.recallFrom(7), "it is recalled")
				require.True(t, m.recallFrom(4))
				require.True(t, m.withdraw())
				require.Equal(t, once(3, 4, 5, 6, 7), waiting(j))
				require.False(t, m.recallFrom(4), "nothing is left")
			})
			f.finish(t, Grant{Sequence: 1, Count: 3}, 1)
			f.reporter.Skipped(4, 5)
			require.Equal(t, 1, f.told("restore"))
			require.Equal(t, 5, total(f.take()))
		}
	})
	t.Run("is refused where nothing is left to take", func(t *testing.T) {
		p, f, _ := leased(t, 8)
		f.start(8)
		locked(p, func() { require.False(t, f.reporter.member.recall()) })
		require.Zero(t, f.told("recall"))
	})
}

func TestBury(t *testing.T) {
	t.Run("delivers what was in the outbox, loses the task it was in, returns the rest", func(t *testing.T) {
		p, f, j := leased(t, 8)
		f.start(4)
		f.unsent = &Outcomes{First: 1, Count: 3}
		f.reporter.Gone()
		require.Empty(t, j.Take(), "its tasks are its own until it has exited")
		require.True(t, p.Exited(f.id, -9))
		segments := j.Take()
		require.Equal(t, Segment{Index: 3, Count: 1, Payload: Lost{Worker: f.id, Exit: -9}}, segments[1])
		require.Equal(t, once(4, 5, 6, 7), waiting(j))
		require.Equal(t, 1, f.told("release"))
	})
	t.Run("an outbox that lies is as good as empty", func(t *testing.T) {
		p, f, j := leased(t, 8)
		f.start(1)
		f.unsent = &Outcomes{First: 2, Count: 90}
		f.reporter.Gone()
		p.Exited(f.id, 1)
		done, lost := settled(j)
		require.Empty(t, done)
		require.Equal(t, once(0), lost)
		require.Equal(t, once(1, 2, 3, 4, 5, 6, 7), waiting(j))
	})
	t.Run("what had been lost to another worker is run by the next, before all else", func(t *testing.T) {
		p, f, j := leased(t, 4)
		f.reporter.Gone()
		require.True(t, p.Exited(f.id, 0))
		next := attachFakes(t, p, 1)[0]
		next.finish(t, next.one(t), 1)
		done, lost := settled(j)
		require.Equal(t, onceUpTo(4), done)
		require.Empty(t, lost)
		next.reporter.Exited(0)
	})
}

func locked(p *Pool, f func()) {
	p.mu.Lock()
	defer p.unlock()
	f()
}

func TestDoing(t *testing.T) {
	p, f, _ := leased(t, 8)
	_, busy := p.Doing(f.id)
	require.False(t, busy, "it has not started any")
	f.start(4)
	task, busy := p.Doing(f.id)
	require.True(t, busy)
	require.Equal(t, 3, task.Index)
	require.Zero(t, task.Since, "nobody has looked yet")
	locked(p, func() { f.reporter.member.observe(4) })
	task, _ = p.Doing(f.id)
	require.Positive(t, task.Since)
	_, busy = p.Doing(f.id + 1)
	require.False(t, busy)
}
