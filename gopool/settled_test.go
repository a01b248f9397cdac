package gopool

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// letGo counts how often a pool lets go of a batch and of a function.
type letGo struct {
	settled, released int
}

func (l *letGo) batch(count int) *Batch {
	return &Batch{Count: count, Settled: func() { l.settled++ }}
}

func (l *letGo) function(p *Pool) *Function {
	f := p.NewFunction(nil)
	f.Released = func() { l.released++ }
	return f
}

// TestLetGo: however tasks end, their batch is settled once, and not before
// nobody can be sent it any more; so is their function.
func TestLetGo(t *testing.T) {
	// the first task of four is with a worker, the others are pending.
	type scene struct {
		*letGo
		p      *Pool
		job    *Job
		worker *fakeWorker
		grant  Grant
	}
	rest := func(t *testing.T, s *scene) {
		for range 3 {
			require.Zero(t, s.settled)
			s.worker.finish(t, s.worker.one(t), 0)
		}
	}
	for name, end := range map[string]func(t *testing.T, s *scene){
		"by their outcomes": func(t *testing.T, s *scene) {
			s.worker.finish(t, s.grant, 0)
			rest(t, s)
		},
		"though nobody wants the outcomes": func(t *testing.T, s *scene) {
			s.job.Forget()
			s.worker.finish(t, s.grant, 0)
			rest(t, s)
		},
		"with their worker": func(t *testing.T, s *scene) {
			s.worker.start(s.grant.Sequence)
			s.worker.reporter.Exited(-9)
			s.worker = attachFakes(t, s.p, 1)[0]
			rest(t, s)
		},
		"on another worker, as the first one had not begun": func(t *testing.T, s *scene) {
			s.worker.reporter.Exited(-9)
			require.Zero(t, s.settled)
			s.worker = attachFakes(t, s.p, 1)[0]
			s.worker.finish(t, s.worker.one(t), 0)
			rest(t, s)
		},
		"with outcomes that a dead worker had not sent": func(t *testing.T, s *scene) {
			s.worker.start(s.grant.Sequence)
			s.worker.unsent = &Outcomes{First: s.grant.Sequence, Count: 1}
			s.worker.reporter.Exited(-9)
			s.worker = attachFakes(t, s.p, 1)[0]
			rest(t, s)
		},
		"after they were skipped": func(t *testing.T, s *scene) {
			locked(s.p, func() { require.True(t, s.p.members[0].recall()) })
			s.worker.reporter.Skipped(s.grant.Sequence, 1)
			require.Zero(t, s.settled)
			s.worker.finish(t, s.worker.one(t), 0)
			rest(t, s)
		},
		"after they were withdrawn": func(t *testing.T, s *scene) {
			locked(s.p, func() {
				require.True(t, s.p.members[0].recall())
				require.True(t, s.p.members[0].withdraw())
			})
			require.Zero(t, s.settled)
			s.worker.reporter.Skipped(s.grant.Sequence, 1)
			s.worker.finish(t, s.worker.one(t), 0)
			rest(t, s)
		},
		"in a pool that was terminated, by an outcome": func(t *testing.T, s *scene) {
			s.p.Terminate()
			require.Equal(t, letGo{}, *s.letGo, "a worker may read them")
			s.worker.finish(t, s.grant, 0)
		},
		"in a pool that was terminated, skipped": func(t *testing.T, s *scene) {
			s.p.Terminate()
			locked(s.p, func() { s.p.members[0].recalled = true })
			s.worker.reporter.Skipped(s.grant.Sequence, 1)
		},
		"in a pool that was terminated, lost": func(t *testing.T, s *scene) {
			s.worker.start(s.grant.Sequence)
			s.p.Terminate()
			s.worker.reporter.Exited(-9)
		},
		"in a pool that was terminated, given back": func(t *testing.T, s *scene) {
			s.p.Terminate()
			require.Equal(t, letGo{}, *s.letGo)
			s.worker.reporter.Exited(-9)
		},
		"in a pool that broke": func(t *testing.T, s *scene) {
			s.p.Break(ErrNotClosed)
			s.worker.reporter.Exited(0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := New(Options{})
			s := &scene{letGo: &letGo{}, p: p, worker: attachFakes(t, p, 1)[0]}
			t.Cleanup(func() {
				p.Terminate()
				s.worker.reporter.Exited(0)
				join(t, p)
				require.Equal(t, letGo{1, 1}, *s.letGo, "in the end")
			})
			f := s.function(p)
			var err error
			s.job, err = p.Submit(f, 1, nil, true, s.batch(4))
			require.NoError(t, err)
			p.Release(f)
			s.grant = s.worker.one(t)
			require.Equal(t, letGo{}, *s.letGo)
			end(t, s)
			require.Equal(t, letGo{1, 1}, *s.letGo)
		})
	}
}

func TestLetGoOfWhatIsPending(t *testing.T) {
	t.Run("when the pool is terminated", func(t *testing.T) {
		p, j := openJob(t)
		l := &letGo{}
		for index := range 3 {
			b := l.batch(2)
			b.Index = 2 * index
			require.NoError(t, j.Add(b))
		}
		locked(p, func() { j.deliver(Segment{Count: 1}); j.carve(1).batch.settle(1) })
		require.Zero(t, l.settled)
		p.Terminate()
		require.Equal(t, 3, l.settled, "also of that of which a part had ended")
	})
	t.Run("but not of what was refused: who has it gives it back", func(t *testing.T) {
		p, j := openJob(t)
		l := &letGo{}
		j.Seal()
		require.Error(t, j.Add(l.batch(1)))
		p.Terminate()
		f := l.function(p)
		_, err := p.Submit(f, 1, nil, true, l.batch(1))
		require.ErrorAs(t, err, new(*NotRunningError))
		require.Equal(t, letGo{}, *l)
		p.Release(f)
		require.Equal(t, letGo{0, 1}, *l)
	})
}

func TestReleased(t *testing.T) {
	p := New(Options{})
	w := attachFakes(t, p, 1)[0]
	endPool(t, p, w)
	l := &letGo{}
	f := l.function(p)
	first, second := submit(t, p, f, 1, 1), submit(t, p, f, 1, 1)
	w.finish(t, w.one(t), 1)
	w.finish(t, w.one(t), 1)
	require.True(t, first.Done())
	require.True(t, second.Done())
	require.Zero(t, l.released, "there may be more jobs")
	require.Zero(t, w.told("forget"))
	p.Release(f)
	require.Equal(t, 1, l.released)
	require.Equal(t, 1, w.told("forget"))
}
