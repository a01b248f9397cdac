package gopool

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// goroutines returns a pool of n goroutine workers. It has to be closed or
// terminated; the test then waits until it has finished.
func goroutines(t *testing.T, n int) *Pool {
	t.Helper()
	p := New(Options{})
	for range n {
		_, err := p.Attach(NewGoroutine(t.Context()))
		require.NoError(t, err)
	}
	t.Cleanup(func() {
		p.Close()
		join(t, p)
	})
	return p
}

// task returns a function for goroutine workers.
func task(p *Pool, f func(index int) (any, error)) *Function {
	return p.NewFunction(TaskFunc(func(_ context.Context, _ any, offset int) (any, error) { return f(offset) }))
}

// latch holds a worker until the test lets it go.
type latch struct{ held, release chan struct{} }

func newLatch() latch { return latch{make(chan struct{}), make(chan struct{})} }

func (l latch) hold() {
	close(l.held)
	<-l.release
}

func TestGoroutine(t *testing.T) {
	t.Run("a panic is the task's outcome", func(t *testing.T) {
		p := goroutines(t, 1)
		j := submit(t, p, task(p, func(i int) (any, error) {
			if i == 1 {
				panic("no")
			}
			return i, nil
		}), 1, 3)
		require.True(t, j.Wait(within(t), 3))
		var outcomes []Outcome
		for _, s := range j.Take() {
			outcomes = append(outcomes, s.Payload.([]Outcome)[s.Skip:s.Skip+s.Count]...)
		}
		require.Equal(t, Outcome{Value: 0}, outcomes[0])
		require.Equal(t, Outcome{Value: 2}, outcomes[2])
		var panicked *PanicError
		require.ErrorAs(t, outcomes[1].Err, &panicked)
		require.Equal(t, "no", panicked.Reason)
		require.Contains(t, panicked.Error(), "panic: no")
		require.Contains(t, string(panicked.Stack), "goroutine_test.go")
	})
	t.Run("gets its context, and the data of its batch", func(t *testing.T) {
		type key struct{}
		p := New(Options{})
		_, err := p.Attach(NewGoroutine(context.WithValue(t.Context(), key{}, "value")))
		require.NoError(t, err)
		f := p.NewFunction(TaskFunc(func(ctx context.Context, data any, offset int) (any, error) {
			return ctx.Value(key{}).(string) + data.([]string)[offset], nil
		}))
		j, err := p.Submit(f, 1, nil, true, &Batch{Data: []string{" a"}, Count: 1})
		require.NoError(t, err)
		require.True(t, j.Wait(within(t), 1))
		require.Equal(t, []Outcome{{Value: "value a"}}, j.Take()[0].Payload)
		p.Close()
		join(t, p)
	})
	t.Run("can't call what is no TaskFunc", func(t *testing.T) {
		p := goroutines(t, 1)
		j := submit(t, p, p.NewFunction("code"), 1, 1)
		require.True(t, j.Wait(within(t), 1))
		require.EqualError(t, j.Take()[0].Payload.([]Outcome)[0].Err, "a goroutine can't call a string")
	})
	t.Run("recalls nothing that it has started, whatever the number", func(t *testing.T) {
		p := New(Options{})
		w := NewGoroutine(t.Context())
		_, err := p.Attach(w)
		require.NoError(t, err)
		l := newLatch()
		j := submit(t, p, task(p, func(int) (any, error) { l.hold(); return nil, nil }), 1, 1)
		await(t, l.held, "the task")
		w.Recall(0)
		require.Equal(t, uint64(1), w.Started())
		close(l.release)
		require.True(t, j.Wait(within(t), 1))
		p.Close()
		join(t, p)
	})
}

func TestGoexit(t *testing.T) {
	p := New(Options{})
	_, err := p.Attach(NewGoroutine(t.Context()))
	require.NoError(t, err)
	var runs [8]atomic.Int32
	function := task(p, func(i int) (any, error) {
		if runs[i].Add(1); i == 5 {
			runtime.Goexit()
		}
		return i, nil
	})
	j := submit(t, p, function, 4, 8)

	t.Run("asks for a replacement, whoever comes first", func(t *testing.T) {
		event := p.Next()
		require.Equal(t, Event{WorkerGone, 1}, event)
		require.True(t, p.Exited(event.Worker, 0))
		require.False(t, p.Exited(event.Worker, 0), "one is enough")
		_, err = p.Attach(NewGoroutine(t.Context()))
		require.NoError(t, err)
	})
	t.Run("loses the task that called it, and no other", func(t *testing.T) {
		require.True(t, j.Wait(within(t), 9))
		done, lost := settled(j)
		require.Equal(t, once(5), lost)
		require.Equal(t, once(0, 1, 2, 3, 4, 6, 7), done)
		for i := range runs {
			require.Equal(t, int32(1), runs[i].Load(), "task %d", i)
		}
	})
	p.Close()
	join(t, p)
}

func TestTerminateGoroutines(t *testing.T) {
	p := goroutines(t, 2)
	l := newLatch()
	var ran atomic.Int32
	j := submit(t, p, task(p, func(i int) (any, error) {
		if ran.Add(1) == 1 {
			l.hold()
		}
		return nil, errors.New("so what")
	}), 1, 100_000)
	await(t, l.held, "the task")
	p.Terminate()
	require.True(t, j.Done(), "although a task runs on")
	require.ErrorIs(t, j.Err(), ErrTerminated)
	require.ErrorIs(t, p.Join(expired(t)), context.Canceled, "Join waits for it")
	close(l.release)
	join(t, p)
	require.Less(t, ran.Load(), int32(100_000))
}

func expired(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
