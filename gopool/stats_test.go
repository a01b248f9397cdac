package gopool

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// measured is a fake worker that is a process and says when its grant began.
type measured struct {
	fakeWorker
	began uint64
}

func (m *measured) Process() int  { return 4711 }
func (m *measured) Began() uint64 { return m.began }
func (m *measured) Sent() int     { return 100 }

// attachMeasured adds a measured worker that is ready.
func attachMeasured(t *testing.T, p *Pool) *measured {
	t.Helper()
	m := &measured{}
	id, err := p.Attach(m)
	require.NoError(t, err)
	m.id = id
	return m
}

func TestStats(t *testing.T) {
	t.Run("follow a worker through its life", func(t *testing.T) {
		p := New(Options{})
		m := attachMeasured(t, p)
		require.Equal(t, []WorkerStats{{ID: 1, Process: 4711, State: WorkerStarting}}, p.Stats().Workers)
		require.Zero(t, p.Stats().Present)
		m.reporter.Ready()
		require.Equal(t, WorkerIdle, p.Stats().Workers[0].State)

		f := p.NewFunction(nil)
		submit(t, p, f, 2, 5)
		g := m.one(t)
		require.Equal(t, 2, g.Count)
		s := p.Stats()
		require.Equal(t, WorkerBusy, s.Workers[0].State)
		require.Equal(t, []int{0, 5, 0}, []int{s.Done, s.Queued, s.Running})

		m.began = clock()
		m.start(2)
		s = p.Stats()
		require.Equal(t, []int{1, 3, 1}, []int{s.Done, s.Queued, s.Running})
		require.Equal(t, Task{Function: f, Index: 1, Began: m.began}, *s.Workers[0].Task)
		require.Equal(t, 1, s.Workers[0].Done)

		m.finish(t, g, time.Microsecond)
		s = p.Stats()
		require.Equal(t, []int{2, 3, 0}, []int{s.Done, s.Queued, s.Running})
		require.Nil(t, s.Workers[0].Task)

		locked(p, func() { p.retire(p.members[0]) })
		require.Equal(t, WorkerRetiring, p.Stats().Workers[0].State)
		m.start(3)
		m.reporter.Gone()
		require.Equal(t, WorkerLost, p.Stats().Workers[0].State)
		p.Exited(1, -9)
		s = p.Stats()
		require.Empty(t, s.Workers)
		require.Equal(t, []int{2, 2, 0, 1}, []int{s.Done, s.Queued, s.Running, s.Lost})
		require.Equal(t, 100, s.Sent)
		p.Terminate()
		join(t, p)
		require.Equal(t, 1, p.Stats().Lost, "of a pool that has ended as well")
	})
	t.Run("a task that is in no report yet counts as time in tasks", func(t *testing.T) {
		p := New(Options{})
		m := attachMeasured(t, p)
		endPool(t, p, &m.fakeWorker)
		m.reporter.Ready()
		submit(t, p, p.NewFunction(nil), 1, 1)
		require.Zero(t, p.Stats().Busy)
		m.began = clock()
		m.start(1)
		eventually(t, "time in the task", func() bool { return p.Stats().Busy >= time.Millisecond })
		require.LessOrEqual(t, p.Stats().Busy, p.Stats().Present)
	})
	t.Run("what is harvested counts with the report", func(t *testing.T) {
		p := New(Options{})
		m := attachMeasured(t, p)
		endPool(t, p, &m.fakeWorker)
		m.reporter.Ready()
		submit(t, p, p.NewFunction(nil), 3, 3)
		m.start(3)
		locked(p, func() {
			require.NoError(t, p.members[0].accept(Outcomes{First: 1, Count: 2, Size: 7, Elapsed: time.Second}))
		})
		require.Equal(t, 3-1, p.Stats().Done)
		require.Zero(t, p.Stats().Received)
		o := Outcomes{First: 1, Count: 3, Size: 10, Elapsed: time.Nanosecond, Ended: clock()}
		require.NoError(t, m.reporter.Outcomes(o))
		s := p.Stats()
		require.Equal(t, []int{3, 10}, []int{s.Done, s.Received})
		require.Equal(t, time.Nanosecond, s.Busy)
	})
	t.Run("a task of a job that has ended is not lost", func(t *testing.T) {
		p := New(Options{})
		m := attachMeasured(t, p)
		m.reporter.Ready()
		submit(t, p, p.NewFunction(nil), 1, 1)
		m.start(1)
		p.Terminate()
		m.reporter.Exited(-9)
		join(t, p)
		require.Zero(t, p.Stats().Lost)
	})
}

func TestProgress(t *testing.T) {
	p := New(Options{})
	f := attachFakes(t, p, 1)[0]
	endPool(t, p, f)
	j := submit(t, p, p.NewFunction(nil), 1, 2)
	progress := func(settled int, done bool) {
		t.Helper()
		s, d := j.Progress()
		require.Equal(t, settled, s)
		require.Equal(t, done, d)
	}
	progress(0, false)
	f.finish(t, f.one(t), 1)
	progress(1, false)
	p.Terminate()
	progress(1, true)
}
