package gopool

import (
	"runtime"
	"time"
)

// tick is how often workers are looked at while one has tasks behind the one
// that it is in.
const tick = 2 * time.Millisecond

// watchable tells whether the page of a live worker can be relied on. The
// argument (docs/architecture.md, Taking tasks back) needs stores that become
// visible in their order, which Python code can't ask for: amd64 gives it,
// other processors do not. There, tasks stay with the worker they were granted
// to. A dead worker's page is in order everywhere.
const watchable = runtime.GOARCH == "amd64"

// watch looks after workers that are stuck in a long task with others behind
// it: finished outcomes that such a worker has not sent are fetched, and what
// it has not started goes to others, if they have nothing to do. It costs nothing while no worker has more
// than one task. Guarded by the pool's lock.
type watch struct {
	pool  *Pool
	timer *time.Timer
	armed bool
}

// need arms the watch if m has to be looked at.
func (w *watch) need(m *member) {
	if !watchable || m.tasks < 2 || w.armed || w.pool.state >= terminated {
		return
	}
	w.armed = true
	if w.timer == nil {
		w.timer = time.AfterFunc(tick, w.look)
		return
	}
	w.timer.Reset(tick)
}

// stop disarms the watch for good.
func (w *watch) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.armed = true
}

// look runs in a goroutine of its own, at most one at a time. A worker that is
// in the same task as a tick ago is stuck.
func (w *watch) look() {
	p := w.pool
	p.mu.Lock()
	defer p.unlock()
	if p.state >= terminated {
		return
	}
	w.armed = false
	recalled := false
	for _, m := range p.members {
		started := m.worker.Started()
		stuck := started == m.seen && m.tasks > 0
		if stuck {
			if found, ok := m.worker.Harvest(); ok && m.phase != lost {
				_ = m.accept(found) // a worker that lies is found out when it reports
			}
		}
		if (stuck || m.load > quantum) && p.anyIdle() {
			recalled = m.recall() || recalled
		}
		m.seen = started
	}
	if recalled {
		p.dispatch()
	}
	for _, m := range p.members {
		w.need(m)
	}
}

// anyIdle tells whether a worker waits for tasks.
func (p *Pool) anyIdle() bool {
	for _, m := range p.members {
		if m.phase == ready && m.tasks == 0 && !m.recalled {
			return true
		}
	}
	return false
}
