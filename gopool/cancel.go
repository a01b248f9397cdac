package gopool

import (
	"errors"
	"slices"
)

// ErrCancelled is the error of a job that was cancelled.
var ErrCancelled = errors.New("job was cancelled")

// Cancelled is the payload of a task that was cancelled by itself.
type Cancelled struct{}

// Cancel ends the job: tasks that have not started never will, and the outcomes of
// those that have are dropped. With kill, their workers are killed. It does nothing, and
// returns false, if the job is done.
func (j *Job) Cancel(kill bool) bool {
	p := j.pool
	p.mu.Lock()
	defer p.unlock()
	if j.done() {
		return false
	}
	// Workers are asked first: the end of the last job may have the pool tell them to stop.
	for _, m := range p.members {
		for _, l := range m.leases {
			if l.job == j && p.withhold(m, l.Sequence, l.end()) {
				break // and so all that follows
			}
		}
	}
	j.killing = kill
	j.fail(ErrCancelled)
	if kill {
		p.warden.round()
	}
	return true
}

// CancelTask does as Cancel for one task, whose outcome is Cancelled if it has not
// started. What has is not dropped: the caller passes over it. It returns false if
// there is no such task on its way.
func (j *Job) CancelTask(index int, kill bool) bool {
	p := j.pool
	p.mu.Lock()
	defer p.unlock()
	if !j.isOpen(index) {
		return false
	}
	if j.cancelled == nil {
		j.cancelled = map[int]bool{}
	}
	j.cancelled[index] = kill
	j.killing = j.killing || kill
	pending := j.pending
	j.pending, j.waiting = nil, 0
	for _, s := range pending {
		for _, s := range j.strike(s) {
			j.pending = append(j.pending, s)
			j.waiting += s.count
		}
	}
	for _, m := range p.members {
		if number := m.number(j, index); number > 0 {
			p.withhold(m, number, number+1)
		}
	}
	if kill {
		p.warden.round()
	}
	return true
}

// The methods below are called with the pool's lock held.

// isOpen tells whether a task has been added and has no outcome.
func (j *Job) isOpen(index int) bool {
	if _, ok := j.find(index); ok {
		return true
	}
	for _, m := range j.pool.members {
		if m.number(j, index) > 0 {
			return true
		}
	}
	return j.isParked(index)
}

// isParked tells whether a task is in back-off or outside: it is struck when that ends.
func (j *Job) isParked(index int) bool {
	return slices.ContainsFunc(j.outside, func(s span) bool { return s.has(index) }) ||
		j.retries != nil && slices.ContainsFunc(j.retries.delays, func(d delay) bool { return d.task.has(index) })
}

// strike takes tasks that were cancelled off a span, and returns what is left of it.
// They have not started, and never will.
func (j *Job) strike(s span) []span {
	if len(j.cancelled) == 0 {
		return []span{s}
	}
	var kept []span
	for s.count > 0 {
		n := 0
		for n < s.count && !j.isCancelled(s.index()+n) {
			n++
		}
		if n > 0 {
			kept = append(kept, s.cut(n))
			continue
		}
		struck := s.cut(1)
		struck.batch.settle(1)
		j.deliver(Segment{Index: struck.index(), Count: 1, Payload: Cancelled{}})
	}
	return kept
}

func (j *Job) isCancelled(index int) bool {
	_, cancelled := j.cancelled[index]
	return cancelled
}

// withhold has a worker leave those of tasks from..to that it has not started, and all
// behind them. It tells whether that is anything.
func (p *Pool) withhold(m *member, from, to uint64) bool {
	from = max(from, m.worker.Started()+1)
	if from >= to || !m.recallFrom(from) {
		return false
	}
	p.watch.need(m)
	return true
}

// number returns the number of a task that is leased, or 0.
func (m *member) number(j *Job, index int) uint64 {
	for _, l := range m.leases {
		if s := l.span(); l.job == j && s.has(index) {
			return l.Sequence + uint64(index-s.index())
		}
	}
	return 0
}
