package gopool

import (
	"maps"
	"slices"
	"time"
)

// grace is how long calls have to return that were asked to when the pool was terminated.
const grace = 200 * time.Millisecond

// Runners owns the workers of a pool whose Functions have a RangeFunc for their Value:
// goroutines, each of which calls it for many tasks at a time.
//
// No call can be ended. A worker whose task may not go on (Kill), or that does not come
// back after the pool was terminated, is given up: the pool goes on, with another in its
// place, or finishes, and the call becomes a stray, which holds its batch until it
// returns.
type Runners struct {
	pool   *Pool
	all    map[int]*runner // those that have not ended
	strays strays
}

// NewRunners returns the owner of the workers of p. Call Start and then, in a goroutine,
// Serve.
func NewRunners(p *Pool) *Runners {
	return &Runners{pool: p, all: map[int]*runner{}, strays: strays{all: map[*runner]stray{}}}
}

// Start adds n workers.
func (r *Runners) Start(n int) error {
	for range n {
		if err := r.start(0); err != nil {
			return err
		}
	}
	return nil
}

// Strays returns what those workers are in that were given up, and whose call has not
// returned.
func (r *Runners) Strays() []WorkerStats { return r.strays.list() }

// Serve does what the pool asks of the owner of its workers, until it has finished, and
// strays have had the time to return that all calls have: most are about to.
func (r *Runners) Serve() {
	var timer *time.Timer
	var deadline time.Time
	for {
		switch event := r.pool.Next(); event.Kind {
		case Kill:
			r.all[event.Worker].giveUp()
		case WorkerGone:
			delete(r.all, event.Worker)
			if r.pool.Exited(event.Worker, UnknownExit) {
				r.replace(0)
			}
		case WorkerRetires:
			if r.pool.Wanted(event.Worker) {
				r.replace(event.Worker)
			}
		case StopAll:
			left := slices.Collect(maps.Values(r.all))
			deadline = time.Now().Add(grace)
			timer = time.AfterFunc(grace, func() {
				for _, w := range left {
					w.giveUp()
				}
			})
			for _, w := range left {
				w.cancel()
			}
		case Finished:
			if timer == nil {
				r.strays.wait(grace)
				return
			}
			timer.Stop()
			r.strays.wait(time.Until(deadline))
			return
		}
	}
}

// replace starts a worker in the place of one that retires, if that is not 0.
func (r *Runners) replace(retiring int) {
	if err := r.start(retiring); err != nil {
		r.pool.Break(err) // which does nothing if it has ended meanwhile
	}
}

func (r *Runners) start(retiring int) error {
	w, err := newRunner(&r.strays)
	if err != nil {
		return err
	}
	id, err := r.pool.Replace(retiring, w)
	if err != nil {
		w.leavePage() // there is no goroutine that would
		return err
	}
	r.all[id] = w
	return nil
}
