package gopool

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// openJob returns a job that is not sealed, in a pool without workers.
func openJob(t *testing.T) (*Pool, *Job) {
	t.Helper()
	p := New(Options{})
	endPool(t, p)
	j, err := p.Submit(p.NewFunction(nil), 1, nil, false)
	require.NoError(t, err)
	return p, j
}

// arrive delivers count outcomes of tasks that were added for it.
func arrive(p *Pool, j *Job, count int) {
	locked(p, func() {
		j.add(&Batch{Count: count})
		j.carve(count)
		j.deliver(Segment{Count: count})
	})
}

func TestSubmit(t *testing.T) {
	t.Run("refuses a chunk of nothing", func(t *testing.T) {
		p := New(Options{})
		endPool(t, p)
		_, err := p.Submit(p.NewFunction(nil), 0, nil, true)
		require.EqualError(t, err, "chunk of 0 tasks")
	})
	t.Run("a sealed job without tasks is done at once", func(t *testing.T) {
		p := New(Options{})
		endPool(t, p)
		done := 0
		j, err := p.Submit(p.NewFunction(nil), 1, func() { done++ }, true)
		require.NoError(t, err)
		require.True(t, j.Done())
		require.Equal(t, 1, done)
	})
	t.Run("an empty batch is no task, for nobody", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		j := submit(t, p, p.NewFunction(nil), 1, 0)
		require.True(t, j.Done())
		open, err := p.Submit(p.NewFunction(nil), 1, nil, false, &Batch{}, &Batch{Count: 2}, &Batch{Index: 2})
		require.NoError(t, err)
		f.finish(t, f.one(t), 1)
		f.finish(t, f.one(t), 1)
		require.False(t, open.Done())
		require.NoError(t, open.Add(&Batch{Index: 2}))
		open.Seal()
		require.True(t, open.Done())
		require.Empty(t, f.take())
	})
}

func TestAdd(t *testing.T) {
	_, j := openJob(t)
	require.NoError(t, j.Add(&Batch{Count: 1}))
	j.Seal()
	j.Seal()
	require.EqualError(t, j.Add(&Batch{Count: 1}), "job is sealed")
	require.False(t, j.Done())
	require.NoError(t, j.Err())
}

func TestWait(t *testing.T) {
	// waiter waits for want outcomes in a goroutine that is certain to wait.
	waiter := func(t *testing.T, ctx context.Context, j *Job, want int) <-chan bool {
		result := make(chan bool, 1)
		go func() { result <- j.Wait(ctx, want) }()
		eventually(t, "a waiter", func() bool {
			waits := false
			locked(j.pool, func() { waits = j.changed != nil && j.wanted == want })
			return waits || len(result) > 0
		})
		return result
	}
	t.Run("ends when as many as wanted are there", func(t *testing.T) {
		p, j := openJob(t)
		arrive(p, j, 1)
		result := waiter(t, within(t), j, 3)
		arrive(p, j, 1)
		require.Empty(t, result)
		arrive(p, j, 1)
		require.True(t, await(t, result, "Wait"))
		require.True(t, j.Wait(within(t), 3), "at once")
	})
	t.Run("the smallest wish wakes all, who look again", func(t *testing.T) {
		p, j := openJob(t)
		many := waiter(t, within(t), j, 5)
		few := waiter(t, within(t), j, 1)
		arrive(p, j, 1)
		require.True(t, await(t, few, "Wait"))
		arrive(p, j, 4)
		require.True(t, await(t, many, "Wait"))
	})
	t.Run("ends when no more will come", func(t *testing.T) {
		_, j := openJob(t)
		result := waiter(t, within(t), j, 3)
		j.Seal()
		require.True(t, await(t, result, "Wait"))
	})
	t.Run("ends with the context, and tells so", func(t *testing.T) {
		_, j := openJob(t)
		ctx, cancel := context.WithCancel(t.Context())
		result := waiter(t, ctx, j, 1)
		cancel()
		require.False(t, await(t, result, "Wait"))
	})
	t.Run("ends when the pool is terminated", func(t *testing.T) {
		p, j := openJob(t)
		result := waiter(t, within(t), j, 1)
		p.Terminate()
		require.True(t, await(t, result, "Wait"))
		require.ErrorIs(t, j.Err(), ErrTerminated)
	})
}

func TestTake(t *testing.T) {
	t.Run("gives each segment once, in order of arrival", func(t *testing.T) {
		p, j := openJob(t)
		arrive(p, j, 1)
		arrive(p, j, 2)
		require.Equal(t, []Segment{{Count: 1}, {Count: 2}}, j.Take())
		require.Empty(t, j.Take())
	})
	t.Run("who counts can ask again, until it has counted on", func(t *testing.T) {
		p, j := openJob(t)
		arrive(p, j, 1)
		arrive(p, j, 2)
		for range 2 {
			require.Equal(t, []Segment{{Count: 1}, {Count: 2}}, j.After(0))
		}
		arrive(p, j, 3)
		require.Equal(t, []Segment{{Count: 2}, {Count: 3}}, j.After(1))
		require.Equal(t, []Segment{{Count: 2}, {Count: 3}}, j.After(0), "the first is forgotten")
		require.True(t, j.Wait(within(t), 5))
		require.False(t, j.Wait(expired(t), 6))
		require.Empty(t, j.After(3))
		require.False(t, j.Wait(expired(t), 1))
		require.Empty(t, j.After(99), "what has not come can't be forgotten")
		arrive(p, j, 4)
		require.Equal(t, []Segment{{Count: 4}}, j.After(3))
	})
	t.Run("a forgotten job keeps nothing, and ends all the same", func(t *testing.T) {
		p, j := openJob(t)
		arrive(p, j, 1)
		j.Forget()
		arrive(p, j, 1)
		require.Empty(t, j.Take())
		j.Seal()
		require.True(t, j.Done())
	})
}

func TestLost(t *testing.T) {
	for exit, want := range map[int]string{
		0:    "exited with code 0",
		3:    "exited with code 3",
		-9:   "was killed by SIGKILL",
		-250: "was killed by signal 250",

		UnknownExit: "ended",
	} {
		require.Equal(t, want, Lost{Exit: exit}.String())
	}
	var err error = &LostError{Lost{Worker: 4, Exit: -11}}
	require.EqualError(t, err, "worker 4 was killed by SIGSEGV while it ran the task")
	var lost *LostError
	require.True(t, errors.As(err, &lost))
}
