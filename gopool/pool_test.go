package gopool

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// kinds returns the kinds of the pool's events up to Finished.
func kinds(t *testing.T, p *Pool) (all []EventKind) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for kind := EventKind(0); kind != Finished; {
			kind = p.Next().Kind
			all = append(all, kind)
		}
	}()
	await(t, done, "Finished")
	return all
}

func TestClose(t *testing.T) {
	t.Run("lets outstanding work end, and then tells the workers to stop", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		j := submit(t, p, timed(p, time.Second), 1, 3)
		p.Close()
		_, err := p.Submit(timed(p, 1), 1, nil, true)
		require.ErrorAs(t, err, new(*NotRunningError))
		require.EqualError(t, err, "pool is closed")
		for !j.Done() {
			require.Zero(t, f.told("stop"))
			f.finish(t, f.one(t), time.Second)
		}
		require.Equal(t, 1, f.told("stop"))
		f.reporter.Exited(0)
		require.Equal(t, []EventKind{WorkerGone, Finished}, kinds(t, p))
		join(t, p)
	})
	t.Run("a worker that is lost meanwhile is wanted again", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		j := submit(t, p, timed(p, time.Second), 1, 1)
		p.Close()
		f.reporter.Gone()
		require.True(t, p.Exited(f.id, -9))
		f = attachFakes(t, p, 1)[0]
		f.finish(t, f.one(t), 1)
		require.True(t, j.Done())
		f.reporter.Gone()
		require.False(t, p.Exited(f.id, 0))
		join(t, p)
	})
	t.Run("waits for a job to be sealed", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		j, err := p.Submit(timed(p, 1), 1, nil, false)
		require.NoError(t, err)
		p.Close()
		require.NoError(t, j.Add(&Batch{Count: 1}))
		f.finish(t, f.one(t), 1)
		require.Zero(t, f.told("stop"))
		j.Seal()
		require.Equal(t, 1, f.told("stop"))
		f.reporter.Exited(0)
		join(t, p)
	})
	t.Run("right after workers were attached breaks nothing", func(t *testing.T) {
		p := New(Options{})
		var fakes []*fakeWorker
		for range 5 {
			f := &fakeWorker{}
			_, err := p.Attach(f)
			require.NoError(t, err)
			fakes = append(fakes, f)
		}
		p.Close()
		for _, f := range fakes {
			f.reporter.Ready()
			f.reporter.Exited(0)
		}
		require.NoError(t, p.Cause())
		require.NotContains(t, kinds(t, p), StopAll)
	})
	t.Run("has workers that were announced start, and go", func(t *testing.T) {
		p := New(Options{Workers: 2})
		p.Close()
		fakes := attachFakes(t, p, 2)
		for _, f := range fakes {
			require.Equal(t, 1, f.told("stop"))
		}
		endPool(t, p, fakes...)
	})
	t.Run("of a pool without workers finishes it", func(t *testing.T) {
		p := New(Options{})
		p.Close()
		require.Equal(t, []EventKind{Finished}, kinds(t, p))
		require.Equal(t, Finished, p.Next().Kind, "there is no event after Finished")
		p.Terminate()
		require.Equal(t, Finished, p.Next().Kind)
	})
}

func TestTerminate(t *testing.T) {
	t.Run("ends jobs with ErrTerminated, leaves the queue, recalls what was granted", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		running := submit(t, p, timed(p, time.Second), 1, 100)
		queued := submit(t, p, timed(p, time.Second), 1, 100)
		f.take()
		p.Terminate()
		for _, j := range []*Job{running, queued} {
			require.True(t, j.Done())
			require.ErrorIs(t, j.Err(), ErrTerminated)
			require.ErrorIs(t, j.Add(&Batch{Count: 1}), ErrTerminated)
		}
		require.Equal(t, 1, f.told("recall"))
		require.Equal(t, 1, f.told("stop"))
		require.Equal(t, Event{Kind: StopAll}, p.Next())
		require.NoError(t, f.reporter.Outcomes(Outcomes{First: 1, Count: 1}), "no longer of interest, and no lie")
		require.Empty(t, running.Take())
		require.Empty(t, f.take())
		f.reporter.Gone()
		require.False(t, p.Exited(f.id, -15))
		require.Equal(t, []EventKind{WorkerGone, Finished}, kinds(t, p))
	})
	t.Run("Finished is the last event also where no worker is left", func(t *testing.T) {
		p := New(Options{})
		j := submit(t, p, timed(p, 1), 1, 1)
		p.Terminate()
		require.ErrorIs(t, j.Err(), ErrTerminated)
		require.Equal(t, []EventKind{StopAll, Finished}, kinds(t, p))
		require.Equal(t, Finished, p.Next().Kind)
	})
	t.Run("of an attended pool leaves it to Dismiss to tell workers to stop", func(t *testing.T) {
		p := New(Options{Attended: true})
		fakes := attachFakes(t, p, 2)
		submit(t, p, timed(p, time.Second), 1, 100)
		p.Dismiss(fakes[0].id)
		require.Zero(t, fakes[0].told("stop"), "it is still at work")
		p.Terminate()
		for _, f := range fakes {
			require.Equal(t, 1, f.told("recall"))
			require.Zero(t, f.told("stop"))
			p.Dismiss(f.id)
			p.Dismiss(f.id)
			require.Equal(t, 1, f.told("stop"))
		}
		endPool(t, p, fakes...)
	})
	t.Run("refuses workers, and releases them", func(t *testing.T) {
		p := New(Options{})
		p.Terminate()
		f := &fakeWorker{}
		_, err := p.Attach(f)
		require.ErrorAs(t, err, new(*NotRunningError))
		require.Equal(t, 1, f.told("release"))
	})
	t.Run("what is sealed afterwards ends no second time", func(t *testing.T) {
		p := New(Options{})
		ended := 0
		j, err := p.Submit(timed(p, 1), 1, func() { ended++ }, false)
		require.NoError(t, err)
		p.Terminate()
		j.Seal()
		require.Equal(t, 1, ended)
		require.Equal(t, 1, j.fn.refs)
	})
}

func TestJoin(t *testing.T) {
	t.Run("before Close is an error", func(t *testing.T) {
		p := New(Options{})
		require.ErrorIs(t, p.Join(t.Context()), ErrNotClosed)
		p.Close()
		join(t, p)
	})
	t.Run("ends with its context", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		p.Close()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, p.Join(ctx), context.Canceled)
		f.reporter.Exited(0)
		join(t, p)
	})
}

func TestFunctionsAreForgotten(t *testing.T) {
	p := New(Options{})
	f := attachFakes(t, p, 1)[0]
	endPool(t, p, f)
	function := timed(p, 1)
	job := submit(t, p, function, 1, 1)
	p.Release(function)
	require.Zero(t, f.told("forget"), "a job still calls it")
	f.finish(t, f.one(t), 1)
	require.True(t, job.Done())
	require.Equal(t, 1, f.told("forget"))
}

func TestBusy(t *testing.T) {
	p := New(Options{})
	f := attachFakes(t, p, 1)[0]
	endPool(t, p, f)
	require.False(t, p.Busy(f.id))
	require.False(t, p.Busy(f.id+1), "one that the pool does not have")
	submit(t, p, timed(p, 1), 1, 1)
	require.True(t, p.Busy(f.id))
	f.finish(t, f.one(t), 1)
	require.False(t, p.Busy(f.id))
}

func TestCall(t *testing.T) {
	p := New(Options{})
	f := attachFakes(t, p, 1)[0]
	endPool(t, p, f)
	t.Run("waits for the task", func(t *testing.T) {
		var reported atomic.Bool
		flushed := make(chan struct{}, 100)
		f.onFlush = func() { flushed <- struct{}{} }
		go func() {
			<-flushed
			reported.Store(true)
			f.start(1)
			_ = f.reporter.Outcomes(Outcomes{First: 1, Count: 1})
		}()
		j, err := p.Call(p.NewFunction(nil), &Batch{Count: 1}, time.Now().Add(limit))
		require.NoError(t, err)
		require.True(t, reported.Load())
		require.True(t, j.Done())
	})
	t.Run("no longer than until the deadline", func(t *testing.T) {
		j, err := p.Call(p.NewFunction(nil), &Batch{Count: 1}, time.Now().Add(time.Millisecond))
		require.NoError(t, err)
		require.False(t, j.Done())
	})
	t.Run("is refused by a pool that does not run", func(t *testing.T) {
		p := New(Options{})
		p.Close()
		_, err := p.Call(p.NewFunction(nil), &Batch{Count: 1}, time.Now())
		require.ErrorAs(t, err, new(*NotRunningError))
	})
}
