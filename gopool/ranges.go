package gopool

import (
	"sync/atomic"

	"github.com/gopool/gopool/gopool/wire"
)

// RangeFunc is the Value of a Function that runners call: code that is not Go's to
// schedule, or not this Go's, and runs many tasks in one call, so that a task need not
// cost what a call does.
type RangeFunc interface {
	// Run runs tasks of r in their order, and returns the outcomes of those that it has
	// run, as columns or Packed; their First is not looked at. It may stop before the end,
	// and is then called again for the rest. That it has run none means that the first
	// was recalled.
	Run(r *Range) wire.Outcomes
	// Cancel asks the Run of a worker to come to an end, if there is one. It is called
	// when that is not granted any more.
	Cancel(worker int64)

	lender
}

// Range is tasks of a batch for a RangeFunc to run. Its memory is not Go's: a call that
// never returns may write there for ever.
type Range struct {
	// Worker is who runs them. No two of a process have the same number.
	Worker int64
	// Data of the batch, of which the Count tasks from Offset on are to be run.
	Data   any
	Offset int
	Count  int
	// Sequence is the number of the first of them. Each number is stored in Started
	// before that task starts; then Recalled is loaded, and a task of that number or
	// above does not start. Both operations are sequentially consistent.
	Sequence          uint64
	Started, Recalled *atomic.Uint64
	// Lengths has room for one word for each task, and Out for some outcomes.
	Lengths, Out []byte
}

// newRange returns the first tasks of a grant, as a runner runs them.
func newRange(worker int64, p page, g Grant) *Range {
	r := &Range{
		Worker:   worker,
		Data:     g.Batch.Data,
		Offset:   g.Offset,
		Count:    min(g.Count, maxOutcomes),
		Sequence: g.Sequence,
		Started:  p.slot(slotStarted),
		Recalled: p.slot(slotRecalled),
		Lengths:  p.memory[lengthsStart:dataStart],
		Out:      p.memory[dataStart:],
	}
	if g.Singly {
		r.Count = 1
	}
	return r
}

// answers tells whether o can be what a call for r has returned.
func (r *Range) answers(o wire.Outcomes) bool {
	if o.Count == 0 {
		return r.Recalled.Load() <= r.Sequence
	}
	_, isColumn := o.Encoding.Width()
	return o.Count <= r.Count && (isColumn || o.Encoding == wire.Packed) && o.Check() == nil
}

// lent returns what outcomes of f are in.
func lent(f RangeFunc, o wire.Outcomes) *loans {
	if list := o.Loans(); len(list) > 0 {
		return &loans{f, list}
	}
	return nil
}
