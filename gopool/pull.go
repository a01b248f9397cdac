package gopool

import (
	"encoding/binary"
	"sync"
	"time"
)

// Puller is a Worker whose tasks are run by a thread that is none of Go's: the
// thread calls Pull whenever it wants more. It says what it is doing in a page,
// as a process does, but its outcomes stay with it: their payload is Local.
//
// The pool has one grant with it at a time, and keeps all others. Sending ahead
// would gain nothing where to report and to ask for more are one call.
type Puller struct {
	page     page
	reporter *Reporter

	mu       sync.Mutex
	some     sync.Cond // a grant, or stopping
	grant    Grant     // queued, or being run if taken; none if of no tasks
	taken    bool
	since    time.Time // when it was taken
	ready    bool      // the thread has called Pull
	stopping bool
}

// NewPuller returns a worker for a thread that has mapped the page behind the
// descriptor page, which stays the caller's.
func NewPuller(page int) (*Puller, error) {
	shared, err := mapPage(page)
	if err != nil {
		return nil, err
	}
	w := &Puller{page: shared}
	w.some.L = &w.mu
	return w, nil
}

// Pull reports what became of the grant that it returned last, and blocks for
// the next. Of the former, the first ran tasks were run, which took elapsed;
// the others were not, because the page said that they had been taken back. It
// returns false when the thread has to end. Only one thread may call it.
func (w *Puller) Pull(ran int, elapsed time.Duration) (Grant, bool) {
	if g, first := w.end(); first {
		w.reporter.Ready()
	} else {
		w.report(g, ran, elapsed)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.grant.Count == 0 {
		if w.stopping {
			return Grant{}, false
		}
		w.some.Wait()
	}
	w.taken, w.since = true, time.Now()
	return w.grant, true
}

// Told is where Tell writes.
const Told = 128

// Tell writes words of 8 bytes into the page, for the thread that has called Pull.
func (w *Puller) Tell(words ...uint64) {
	for i, word := range words {
		binary.NativeEndian.PutUint64(w.page.memory[Told+8*i:], word)
	}
}

// Idle tells whether the thread is in Pull: it waits for tasks or is about to.
func (w *Puller) Idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ready && !w.taken
}

// Repeat does as Reporter.Repeat.
func (w *Puller) Repeat(sequence uint64) bool { return w.reporter.Repeat(sequence) }

// Fail tells that the thread will never call Pull, and why.
func (w *Puller) Fail(cause error) { w.reporter.Failed(cause) }

// end takes the grant that was run off the record, and tells whether this is
// the first call.
func (w *Puller) end() (g Grant, first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ready {
		w.ready = true
		return Grant{}, true
	}
	g = w.grant
	w.grant, w.taken = Grant{}, false
	return g, false
}

func (w *Puller) report(g Grant, ran int, elapsed time.Duration) {
	ran = min(ran, g.Count)
	if ran > 0 {
		// The numbers are the pool's own: it has nothing to object to.
		_ = w.reporter.Outcomes(Outcomes{First: g.Sequence, Count: ran, Elapsed: elapsed, Payload: Local{}})
	}
	if ran < g.Count {
		w.reporter.Skipped(g.Sequence+uint64(ran), uint64(g.Count-ran))
	}
}

// Start implements Worker, as do all methods below.
func (w *Puller) Start(r *Reporter) { w.reporter = r }

// Grant replaces what there was: the pool waits until that has been reported.
func (w *Puller) Grant(g Grant) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.grant = g
	w.some.Signal()
}

// Stop wakes the thread, if it waits, so that it ends.
func (w *Puller) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopping = true
	w.some.Signal()
}

// Harvest tells of the tasks before the one that the thread is in. It has not
// said how long they took: as long as others, or, if none has been timed, all
// the time.
func (w *Puller) Harvest() (Outcomes, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	started := w.page.started()
	if !w.taken || started <= w.grant.Sequence {
		return Outcomes{}, false
	}
	count := min(int(started-w.grant.Sequence), w.grant.Count)
	elapsed := time.Duration(count) * w.grant.Function.mean
	if elapsed == 0 {
		elapsed = time.Since(w.since)
	}
	return Outcomes{First: w.grant.Sequence, Count: count, Elapsed: elapsed, Payload: Local{}}, true
}

// Recall leaves the grant where it is: the thread passes over what it is told not to start.
func (w *Puller) Recall(from uint64) { w.page.recall(from) }

// Started is what the thread has written.
func (w *Puller) Started() uint64 { return w.page.started() }

// Process is none: it is the caller's.
func (w *Puller) Process() int { return 0 }

// Began is what the thread has written.
func (w *Puller) Began() uint64 { return w.page.began() }

// Sent is nothing: arguments stay where they are.
func (w *Puller) Sent() int { return 0 }

// Restore lets the thread start tasks again.
func (w *Puller) Restore() { w.page.restore() }

// Forget has nothing to do: a thread keeps no function.
func (w *Puller) Forget(*Function) {}

// Flush has nothing to do.
func (w *Puller) Flush() {}

// Release unmaps the page; the thread has a mapping of its own.
func (w *Puller) Release() { w.page.release() }
