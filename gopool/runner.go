package gopool

import (
	"sync"
	"sync/atomic"
	"time"

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

// run is the worker's goroutine.
func (w *runner) run() {
	w.reporter.Ready()
	w.reported = clock()
	for {
		grant, f := w.take()
		if f == nil {
			break
		}
		r := newRange(w.number, w.page, grant)
		began := clock()
		w.page.slot(slotBegan).Store(began)
		outcomes := f.Run(r)
		ended := clock()
		outcomes.Elapsed = time.Duration(ended - began)
		grant.Batch.release()
		if !r.answers(outcomes) {
			// Nobody knows what it has run: all of it is lost, and nothing is run twice.
			r.Started.Store(r.Sequence + uint64(r.Count) - 1)
			break
		}
		if !w.joins(f, outcomes) {
			w.report()
		}
		if !w.keep(f, outcomes) {
			break
		}
		if ended-w.reported > uint64(quantum) {
			w.report()
		}
	}
	w.end()
}

// take waits for tasks, and returns them with what is to be called. It reports all there
// is before it waits.
func (w *runner) take() (Grant, RangeFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.givenUp {
		switch {
		case len(w.grants) > 0 && !(w.grants[0].Report && w.pending.Count > 0):
			grant := w.grants[0]
			grant.Batch.retain()
			w.running = grant.Function.Value.(RangeFunc)
			return grant, w.running
		case w.pending.Count > 0:
			w.mu.Unlock()
			w.report()
			w.mu.Lock()
		case w.withdrawn > 0:
			w.pass()
		case w.stopping:
			return Grant{}, nil
		default:
			w.some.Wait()
		}
	}
	return Grant{}, nil
}

// joins tells whether outcomes can be reported together with those that are pending.
func (w *runner) joins(f RangeFunc, o wire.Outcomes) bool {
	return w.pending.Count == 0 || o.Count == 0 || f == w.kept && o.Encoding == w.pending.Encoding
}

// keep takes in what a call has returned, unless the worker was given up.
func (w *runner) keep(f RangeFunc, o wire.Outcomes) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = nil
	if w.givenUp {
		lent(f, o).giveBack(0, o.Count)
		return false
	}
	if o.Count == 0 { // all from the next one on were recalled
		w.keepBelow(w.next)
		return true
	}
	if w.pending.Count == 0 {
		w.pending, w.kept = o, f
		w.pending.First = w.next
	} else {
		w.pending.Append(o)
	}
	w.next += uint64(o.Count)
	w.keepFrom(w.next)
	return true
}

func (w *runner) report() {
	w.mu.Lock()
	o, some := w.unreported()
	w.mu.Unlock()
	if some {
		// The numbers are the pool's own: it has nothing to object to.
		_ = w.reporter.Outcomes(o)
		w.mu.Lock()
		w.pending, w.kept = wire.Outcomes{}, nil
		w.mu.Unlock()
	}
	w.reported = clock()
}

// end is the last that the goroutine does.
func (w *runner) end() {
	w.mu.Lock()
	w.ended = true
	exit := UnknownExit
	if w.stopping {
		exit = 0
	}
	givenUp := w.givenUp
	w.mu.Unlock()
	if givenUp {
		w.strays.remove(w)
	} else {
		w.reporter.Exited(exit)
	}
	w.leavePage()
}

// The methods below are called with the lock held.

func (w *runner) unreported() (Outcomes, bool) {
	o := w.pending
	if o.Count == 0 {
		return Outcomes{}, false
	}
	loans := lent(w.kept, o)
	return Outcomes{
		First: o.First, Count: o.Count, Elapsed: o.Elapsed,
		Size: len(o.Lengths) + len(o.Data) + loans.size(), Payload: o, loans: loans,
	}, true
}

// pass tells the pool that what was recalled will not be run.
func (w *runner) pass() {
	from, to := w.next, w.withdrawn
	w.next, w.withdrawn = max(from, to), 0
	w.mu.Unlock()
	if from < to {
		w.reporter.Skipped(from, to-from)
	}
	w.mu.Lock()
}

// keepBelow drops the tasks from a number on.
func (w *runner) keepBelow(from uint64) {
	for last := len(w.grants) - 1; last >= 0 && w.grants[last].end() > from; last-- {
		if g := &w.grants[last]; g.Sequence < from {
			g.Count = int(from - g.Sequence)
		} else {
			w.grants = w.grants[:last]
		}
	}
}

// keepFrom drops the tasks before a number: they have been run.
func (w *runner) keepFrom(number uint64) {
	for len(w.grants) > 0 && w.grants[0].Sequence < number {
		g := &w.grants[0]
		n := min(g.Count, int(number-g.Sequence))
		g.Sequence += uint64(n)
		g.Offset += n
		g.Count -= n
		g.Report = false
		if g.Count == 0 {
			w.grants[0] = Grant{}
			w.grants = w.grants[1:]
		}
	}
}
