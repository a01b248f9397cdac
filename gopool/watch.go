package gopool

import (
	"runtime"
	"time"
)

// tick is how often workers are looked at while one has tasks behind the one
// that it is in.
const tick = 2 * time.Millisecond

// overdue is how many ticks tasks stay behind a long one while no other worker is idle.
const overdue = 25

// settling is how long after a recall tasks are taken back: many times as long
// as a processor keeps a store to itself (less than a microsecond).
const settling = time.Millisecond

// watchable tells whether the page of a live worker can be relied on. The
// argument (docs/architecture.md, Taking tasks back) needs stores that become
// visible in their order, which Python code can't ask for: amd64 gives it,
// other processors do not. There, tasks stay with the worker they were granted
// to. A dead worker's page is in order everywhere.
const watchable = runtime.GOARCH == "amd64"

// watch looks after workers that are stuck in a long task with others behind
// it: finished outcomes that such a worker has not sent are fetched, and what
// it has not started goes to others, if they have nothing to do. It also hands out
// what was held back for want of knowing better (see holds). It costs nothing
// while neither is. Guarded by the pool's lock.
type watch struct {
	pool  *Pool
	alarm alarm
	armed bool
}

// need arms the watch if m has to be looked at.
func (w *watch) need(m *member) {
	if !watchable || m.tasks < 2 && m.withdrawing == 0 && !w.pool.held || w.armed || w.pool.state >= terminated {
		return
	}
	w.armed = true
	w.alarm.set(tick, w.look)
}

// stop disarms the watch for good.
func (w *watch) stop() {
	w.alarm.stop()
	w.armed = true
}

// look runs in a goroutine of its own, at most one at a time.
func (w *watch) look() {
	p := w.pool
	p.mu.Lock()
	defer p.unlock()
	if p.state >= terminated {
		return
	}
	w.armed = false
	if w.withdraw() {
		p.dispatch()
	}
	for _, m := range p.members {
		w.inspect(m)
	}
	p.handOut()
	for _, m := range p.members {
		w.need(m)
	}
}

// withdraw takes back what was recalled long enough ago, and tells whether that was anything.
func (w *watch) withdraw() (some bool) {
	for _, m := range w.pool.members {
		if time.Since(m.asked) >= settling && m.withdraw() {
			some = true
		}
	}
	return some
}

// inspect takes in what m has finished if it has not reported for a tick, and
// asks for what it has not started if another worker is idle and m is in the
// same task as a tick ago, or has much; and in any case if it has been there for long,
// so that others run that before what comes later in the input.
func (w *watch) inspect(m *member) {
	if m.tasks == 0 || m.phase == lost {
		return
	}
	if m.leases[0].Sequence == m.heard {
		if found, ok := m.worker.Harvest(); ok {
			_ = m.accept(found) // a worker that lies is found out when it reports
		}
	}
	m.heard = 0
	if m.tasks == 0 {
		return
	}
	m.heard = m.leases[0].Sequence
	if m.observe(m.worker.Started()) {
		m.stuck++
		if m.stuck > 1 { // and was not just without a core
			m.leases[0].job.uneven = true
		}
	}
	hasMuch := m.load > quantum && !(m.isQuick() && w.pool.crowded())
	waited := m.stuck >= overdue && len(w.pool.members) > 1
	if (waited || (m.stuck > 0 || hasMuch) && w.pool.anyIdle()) && m.recall() {
		w.need(m)
	}
}

// observe is told which task the worker is in, and tells whether it was seen there before.
func (m *member) observe(started uint64) bool {
	if started != m.seen {
		m.seen, m.stuck, m.since = started, 0, time.Now()
		return false
	}
	return true
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
