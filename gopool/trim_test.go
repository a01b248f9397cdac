package gopool

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// thriftyWorker is a fakeWorker that can give up memory.
type thriftyWorker struct{ fakeWorker }

func (w *thriftyWorker) Trim() { w.record("trim") }

// attachThrifty adds a worker that takes tasks.
func attachThrifty(t *testing.T, p *Pool) *thriftyWorker {
	t.Helper()
	w := &thriftyWorker{}
	_, err := p.Attach(w)
	require.NoError(t, err)
	w.reporter.Ready()
	return w
}

// timerOf tells whether a pool will give up memory, or has done so.
func timerOf(p *Pool) (set bool) {
	locked(p, func() { set = p.trim.alarm.timer != nil })
	return set
}

func TestTrim(t *testing.T) {
	large := func(count int) *Batch { return &Batch{Count: count, Settled: func() {}} }
	t.Run("is no matter of a pool without large data", func(t *testing.T) {
		p := New(Options{})
		w := attachThrifty(t, p)
		endPool(t, p, &w.fakeWorker)
		j := submit(t, p, p.NewFunction(nil), 1, 1)
		w.finish(t, w.one(t), 1)
		require.True(t, j.Done())
		require.False(t, timerOf(p))
	})
	t.Run("comes when the last job has ended a while ago, once", func(t *testing.T) {
		p := New(Options{})
		w := attachThrifty(t, p)
		endPool(t, p, &w.fakeWorker)
		f := p.NewFunction(nil)
		first, err := p.Submit(f, 1, nil, true, large(1))
		require.NoError(t, err)
		second, err := p.Submit(f, 1, nil, false)
		require.NoError(t, err)
		w.finish(t, w.one(t), 1)
		require.True(t, first.Done())
		require.False(t, timerOf(p), "the other job is open")
		second.Seal()
		require.Equal(t, Event{Kind: Trim}, p.Next())
		require.Equal(t, 1, w.told("trim"))
		require.True(t, w.reporter.Expected(), "it is going to say that it has")
		w.reporter.Trimmed()
		require.Equal(t, Event{Kind: Trim}, p.Next(), "as it may have let go of what the caller has")
		require.False(t, w.reporter.Expected())
		w.reporter.Trimmed()
		p.trim.run()
		submit(t, p, f, 1, 1)
		w.finish(t, w.one(t), 1)
		p.trim.run()
		require.Equal(t, 1, w.told("trim"), "there was nothing large meanwhile")
		p.Terminate()
		require.Equal(t, Event{Kind: StopAll}, p.Next(), "nobody asked for what was said the second time")
	})
	t.Run("comes for large outcomes, and where the caller asks for it", func(t *testing.T) {
		p := New(Options{})
		w := attachThrifty(t, p)
		endPool(t, p, &w.fakeWorker)
		r := openRegion(t)
		j := submit(t, p, p.NewFunction(nil), 1, 1)
		g := w.one(t)
		o := lentOutcomes(0)
		l, err := borrow(r, o)
		require.NoError(t, err)
		require.NoError(t, w.reporter.Outcomes(Outcomes{First: g.Sequence, Count: 1, Payload: o, loans: l}))
		require.Equal(t, Event{Kind: Trim}, p.Next())
		j.Forget()
		p.TrimSoon()
		require.Equal(t, Event{Kind: Trim}, p.Next())
		require.Equal(t, 2, w.told("trim"))
	})
	t.Run("comes for large functions, which workers forget then", func(t *testing.T) {
		p := New(Options{})
		w := attachThrifty(t, p)
		endPool(t, p, &w.fakeWorker)
		f := (&letGo{}).function(p)
		submit(t, p, f, 1, 1)
		w.finish(t, w.one(t), 1)
		require.False(t, timerOf(p), "there may be more jobs")
		p.Release(f)
		require.Equal(t, Event{Kind: Trim}, p.Next())
		require.Equal(t, 1, w.told("forget"))
		require.Equal(t, 1, w.told("trim"))
	})
	t.Run("waits for a job that has come meanwhile", func(t *testing.T) {
		p := New(Options{})
		w := attachThrifty(t, p)
		endPool(t, p, &w.fakeWorker)
		j, err := p.Submit(p.NewFunction(nil), 1, nil, false, large(1))
		require.NoError(t, err)
		w.finish(t, w.one(t), 1)
		p.trim.run() // the timer had been set before
		require.Zero(t, w.told("trim"))
		j.Seal()
		require.Equal(t, Event{Kind: Trim}, p.Next())
	})
	t.Run("asks nothing of who is on its way out, or can't", func(t *testing.T) {
		p := New(Options{})
		plain := attachFakes(t, p, 1)[0]
		w := attachThrifty(t, p)
		endPool(t, p, plain, &w.fakeWorker)
		locked(p, func() { p.retire(p.members[1]) })
		p.TrimSoon()
		require.Equal(t, Event{Kind: Trim}, p.Next())
		require.Zero(t, w.told("trim"))
		require.False(t, plain.reporter.Expected())
	})
	t.Run("ends with the pool", func(t *testing.T) {
		p := New(Options{})
		w := attachThrifty(t, p)
		p.TrimSoon()
		p.Terminate()
		p.TrimSoon()
		require.False(t, p.trim.alarm.timer.Stop(), "it was stopped")
		p.trim.run() // it had just fired
		require.Zero(t, w.told("trim"))
		w.reporter.Exited(0)
		join(t, p)
		require.Equal(t, Event{Kind: StopAll}, p.Next())
	})
}
