package gopool

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFailedStarts(t *testing.T) {
	fail := func(t *testing.T, p *Pool, cause error) bool {
		f := &fakeWorker{}
		id, err := p.Attach(f)
		require.NoError(t, err)
		require.True(t, p.Busy(id))
		if cause != nil {
			f.reporter.Failed(cause)
		}
		f.reporter.Gone()
		return p.Exited(id, 1)
	}
	t.Run("three in a row break the pool, and its jobs", func(t *testing.T) {
		p := New(Options{})
		j := submit(t, p, timed(p, 1), 1, 1)
		cause := errors.New("initializer raised")
		require.True(t, fail(t, p, nil))
		require.True(t, fail(t, p, cause))
		require.False(t, fail(t, p, nil))
		require.ErrorIs(t, p.Cause(), cause)
		require.ErrorIs(t, j.Err(), cause)
		_, err := p.Submit(timed(p, 1), 1, nil, true)
		require.EqualError(t, err, "pool is broken: initializer raised")
		require.Equal(t, []EventKind{WorkerGone, WorkerGone, WorkerGone, StopAll, Finished}, kinds(t, p))
	})
	t.Run("without a reason the way they ended is told", func(t *testing.T) {
		p := New(Options{MaxFailedStarts: 1})
		require.False(t, fail(t, p, nil))
		require.ErrorContains(t, p.Cause(), "1 workers in a row ended before they were ready, the last one exited with code 1")
		join(t, p)
	})
	t.Run("one that gets ready starts the count again", func(t *testing.T) {
		p := New(Options{})
		for range 3 {
			require.True(t, fail(t, p, nil))
			require.True(t, fail(t, p, nil))
			attachFakes(t, p, 1)[0].reporter.Exited(0)
		}
		require.NoError(t, p.Cause())
		p.Close()
		join(t, p)
	})
	t.Run("Break names its own cause, once", func(t *testing.T) {
		p := New(Options{})
		cause := errors.New("out of processes")
		p.Break(cause)
		p.Break(errors.New("another"))
		require.Equal(t, cause, p.Cause())
		join(t, p)
	})
}
