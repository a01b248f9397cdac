package gopool

import "slices"

// cutIn lets a job in that has nothing in flight where workers have much ahead
// of others: one of them is asked to leave what it has not started, and has the
// turn of that job next. It takes as long as the task that the worker is in.
//
// One worker at a time gives way, and a job only if it has more to hand out and
// after one task of it. So jobs that come one after the other, without an end,
// hold up no other: each waits for a task of it, and costs one worker the way to
// the pool and back.
//
// Before a job of higher priority all give way, and at once.
func (p *Pool) cutIn() {
	job := p.queue.head()
	if !watchable || job == nil {
		return
	}
	if p.prioritized {
		p.giveWayTo(job)
	}
	if job.granted() > 0 {
		return
	}
	var first *member // to be through with what it has
	for _, m := range p.members {
		if m.withdrawing > 0 {
			return
		}
		if m.phase == ready && !m.recalled && m.tasks > 1 && (first == nil || m.load < first.load) {
			first = m
		}
	}
	if first != nil && first.giveWay() {
		p.watch.need(first)
	}
}

// giveWayTo recalls what workers have not started of lower priority than a job, as far as
// that has tasks for them.
func (p *Pool) giveWayTo(job *Job) {
	wanted := job.waiting
	for _, m := range p.members {
		if wanted > 0 && m.hasBelow(job.priority) && m.recall() {
			p.watch.need(m)
			wanted--
		}
	}
}

// hasBelow tells whether the worker has tasks of a lower priority that it has not started.
func (m *member) hasBelow(priority int) bool {
	started := m.worker.Started()
	return slices.ContainsFunc(m.leases, func(l lease) bool {
		return l.job.priority < priority && l.end() > started+1
	})
}

// giveWay recalls all that is behind one task of a job that has more to hand out,
// unless there are calls among it that were there before.
func (m *member) giveWay() bool {
	for _, l := range m.leases {
		if l.job.keepsTurn {
			return false
		}
	}
	for _, l := range m.leases {
		if len(l.job.pending) > 0 {
			return m.recallFrom(max(l.Sequence, m.worker.Started()) + 1)
		}
	}
	return false
}
