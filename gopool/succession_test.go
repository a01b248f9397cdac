package gopool

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// replace attaches a fake in the place of another, and has it ready.
func replace(t *testing.T, p *Pool, old *fakeWorker) *fakeWorker {
	t.Helper()
	f := &fakeWorker{}
	id, err := p.Replace(old.id, f)
	require.NoError(t, err)
	f.id = id
	f.reporter.Ready()
	return f
}

// lastChunk returns a pool whose only worker has been granted the last chunk that it gets,
// of a job of three.
func lastChunk(t *testing.T) (*Pool, *fakeWorker, *Job) {
	t.Helper()
	p := New(Options{MaxChunks: 1})
	f := attachFakes(t, p, 1)[0]
	j := submit(t, p, timed(p, time.Microsecond), 1, 3)
	require.Equal(t, Event{WorkerRetires, f.id}, p.Next())
	return p, f, j
}

func TestSuccession(t *testing.T) {
	t.Run("a successor is asked for before the end, and begins when the other is gone", func(t *testing.T) {
		p, old, _ := lastChunk(t)
		require.True(t, p.Wanted(old.id))
		heir := replace(t, p, old)
		endPool(t, p, heir)
		require.Empty(t, heir.take(), "the other is in its last task")
		old.finish(t, old.one(t), time.Microsecond)
		require.Empty(t, heir.take(), "the other may be in its finalizer")
		old.reporter.Gone()
		heir.finish(t, heir.one(t), time.Microsecond)
		require.Equal(t, Event{WorkerGone, old.id}, p.Next())
		require.False(t, p.Exited(old.id, 0), "it has been replaced")
	})
	t.Run("it begins when it is ready, if the other is gone before", func(t *testing.T) {
		p, old, _ := lastChunk(t)
		require.True(t, p.Wanted(old.id))
		heir := &fakeWorker{}
		id, err := p.Replace(old.id, heir)
		require.NoError(t, err)
		heir.id = id
		endPool(t, p, heir)
		old.finish(t, old.one(t), time.Microsecond)
		old.reporter.Gone()
		require.Empty(t, heir.take())
		heir.reporter.Ready()
		require.Len(t, heir.take(), 1)
		require.False(t, p.Exited(old.id, 0))
	})
	t.Run("also if the other was gone before it was attached", func(t *testing.T) {
		p, old, _ := lastChunk(t)
		require.True(t, p.Wanted(old.id))
		old.finish(t, old.one(t), time.Microsecond)
		old.reporter.Gone()
		heir := replace(t, p, old)
		endPool(t, p, heir)
		require.Len(t, heir.take(), 1)
		require.False(t, p.Exited(old.id, 0))
	})
	t.Run("a worker that dies in its last task keeps its place until that is settled", func(t *testing.T) {
		p, old, j := lastChunk(t)
		require.True(t, p.Wanted(old.id))
		heir := replace(t, p, old)
		endPool(t, p, heir)
		old.start(1)
		old.reporter.Gone()
		require.Empty(t, heir.take(), "the task may still run")
		require.False(t, p.Exited(old.id, -9))
		_, lost := settled(j)
		require.Equal(t, once(0), lost)
		require.Len(t, heir.take(), 1)
	})
	t.Run("a successor that ends first is forgotten", func(t *testing.T) {
		p, old, _ := lastChunk(t)
		require.True(t, p.Wanted(old.id))
		heir := replace(t, p, old)
		heir.reporter.Gone()
		require.False(t, p.Exited(heir.id, -9), "the other is still there")
		old.finish(t, old.one(t), time.Microsecond)
		old.reporter.Gone()
		require.True(t, p.Exited(old.id, 0))
		next := attachFakes(t, p, 1)[0]
		endPool(t, p, next)
		require.Len(t, next.take(), 1)
	})
	t.Run("one that ends after that is replaced itself", func(t *testing.T) {
		p, old, _ := lastChunk(t)
		require.True(t, p.Wanted(old.id))
		heir := replace(t, p, old)
		heir.reporter.Gone()
		old.finish(t, old.one(t), time.Microsecond)
		old.reporter.Gone()
		require.False(t, p.Exited(old.id, 0))
		require.True(t, p.Exited(heir.id, -9))
		p.Terminate()
		join(t, p)
	})
	t.Run("none is wanted for a worker that has ended, or where nothing is left to do", func(t *testing.T) {
		p, old, j := lastChunk(t)
		old.finish(t, old.one(t), time.Microsecond)
		old.reporter.Gone()
		require.True(t, p.Exited(old.id, 0))
		require.False(t, p.Wanted(old.id))
		last := attachFakes(t, p, 2)
		p.Close()
		for _, f := range last {
			require.False(t, p.Wanted(f.id), "all tasks are out")
			f.finish(t, f.one(t), time.Microsecond)
			f.reporter.Exited(0)
		}
		require.True(t, j.Done())
		join(t, p)
	})
	t.Run("nor in a pool that was terminated, whose successors end with it", func(t *testing.T) {
		p, old, _ := lastChunk(t)
		require.True(t, p.Wanted(old.id))
		heir := replace(t, p, old)
		p.Terminate()
		require.False(t, p.Wanted(old.id))
		require.Equal(t, 1, heir.told("stop"))
		old.reporter.Exited(-15)
		heir.reporter.Exited(0)
		join(t, p)
	})
}

func TestRetires(t *testing.T) {
	t.Run("what the worker has not reported goes to others, each task once", func(t *testing.T) {
		p, old, j := leased(t, 12)
		old.start(6)
		require.NoError(t, old.reporter.Outcomes(Outcomes{First: 1, Count: 6}))
		old.reporter.Retires()
		require.Equal(t, Event{WorkerRetires, old.id}, p.Next())
		require.Equal(t, 1, old.told("stop"))
		require.True(t, p.Wanted(old.id))
		heir := replace(t, p, old)
		endPool(t, p, heir)
		require.Empty(t, heir.take(), "the other may be in its finalizer")
		old.reporter.Gone()
		for _, g := range heir.take() {
			heir.finish(t, g, time.Microsecond)
		}
		require.False(t, p.Exited(old.id, 0))
		done, lost := settled(j)
		require.Equal(t, onceUpTo(12), done)
		require.Empty(t, lost)
	})
	t.Run("while tasks are being taken back, nothing is given back twice", func(t *testing.T) {
		p, old, j := leased(t, 12)
		old.start(3)
		locked(p, func() { require.True(t, old.reporter.member.recall()) })
		require.NoError(t, old.reporter.Outcomes(Outcomes{First: 1, Count: 3}))
		old.reporter.Retires()
		locked(p, func() { require.False(t, old.reporter.member.withdraw()) })
		old.reporter.Skipped(4, 9)
		old.reporter.Gone()
		require.True(t, p.Exited(old.id, 0))
		other := attachFakes(t, p, 1)[0]
		endPool(t, p, other)
		for _, g := range other.take() {
			other.finish(t, g, time.Microsecond)
		}
		done, _ := settled(j)
		require.Equal(t, onceUpTo(12), done)
	})
	t.Run("a worker in its last chunk asks for one successor", func(t *testing.T) {
		p, old, _ := lastChunk(t)
		old.finish(t, old.one(t), time.Microsecond)
		old.reporter.Retires()
		old.reporter.Gone()
		require.Equal(t, Event{WorkerGone, old.id}, p.Next())
		require.True(t, p.Exited(old.id, 0))
		p.Terminate()
		join(t, p)
	})
	t.Run("of a pool that was terminated is no matter", func(t *testing.T) {
		p, old, j := leased(t, 12)
		p.Terminate()
		old.reporter.Retires()
		require.ErrorIs(t, j.Err(), ErrTerminated)
		old.reporter.Exited(0)
		join(t, p)
	})
}
