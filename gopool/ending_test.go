package gopool

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// end is one interleaving of a worker that has three tasks with a warden that ends
// one of them.
type end struct {
	story
	task   int    // that is to end
	before uint64 // where another recall has begun; 0: there was none
	at     [4]int // steps of the worker before each of the warden's accesses
	dies   int    // after so many, if it is killed
}

// TestEndingATask walks through the interleavings: the warden looks at what the worker
// is in, recalls what is behind it, takes that back, looks again, and has the worker
// killed; each comes anywhere between the steps of the worker.
func TestEndingATask(t *testing.T) {
	stories(t, func(t *testing.T, s story, shared page) {
		if s.kept > 0 { // has no meaning here
			return
		}
		killed := 0
		for _, e := range []end{{story: s, task: 0}, {story: s, task: 1}, {story: s, task: 0, before: 3}} {
			sorted(steps, func(at [4]int) {
				e.at, e.dies = at, at[3]+(at[0]+at[1]+at[2])%4
				if e.tell(t, shared) {
					killed++
				}
			})
		}
		require.Positive(t, killed, "else this shows nothing")
	})
}

// sorted calls f with all rising sequences of numbers up to n.
func sorted(n int, f func([4]int)) {
	var at [4]int
	var next func(i, from int)
	next = func(i, from int) {
		if i == len(at) {
			f(at)
			return
		}
		for at[i] = from; at[i] <= n; at[i]++ {
			next(i+1, at[i])
		}
	}
	next(0, 0)
}

// tell tells whether the worker was killed.
func (e end) tell(t *testing.T, shared page) bool {
	m, w, job := e.begin(t, shared)
	p := job.pool
	p.watch.armed = true // by the test, which takes back by itself
	job.cancelled, job.killing = map[int]bool{e.task: true}, true
	taken, free := 0, !e.late
	advance := func(to int) {
		for ; taken < to && w.step(); taken++ {
			for free && w.deliver(t) {
			}
		}
	}
	advance(e.at[0])
	if e.before > 0 {
		m.recallFrom(e.before)
	}
	w.after = []func(){func() { advance(e.at[1]) }, func() {}, func() { advance(e.at[2]) }}
	free = false
	p.warden.inspect(m)
	w.after, free = nil, !e.late
	if m.phase != doomed {
		for !e.late && w.deliver(t) {
		}
		m.withdraw()
		advance(e.at[3])
		p.warden.inspect(m)
	}
	killed := m.phase == doomed
	if killed {
		require.Equal(t, Event{Kill, m.id}, p.Next())
		advance(e.dies)
		for w.deliver(t) { // what it had sent is read to the end
		}
		m.bury(-9)
	} else {
		advance(2 * steps)
		for w.deliver(t) {
		}
	}

	require.Zero(t, m.tasks, e)
	ran, lost := settled(job) // ran: or was cancelled before
	for index := range lost {
		require.True(t, killed, e)
		require.Equal(t, e.task, index, "an innocent task is lost: %v", e)
	}
	require.Equal(t, onceUpTo(3), sum(ran, lost, waiting(job)), "each task ran, was ended, or returned: %v", e)
	for _, number := range w.ran {
		require.Equal(t, 1, ran[int(number)-1], e)
	}
	return killed
}
