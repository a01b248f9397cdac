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

func TestRunnersGivenUp(t *testing.T) {
	t.Run("a task beyond its limit is lost, and its call is a stray until it returns", func(t *testing.T) {
		p, r := runners(t, 1, Options{})
		s := newStuck()
		settled := make(chan struct{})
		j, err := p.Submit(p.NewFunction(s), 1, nil, false)
		require.NoError(t, err)
		j.Limit(200 * time.Millisecond)
		require.NoError(t, j.Add(&Batch{Count: 8, Settled: func() { close(settled) }}))
		j.Seal()
		require.True(t, j.Wait(within(t), 9))
		results, _, lost := outcomesOf(t, j)
		require.Equal(t, without0(8), results, "by the next worker")
		require.Equal(t, map[int]Lost{0: {Worker: 1, Exit: UnknownExit, Limit: 200 * time.Millisecond}}, lost)
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
	t.Run("has time to return before it is left behind", func(t *testing.T) {
		for _, end := range []func(*Pool){(*Pool).Close, (*Pool).Terminate} {
			p := New(Options{})
			r := NewRunners(p)
			require.NoError(t, r.Start(1))
			s := newStuck()
			j, err := p.Submit(p.NewFunction(s), 1, nil, false)
			require.NoError(t, err)
			j.Limit(time.Millisecond)
			require.NoError(t, j.Add(&Batch{Count: 1}))
			j.Seal()
			served := make(chan struct{})
			go func() { defer close(served); r.Serve() }()
			require.True(t, j.Wait(within(t), 2))
			require.Len(t, r.Strays(), 1)
			end(p)
			eventually(t, "the owner to wait", func() bool {
				r.strays.mu.Lock()
				defer r.strays.mu.Unlock()
				return r.strays.none != nil
			})
			close(s.release)
			await(t, served, "the end")
			require.Empty(t, r.Strays())
		}
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
		var left atomic.Int32
		start(t, p, newFakeRanges(func(c *fakeCall, _ int) (int, error) {
			running.Done()
			<-c.Done()
			left.Add(int32(len(r.Strays())))
			return 0, errors.New("cancelled")
		}), 2)
		running.Wait()
		p.Terminate()
		join(t, p)
		require.Zero(t, left.Load())
	})
	t.Run("needs no time where they are idle", func(t *testing.T) {
		quick := func() bool {
			p, _ := runners(t, 8, Options{})
			begin := time.Now()
			p.Terminate()
			join(t, p)
			return time.Since(begin) < grace
		}
		for range 2 { // a machine that is busy is late, but not each time
			if quick() {
				return
			}
		}
		require.True(t, quick())
	})
}
