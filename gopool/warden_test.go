package gopool

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// limited starts a job of count short tasks with that limit.
func limited(t *testing.T, p *Pool, limit time.Duration, count int) *Job {
	t.Helper()
	j, err := p.Submit(timed(p, time.Microsecond), 1, nil, false)
	require.NoError(t, err)
	j.Limit(limit)
	require.NoError(t, j.Add(&Batch{Count: count}))
	j.Seal()
	return j
}

// killed waits for the event that has f killed, and ends it so.
func killed(t *testing.T, p *Pool, f *fakeWorker) {
	t.Helper()
	events := make(chan Event, 1)
	go func() { events <- p.Next() }()
	require.Equal(t, Event{Kill, f.id}, await(t, events, "the event"))
	f.reporter.Exited(-9)
}

func TestLimit(t *testing.T) {
	t.Run("a task that exceeds it is lost with its worker, which is killed", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		j := limited(t, p, 5*time.Millisecond, 1)
		f.start(1)
		killed(t, p, f)
		require.Equal(t, []Segment{{Index: 0, Count: 1, Payload: Lost{Worker: f.id, Exit: -9, Limit: 5 * time.Millisecond}}}, j.Take())
	})
	t.Run("those behind it are taken back first, and are run by others", func(t *testing.T) {
		p := New(Options{})
		fakes := attachFakes(t, p, 1)
		f := fakes[0]
		j := limited(t, p, 5*time.Millisecond, 100)
		require.Greater(t, total(f.take()), 1)
		f.start(3)
		f.keep(Outcomes{First: 1, Count: 2})
		killed(t, p, f)
		require.Positive(t, f.told("recall"))
		next := attachFakes(t, p, 1)[0]
		endPool(t, p, f, next)
		for !j.Done() {
			for _, g := range next.take() {
				next.finish(t, g, time.Microsecond)
			}
		}
		outcomes, lost := settled(j)
		require.Equal(t, once(2), lost)
		outcomes[2]++
		require.Equal(t, onceUpTo(100), outcomes)
	})
	t.Run("a worker that goes from task to task is left alone", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		j := limited(t, p, limit, 100)
		for number := uint64(1); !j.Done(); number++ {
			f.start(number)
			locked(p, p.warden.round)
			require.NoError(t, f.reporter.Outcomes(Outcomes{First: number, Count: 1, Elapsed: 1}))
		}
		require.Equal(t, ready, f.reporter.member.phase)
	})
	t.Run("its outcome counts if that came before the end", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		j := limited(t, p, time.Millisecond, 1)
		f.start(1)
		f.keep(Outcomes{First: 1, Count: 1})
		locked(p, p.watch.stop) // which would have it first
		killed(t, p, f)
		outcomes, lost := settled(j)
		require.Equal(t, once(0), outcomes)
		require.Empty(t, lost)
	})
	t.Run("nothing is granted to who is being killed", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		limited(t, p, time.Millisecond, 1)
		f.one(t)
		f.start(1)
		eventually(t, "its end", func() (is bool) {
			locked(p, func() { is = f.reporter.member.phase == doomed })
			return is
		})
		submit(t, p, timed(p, time.Microsecond), 1, 10)
		require.Empty(t, f.take())
	})
	t.Run("who has no limit is not looked at", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		submit(t, p, timed(p, time.Microsecond), 1, 10)
		f.start(1)
		locked(p, func() {
			p.warden.round()
			require.Zero(t, p.warden.due)
			require.Nil(t, p.warden.alarm.timer)
		})
	})
	t.Run("a limit is looked at by a share of it, within bounds", func(t *testing.T) {
		require.Equal(t, promptest, interval(time.Microsecond))
		require.Equal(t, 5*time.Millisecond, interval(100*time.Millisecond))
		require.Equal(t, laziest, interval(time.Hour))
	})
	t.Run("the error of a lost task names it", func(t *testing.T) {
		err := &LostError{Lost{Worker: 4, Limit: time.Second}}
		require.EqualError(t, err, "the task ran longer than 1s, and was ended with worker 4")
	})
}
