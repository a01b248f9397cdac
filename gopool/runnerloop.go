package gopool

import (
	"time"

	"github.com/gopool/gopool/gopool/wire"
)

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
