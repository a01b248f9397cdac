package gopool

import "time"

// idleBefore is how long a pool must have had no job before what it could need again
// is given up: jobs that come one after the other find their memory warm.
const idleBefore = 100 * time.Millisecond

// Trimmable is a Worker that keeps memory for what it will be granted next.
type Trimmable interface {
	Worker
	// Trim has the worker give up what is free of it, and call Reporter.Trimmed.
	Trim()
}

// trim gives up the memory that large arguments and outcomes were in, when the
// pool has been idle for a while. It costs nothing where there are none. Guarded by
// the pool's lock.
type trim struct {
	pool  *Pool
	due   bool // there may be something to give up
	alarm alarm
}

// need says that there will be something to give up, and when jobs have ended.
func (t *trim) need() {
	t.due = true
	t.rest()
}

// rest starts the wait, if the pool has no jobs.
func (t *trim) rest() {
	if !t.due || len(t.pool.jobs) > 0 || t.pool.state >= terminated {
		return
	}
	t.alarm.set(idleBefore, t.run)
}

func (t *trim) stop() { t.alarm.stop() }

// run runs in a goroutine of its own, at most one at a time.
func (t *trim) run() {
	p := t.pool
	p.mu.Lock()
	defer p.unlock()
	if !t.due || len(p.jobs) > 0 || p.state >= terminated {
		return
	}
	t.due = false
	for _, m := range p.members {
		if w, ok := m.worker.(Trimmable); ok && m.phase == ready {
			w.Trim()
			m.trimming = true
			p.touch(m)
		}
	}
	p.events.push(Event{Kind: Trim})
}

// TrimSoon says that outcomes in the workers' memory are not needed any more.
func (p *Pool) TrimSoon() {
	p.mu.Lock()
	defer p.unlock()
	p.trim.need()
}
