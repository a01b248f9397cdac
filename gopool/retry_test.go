package gopool

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool/wire"
)

// repeatable starts a job of count tasks in one batch that are run again.
func repeatable(t *testing.T, p *Pool, r Retries, b *Batch) *Job {
	t.Helper()
	j, err := p.Submit(timed(p, time.Microsecond), b.Count, nil, false)
	require.NoError(t, err)
	j.Retry(r)
	require.NoError(t, j.Add(b))
	j.Seal()
	return j
}

// again waits for tasks to be granted once more.
func (f *fakeWorker) again(t *testing.T) (grants []Grant) {
	t.Helper()
	eventually(t, "another attempt", func() bool {
		grants = f.take()
		return len(grants) > 0
	})
	return grants
}

// report reports a grant; the failed tasks raised what they are to be run again for.
func (f *fakeWorker) report(t *testing.T, g Grant, failed ...int) {
	t.Helper()
	f.start(g.end() - 1)
	o := wire.Outcomes{Encoding: wire.Stream, Count: g.Count, Data: make([]byte, g.Count)}
	for range g.Count {
		o.Lengths = binary.LittleEndian.AppendUint64(o.Lengths, 1)
	}
	for _, i := range failed {
		binary.LittleEndian.PutUint64(o.Lengths[8*i:], 1|wire.FailureBit|wire.RetryBit)
	}
	require.NoError(t, f.reporter.Outcomes(Outcomes{First: g.Sequence, Count: g.Count, Payload: o}))
}

func TestRetryOfWhatWasLost(t *testing.T) {
	p := New(Options{MaxFailedStarts: 99})
	let := &letGo{}
	endPool(t, p)
	j := repeatable(t, p, Retries{Limit: 2}, let.batch(1))
	var last *fakeWorker
	for range 3 {
		require.Zero(t, let.settled, "its data may be sent again")
		require.False(t, j.Done())
		last = attachFakes(t, p, 1)[0]
		last.start(last.again(t)[0].Sequence)
		last.reporter.Exited(-9)
		locked(p, func() { require.Zero(t, j.granted()) })
	}
	require.True(t, j.Done())
	require.Equal(t, 1, let.settled)
	require.Equal(t, []Segment{{Count: 1, Payload: Lost{Worker: last.id, Exit: -9, Retries: 2}}}, j.Take())
}

func TestRetryOfWhatHasFailed(t *testing.T) {
	p := New(Options{})
	f := attachFakes(t, p, 1)[0]
	endPool(t, p, f)
	let := &letGo{}
	j := repeatable(t, p, Retries{Limit: 1}, let.batch(5))
	f.report(t, f.one(t), 1, 2, 4)
	attempts := 0
	for attempts < 3 {
		for _, g := range f.again(t) {
			require.Zero(t, let.settled)
			failed := []int{}
			for i := range g.Count {
				if g.Offset+i != 2 { // tasks 1 and 4 do not get on
					failed = append(failed, i)
				}
			}
			f.report(t, g, failed...)
			attempts += g.Count
		}
	}
	require.True(t, j.Wait(within(t), 6))
	outcomes, losses := settled(j)
	require.Equal(t, onceUpTo(5), outcomes)
	require.Empty(t, losses)
	require.Equal(t, 1, let.settled)
	require.Empty(t, j.retries.failures)
	require.Empty(t, f.take(), "no task is run more often")
}

// TestRetryOfThreads: a thread asks, and what it reports later is no outcome then.
func TestRetryOfThreads(t *testing.T) {
	p := New(Options{})
	w := newPuller(t, p)
	j := repeatable(t, p, Retries{Limit: 1}, &Batch{Count: 3})
	g := await(t, w.pulled(0), "a grant")
	require.Equal(t, 3, g.Count)
	w.page.slot(slotStarted).Swap(g.Sequence + 1)
	require.True(t, w.Repeat(g.Sequence+1))
	w.page.slot(slotStarted).Swap(g.Sequence + 2)
	locked(p, func() {
		found, ok := w.Harvest()
		require.True(t, ok)
		require.NoError(t, p.members[0].accept(found))
	})
	g = await(t, w.pulled(3), "it once more")
	require.Equal(t, []int{1, 1}, []int{g.Offset, g.Count})
	require.False(t, w.Repeat(g.Sequence), "twice is enough")
	require.False(t, w.Repeat(g.end()), "that is no task of the thread's")
	c := w.pulled(1)
	require.True(t, j.Wait(within(t), 4))
	outcomes, _ := settled(j)
	require.Equal(t, onceUpTo(3), outcomes)
	w.end(t, p, c)
}

func TestBackoff(t *testing.T) {
	p := New(Options{})
	f := attachFakes(t, p, 1)[0]
	endPool(t, p, f)
	j := repeatable(t, p, Retries{Limit: 100, Backoff: time.Second}, &Batch{Count: 1})
	// waits returns for how long the task has to wait after it has failed n times.
	waits := func(n int) time.Duration {
		task := span{&Batch{Count: 1, left: 1}, 0, 1}
		j.retries.failures[0] = n
		before := time.Now()
		j.putOff(task)
		wait := j.retries.delays[0].until.Sub(before)
		j.parked -= j.retries.drop()
		return wait.Truncate(time.Second)
	}
	locked(p, func() {
		for n, want := range map[int]time.Duration{1: 1, 2: 2, 3: 4, 6: 32, 7: 60, 99: 60} {
			require.Equal(t, want*time.Second, waits(n))
		}
		j.retries.Backoff = time.Hour
		require.Equal(t, time.Hour, waits(1))
		require.Equal(t, time.Hour, waits(2), "as long as it was asked to be")
	})
}

func TestTasksInBackoff(t *testing.T) {
	// scene has one of three tasks in back-off for good, and the others done.
	scene := func(t *testing.T) (*Pool, *fakeWorker, *Job, *letGo) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		let := &letGo{}
		j := repeatable(t, p, Retries{Limit: 1, Backoff: time.Hour}, let.batch(3))
		f.report(t, f.one(t), 1)
		require.False(t, j.Done())
		return p, f, j, let
	}
	t.Run("end with the pool", func(t *testing.T) {
		p, f, j, let := scene(t)
		p.Terminate()
		require.ErrorIs(t, j.Err(), ErrTerminated)
		require.Equal(t, 1, let.settled)
		locked(p, func() { require.Zero(t, j.open) })
		f.reporter.Exited(0)
		join(t, p)
	})
	t.Run("keep a pool that is closed, and are run", func(t *testing.T) {
		p, f, j, let := scene(t)
		p.Close()
		require.Zero(t, f.told("stop"))
		locked(p, func() { j.retries.delays[0].until = time.Now() })
		j.resume()
		f.report(t, f.one(t))
		require.True(t, j.Done())
		require.Equal(t, 1, let.settled)
		require.Equal(t, 1, f.told("stop"))
		f.reporter.Exited(0)
		join(t, p)
	})
	t.Run("are not in the way of others", func(t *testing.T) {
		p, f, _, _ := scene(t)
		endPool(t, p, f)
		other := submit(t, p, timed(p, time.Microsecond), 1, 1)
		f.finish(t, f.one(t), time.Microsecond)
		require.True(t, other.Done())
	})
}

func TestTasksThatFailedTogetherAreGrantedTogether(t *testing.T) {
	p := New(Options{})
	f := attachFakes(t, p, 1)[0]
	endPool(t, p, f)
	j := repeatable(t, p, Retries{Limit: 1, Backoff: time.Hour}, &Batch{Count: 4})
	f.report(t, f.one(t), 0, 1, 2, 3)
	locked(p, func() {
		for i := range j.retries.delays {
			j.retries.delays[i].until = time.Unix(int64(j.retries.delays[i].task.offset), 0)
		}
	})
	j.resume()
	require.Equal(t, 4, f.one(t).Count)
}
