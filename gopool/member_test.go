package gopool

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// story is one interleaving of a worker that has three tasks with a pool that
// recalls them.
type story struct {
	shape   []int  // of its grants
	batched bool   // what it sends, it sends together
	late    bool   // and that arrives only after the recall
	kept    uint64 // tasks up to this number are not recalled in any case
	at      [3]int // steps of the worker before each access of the recall
	dies    int    // after so many steps
}

const steps = 3 * 3 // of a worker that runs its three tasks

// TestTakingBack walks through the interleavings: the pool's three accesses
// (load started, store recalled, load started) come anywhere between the steps
// of the worker.
func TestTakingBack(t *testing.T) {
	stories(t, func(t *testing.T, s story, shared page) {
		for a := 0; a <= steps; a++ {
			for b := a; b <= steps; b++ {
				for c := b; c <= steps; c++ {
					s.at, s.dies = [3]int{a, b, c}, 2*steps
					m, w, job := s.tell(t, shared)

					require.Zero(t, m.tasks, s)
					require.Zero(t, m.load, s)
					require.False(t, m.recalled, s)
					require.Equal(t, uint64(never), w.page.slot(slotRecalled).Load(), s)
					ran, lost := settled(job)
					require.Empty(t, lost, s)
					require.Equal(t, len(w.ran), len(ran), s)
					require.Equal(t, onceUpTo(3), sum(ran, waiting(job)), "each task ran or was returned: %v", s)
				}
			}
		}
	})
}

// TestDeathWhileTakingBack has the worker die after each number of steps.
func TestDeathWhileTakingBack(t *testing.T) {
	stories(t, func(t *testing.T, s story, shared page) {
		for dies := 0; dies <= steps; dies++ {
			for a := 0; a <= dies; a++ {
				for c := a; c <= dies; c++ {
					s.at, s.dies = [3]int{a, a, c}, dies
					m, w, job := s.tell(t, shared)
					m.bury(-9)

					require.Zero(t, m.tasks, s)
					require.Zero(t, m.load, s)
					ran, lost := settled(job)
					require.LessOrEqual(t, len(lost), 1, s)
					require.Equal(t, len(w.ran), len(ran), s)
					require.Equal(t, onceUpTo(3), sum(ran, lost, waiting(job)), "each task ran, was lost or returned: %v", s)
				}
			}
		}
	})
}

func stories(t *testing.T, with func(t *testing.T, s story, shared page)) {
	shared := newPage(t)
	for _, shape := range [][]int{{3}, {1, 2}, {2, 1}, {1, 1, 1}} {
		t.Run(fmt.Sprintf("of grants of %v tasks", shape), func(t *testing.T) {
			for _, batched := range []bool{false, true} {
				for _, late := range []bool{false, true} {
					for kept := range uint64(3) {
						with(t, story{shape: shape, batched: batched, late: late, kept: kept}, shared)
					}
				}
			}
		})
	}
}

// begin returns a worker that was granted the three tasks, of one job.
func (s story) begin(t *testing.T, shared page) (*member, *stepped, *Job) {
	shared.slot(slotStarted).Store(0)
	shared.restore()
	p := New(Options{})
	w := &stepped{page: shared, batched: s.batched}
	_, err := p.Attach(w)
	require.NoError(t, err)
	m := w.reporter.member
	m.phase = ready // not by Ready: the test itself grants
	job := &Job{pool: p, fn: timed(p, 1), chunk: 1, sealed: true}
	index := 0
	for _, count := range s.shape {
		job.add(&Batch{Count: count, Index: index})
		m.grant(job, job.carve(count))
		index += count
	}
	w.runs = w.take()
	return m, w, job
}

func (s story) tell(t *testing.T, shared page) (*member, *stepped, *Job) {
	m, w, job := s.begin(t, shared)
	taken, free := 0, !s.late
	advance := func(to int) {
		for ; taken < min(to, s.dies) && w.step(); taken++ {
			for free && w.deliver(t) {
			}
		}
	}
	advance(s.at[0])
	w.after = []func(){func() { advance(s.at[1]) }, func() { advance(s.at[2]) }}
	free = false // nothing arrives during a recall: both want the pool's lock
	m.recallFrom(max(m.worker.Started(), s.kept) + 1)
	for !s.late && w.deliver(t) {
	}
	m.withdraw()
	free, w.after = true, nil
	advance(s.dies)
	for w.deliver(t) {
	}
	return m, w, job
}

// waiting returns the tasks that the job has to hand out.
func waiting(j *Job) map[int]int {
	tasks := map[int]int{}
	for _, s := range j.pending {
		for i := range s.count {
			tasks[s.index()+i]++
		}
	}
	return tasks
}

func sum(maps ...map[int]int) map[int]int {
	all := map[int]int{}
	for _, m := range maps {
		for k, n := range m {
			all[k] += n
		}
	}
	return all
}
