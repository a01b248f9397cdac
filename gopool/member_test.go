package gopool

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// newPage returns a page of its own.
func newPage(t *testing.T) page {
	t.Helper()
	fd, err := unix.MemfdCreate("page", unix.MFD_CLOEXEC)
	require.NoError(t, err)
	defer unix.Close(fd)
	require.NoError(t, unix.Ftruncate(fd, PageSize))
	p, err := mapPage(fd)
	require.NoError(t, err)
	t.Cleanup(p.release)
	return p
}

// stepped is a worker whose every access to the page is a step that the test
// lets it take, as python/gopool/_worker.py takes them: store started, load
// recalled, run; then the next task, or skip the rest of the grant.
type stepped struct {
	fakeWorker
	page    page
	runs    []Grant // to be run
	task    uint64  // it is in
	loaded  bool    // recalled, and may run
	ran     []uint64
	unsent  []Outcomes // in the outbox
	batched bool       // outcomes wait until nothing is left to run
	sent    []any      // Outcomes, or [2]uint64 for skipped
	after   []func()   // called once each: after a load of started, after the store of recalled
}

func (w *stepped) Started() uint64 {
	defer w.interrupt()
	return w.page.started()
}

// Recall is page.recall with the test in the middle of it.
func (w *stepped) Recall(from uint64) uint64 {
	w.page.slot(slotRecalled).Store(from)
	w.interrupt()
	return max(from, w.page.started()+1)
}

func (w *stepped) interrupt() {
	if len(w.after) > 0 {
		now := w.after[0]
		w.after = w.after[1:]
		now()
	}
}

// Harvest returns what is in the outbox.
func (w *stepped) Harvest() (Outcomes, bool) {
	if len(w.unsent) == 0 {
		return Outcomes{}, false
	}
	return Outcomes{First: w.unsent[0].First, Count: len(w.unsent)}, true
}

func (w *stepped) Restore() { w.page.restore() }

// step takes one step and tells whether there was one to take.
func (w *stepped) step() bool {
	if len(w.runs) == 0 {
		return false
	}
	run := &w.runs[0]
	switch {
	case w.task != run.Sequence:
		w.task, w.loaded = run.Sequence, false
		w.page.slot(slotStarted).Store(w.task)
	case !w.loaded:
		if w.loaded = w.task < w.page.slot(slotRecalled).Load(); w.loaded {
			break
		}
		w.flush()
		w.sent = append(w.sent, [2]uint64{w.task, uint64(run.Count)})
		w.skip()
	default:
		w.ran = append(w.ran, w.task)
		w.unsent = append(w.unsent, Outcomes{First: w.task, Count: 1, Elapsed: 1})
		run.Sequence++
		if run.Count--; run.Count == 0 {
			w.skip()
		}
		if !w.batched || len(w.runs) == 0 {
			w.flush()
		}
	}
	return true
}

func (w *stepped) skip() { w.runs, w.task = w.runs[1:], 0 }

func (w *stepped) flush() {
	for _, o := range w.unsent {
		w.sent = append(w.sent, o)
	}
	w.unsent = nil
}

// deliver hands the pool the oldest report that it has not had.
func (w *stepped) deliver(t *testing.T) bool {
	if len(w.sent) == 0 {
		return false
	}
	switch report := w.sent[0].(type) {
	case Outcomes:
		require.NoError(t, w.reporter.member.accept(report))
	case [2]uint64:
		w.reporter.member.skipped(report[0], report[0]+report[1])
	}
	w.sent = w.sent[1:]
	return true
}

// story is one interleaving of a worker that has three tasks with a pool that
// recalls them.
type story struct {
	shape   []int  // of its grants
	batched bool   // what it sends, it sends together
	late    bool   // and that arrives only after the recall
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
					with(t, story{shape: shape, batched: batched, late: late}, shared)
				}
			}
		})
	}
}

func (s story) tell(t *testing.T, shared page) (*member, *stepped, *Job) {
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
	m.recall()
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
