package gopool

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bounded returns a pool of one fake worker that has up to limit tasks pending.
func bounded(t *testing.T, limit int) (*Pool, *fakeWorker) {
	t.Helper()
	p := New(Options{MaxPending: limit})
	f := attachFakes(t, p, 1)[0]
	endPool(t, p, f)
	return p, f
}

// outside tells how many tasks of a job are not admitted.
func outside(j *Job) (count int) {
	locked(j.pool, func() {
		for _, s := range j.outside {
			count += s.count
		}
	})
	return count
}

func TestMaxPending(t *testing.T) {
	t.Run("tasks are admitted as others complete", func(t *testing.T) {
		p, f := bounded(t, 3)
		j := submit(t, p, timed(p, time.Second), 1, 8)
		require.ErrorIs(t, j.Admitted(expired(t)), context.Canceled)
		for left := 8; left > 0; left-- {
			require.Equal(t, max(0, left-3), outside(j))
			locked(p, func() { require.Equal(t, min(left, 3), p.bound.open) })
			f.finish(t, f.take()[0], time.Second)
		}
		require.NoError(t, j.Admitted(within(t)))
		outcomes, _ := settled(j)
		require.Equal(t, onceUpTo(8), outcomes)
		require.True(t, j.Done())
	})
	t.Run("who waits is woken when all tasks are in", func(t *testing.T) {
		p, f := bounded(t, 1)
		submit(t, p, timed(p, time.Second), 1, 1)
		j := submit(t, p, timed(p, time.Second), 1, 1)
		admitted := make(chan error, 1)
		go func() { admitted <- j.Admitted(within(t)) }()
		require.Empty(t, admitted)
		f.finish(t, f.one(t), time.Second)
		require.NoError(t, await(t, admitted, "to be admitted"))
	})
	t.Run("or when the pool has ended", func(t *testing.T) {
		p, _ := bounded(t, 1)
		let := &letGo{}
		submit(t, p, timed(p, time.Second), 1, 1)
		j, err := p.Submit(timed(p, time.Second), 1, nil, true, let.batch(2))
		require.NoError(t, err)
		admitted := make(chan error, 1)
		go func() { admitted <- j.Admitted(within(t)) }()
		require.Zero(t, let.settled)
		p.Terminate()
		require.ErrorIs(t, await(t, admitted, "to be refused"), ErrTerminated)
		require.Equal(t, 1, let.settled)
		locked(p, func() {
			require.Empty(t, p.bound.queue)
			require.Zero(t, j.open)
		})
	})
	t.Run("jobs take turns at it, and those of higher priority come first", func(t *testing.T) {
		p, f := bounded(t, 1)
		submit(t, p, timed(p, time.Second), 1, 1)
		a := submit(t, p, timed(p, time.Second), 1, 2)
		b := submit(t, p, timed(p, time.Second), 1, 2)
		urgent, err := p.Submit(timed(p, time.Second), 1, nil, false)
		require.NoError(t, err)
		urgent.Prioritize(1)
		require.NoError(t, urgent.Add(&Batch{Count: 2}))
		f.finish(t, f.one(t), time.Second)
		for _, j := range []*Job{urgent, urgent, a, b, a, b} {
			g := f.one(t)
			require.Same(t, j.fn, g.Function)
			f.finish(t, g, time.Second)
		}
	})
	t.Run("tasks in back-off are pending", func(t *testing.T) {
		p, f := bounded(t, 2)
		j := repeatable(t, p, Retries{Limit: 1, Backoff: time.Hour}, &Batch{Count: 2})
		f.report(t, f.one(t), 0, 1)
		other := submit(t, p, timed(p, time.Second), 1, 1)
		require.Empty(t, f.take())
		locked(p, func() { j.fail(ErrTerminated) })
		f.finish(t, f.one(t), time.Second)
		require.True(t, other.Done())
		locked(p, func() { require.Zero(t, p.bound.open) })
	})
	t.Run("lost and local ones are not", func(t *testing.T) {
		p, f := bounded(t, 1)
		j, err := p.Submit(timed(p, time.Second), 1, nil, false, &Batch{Count: 1})
		require.NoError(t, err)
		require.NoError(t, j.AddLocal(1))
		f.start(f.one(t).Sequence)
		f.reporter.Exited(-9)
		locked(p, func() { require.Zero(t, p.bound.open) })
	})
	t.Run("a call waits outside as well", func(t *testing.T) {
		p, f := bounded(t, 1)
		submit(t, p, timed(p, time.Second), 1, 1)
		called := make(chan *Job, 1)
		go func() {
			j, _ := p.Call(timed(p, time.Second), &Batch{Count: 1}, time.Now().Add(limit))
			called <- j
		}()
		eventually(t, "the call", func() (waits bool) {
			locked(p, func() { waits = len(p.bound.queue) == 1 })
			return waits
		})
		f.finish(t, f.one(t), time.Second)
		f.finish(t, f.one(t), time.Second)
		require.True(t, await(t, called, "the call").Done())
	})
}
