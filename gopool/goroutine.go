package gopool

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// TaskFunc is the Value of a Function that goroutine workers run. It gets the
// Data of the batch and which of its tasks to run.
type TaskFunc func(ctx context.Context, data any, offset int) (any, error)

// Outcome is what a TaskFunc returned. The Payload of a Segment that comes from
// a goroutine worker is a []Outcome.
type Outcome struct {
	Value any
	Err   error
}

// goroutine is a Worker that runs Go functions in a goroutine of its own. Its
// owner is the pool: the goroutine ends after Stop, and Pool.Join waits for it.
type goroutine struct {
	context context.Context
	started atomic.Uint64

	mu       sync.Mutex
	some     sync.Cond // grants, withdrawn or stopping
	grants   []Grant
	stopping bool
	outcomes []Outcome // not reported
	first    uint64    // number of the first of them
	elapsed  time.Duration
	reported time.Time
	// withdrawn: numbers taken back that the pool has to be told are passed.
	withdrawn struct{ from, to uint64 }
}

// NewGoroutine returns a worker that calls Functions whose Value is a TaskFunc.
// The context is passed on to them.
func NewGoroutine(ctx context.Context) Worker {
	g := &goroutine{context: ctx, first: 1}
	g.some.L = &g.mu
	return g
}

func (g *goroutine) Start(r *Reporter) { go g.run(r) }
func (g *goroutine) Forget(*Function)  {}
func (g *goroutine) Flush()            {}
func (g *goroutine) Restore()          {}
func (g *goroutine) Release()          {}
func (g *goroutine) Started() uint64   { return g.started.Load() }

func (g *goroutine) Grant(grant Grant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.grants = append(g.grants, grant)
	g.some.Signal()
}

func (g *goroutine) Stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopping = true
	g.some.Signal()
}

// Recall needs no time to take effect here: a task starts under the lock.
func (g *goroutine) Recall(from uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	from = max(from, g.started.Load()+1)
	kept := g.grants[:0]
	for _, grant := range g.grants {
		g.withdrawn.from, g.withdrawn.to = from, grant.end()
		if grant.Sequence < from {
			grant.Count = min(grant.Count, int(from-grant.Sequence))
			kept = append(kept, grant)
		}
	}
	g.grants = kept
	g.some.Signal()
}

// Harvest leaves the outcomes where they are: the report that is due will
// repeat them, and the pool passes over what it knows.
func (g *goroutine) Harvest() (Outcomes, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.unreported()
}

func (g *goroutine) unreported() (Outcomes, bool) {
	n := len(g.outcomes)
	return Outcomes{First: g.first, Count: n, Elapsed: g.elapsed, Payload: g.outcomes[:n:n]}, n > 0
}

// run is the worker's goroutine. If a task ends it by runtime.Goexit, the task
// is lost with it.
func (g *goroutine) run(r *Reporter) {
	defer r.Exited(0)
	r.Ready()
	g.reported = time.Now()
	for {
		grant, ok := g.next(r)
		if !ok {
			return
		}
		begin := time.Now()
		outcome := g.call(grant)
		now := time.Now()
		g.mu.Lock()
		g.outcomes = append(g.outcomes, outcome)
		g.elapsed += now.Sub(begin)
		g.mu.Unlock()
		if now.Sub(g.reported) > quantum {
			g.report(r)
		}
	}
}

// next takes one task off the grants and marks it as started. It reports all
// there is before it waits.
func (g *goroutine) next(r *Reporter) (Grant, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.grants) == 0 || g.grants[0].Report && len(g.outcomes) > 0 {
		if len(g.outcomes) > 0 || g.withdrawn.to > 0 {
			g.mu.Unlock()
			g.report(r)
			g.mu.Lock()
			continue
		}
		if g.stopping {
			return Grant{}, false
		}
		g.some.Wait()
	}
	grant := g.grants[0]
	if grant.Count == 1 {
		g.grants = g.grants[1:]
	} else {
		g.grants[0].Sequence++
		g.grants[0].Offset++
		g.grants[0].Count--
		g.grants[0].Report = false
	}
	g.started.Store(grant.Sequence)
	return grant, true
}

// call runs one task. A panic is its outcome, with the stack, and not the end
// of the program.
func (g *goroutine) call(grant Grant) (outcome Outcome) {
	defer func() {
		if reason := recover(); reason != nil {
			outcome = Outcome{Err: &PanicError{Reason: reason, Stack: debug.Stack()}}
		}
	}()
	f, ok := grant.Function.Value.(TaskFunc)
	if !ok {
		return Outcome{Err: fmt.Errorf("a goroutine can't call a %T", grant.Function.Value)}
	}
	value, err := f(g.context, grant.Batch.Data, grant.Offset)
	return Outcome{value, err}
}

func (g *goroutine) report(r *Reporter) {
	g.mu.Lock()
	outcomes, some := g.unreported()
	g.first = g.started.Load() + 1
	withdrawn := g.withdrawn
	if len(g.grants) > 0 { // what is left of them comes before what was withdrawn
		withdrawn.to = 0
	}
	if withdrawn.to > 0 {
		g.first = withdrawn.to
		g.withdrawn.from, g.withdrawn.to = 0, 0
	}
	g.outcomes, g.elapsed = nil, 0
	g.mu.Unlock()
	if some {
		// The numbers are the pool's own: it has nothing to object to.
		_ = r.Outcomes(outcomes)
	}
	if withdrawn.to > 0 {
		r.Skipped(withdrawn.from, withdrawn.to-withdrawn.from)
	}
	g.reported = time.Now()
}

// PanicError is the Err of an Outcome whose TaskFunc panicked.
type PanicError struct {
	Reason any
	Stack  []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n\n%s", e.Reason, e.Stack) }
