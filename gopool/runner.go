package gopool

import (
	"sync"
	"sync/atomic"

	"github.com/gopool/gopool/gopool/wire"
)

// runner is a Worker that calls Functions whose Value is a RangeFunc, in a goroutine of
// its own. Its owner is Runners.
//
// What it runs can be asked to end and can't be ended. So the runner can be given up:
// then it is gone for the pool, at once, and what its call returns, whenever that is, is
// dropped.
type runner struct {
	number   int64 // that the RangeFunc knows it by
	page     page
	users    atomic.Int32 // of the page: the goroutine, and the pool
	strays   *strays
	reporter *Reporter
	reported uint64 // when, by the clock; the goroutine's

	mu       sync.Mutex
	some     sync.Cond // grants, withdrawn, stopping or givenUp
	grants   []Grant   // not run; the first may be being run
	running  RangeFunc // nil: none is being called
	stopping bool
	givenUp  bool
	ended    bool
	next     uint64 // number of the first task that was not run
	// withdrawn is the end of what was recalled and is to be passed; 0: nothing is.
	withdrawn uint64
	// pending are outcomes of kept that the pool may not have.
	pending wire.Outcomes
	kept    RangeFunc
}

// lastRunner is the number of the runner that was made last.
var lastRunner atomic.Int64

// newRunner returns a runner that is among strays while it runs although it was given up.
func newRunner(strays *strays) (*runner, error) {
	memory, err := ownPage()
	if err != nil {
		return nil, err
	}
	w := &runner{number: lastRunner.Add(1), page: memory, strays: strays, next: 1}
	w.users.Store(2)
	w.some.L = &w.mu
	return w, nil
}

func (w *runner) Start(r *Reporter) {
	w.reporter = r
	go w.run()
}

func (w *runner) Forget(*Function) {}
func (w *runner) Flush()           {}
func (w *runner) Process() int     { return 0 }
func (w *runner) Sent() int        { return 0 } // arguments stay where they are
func (w *runner) Started() uint64  { return w.page.started() }
func (w *runner) Began() uint64    { return w.page.began() }
func (w *runner) Restore()         { w.page.restore() }
func (w *runner) Release()         { w.leavePage() }

func (w *runner) leavePage() {
	if w.users.Add(-1) == 0 {
		w.page.release()
	}
}

func (w *runner) Grant(g Grant) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.grants = append(w.grants, g)
	w.some.Signal()
}

func (w *runner) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopping = true
	w.some.Signal()
}

// Recall drops what certainly does not start: a call that has not seen the recall before
// it starts a task has said so before that, and we see it here. Of the task that it has
// said last only the call knows, so that one stays, for the call to be asked again.
func (w *runner) Recall(from uint64) {
	w.mu.Lock() // first: a call that sees the recall returns, and has to find withdrawn
	defer w.mu.Unlock()
	w.page.recall(from)
	from = max(from, w.page.started()+1)
	if last := len(w.grants) - 1; last >= 0 {
		w.withdrawn = max(w.withdrawn, w.grants[last].end())
	}
	w.keepBelow(from)
	w.some.Signal()
}

// Harvest leaves the outcomes where they are: the report that is due will
// repeat them, and the pool passes over what it knows.
func (w *runner) Harvest() (Outcomes, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unreported()
}

// cancel asks what it runs to come to an end.
func (w *runner) cancel() {
	w.mu.Lock()
	running := w.running
	w.mu.Unlock()
	if running != nil {
		running.Cancel(w.number)
	}
}

// giveUp has the worker be gone, whatever it is in.
func (w *runner) giveUp() {
	last := newStray(w.reporter)
	w.mu.Lock()
	if w.givenUp || w.ended {
		w.mu.Unlock()
		return
	}
	w.givenUp = true
	w.strays.add(w, last)
	w.some.Signal()
	w.mu.Unlock()
	w.reporter.Exited(UnknownExit)
	w.cancel()
}
