package gopool

import "slices"

// Withdraw takes a task back that was not handed out: it will not run, and has no
// outcome. It returns false if a worker has had it, or there is no such task. Not for
// jobs whose outcomes are in order.
func (j *Job) Withdraw(index int) bool {
	p := j.pool
	p.mu.Lock()
	defer p.unlock()
	i, ok := j.find(index)
	if !ok {
		return false
	}
	batch := j.pending[i].batch
	rest := j.pending[i]
	before := rest.cut(index - rest.index())
	rest.cut(1)
	parts := slices.DeleteFunc([]span{before, rest}, func(s span) bool { return s.count == 0 })
	j.pending = slices.Replace(j.pending, i, i+1, parts...)
	j.waiting--
	batch.settle(1)
	j.stock.settle(1, j.open, 0)
	j.settle(1)
	j.stock.change()
	return true
}

// Queued tells whether a task waits to be handed out.
func (j *Job) Queued(index int) bool {
	j.pool.mu.Lock()
	defer j.pool.mu.Unlock()
	_, ok := j.find(index)
	return ok
}

// find returns the place in pending of a task's span. Called with pool.mu held.
func (j *Job) find(index int) (int, bool) {
	i := slices.IndexFunc(j.pending, func(s span) bool { return s.has(index) })
	return i, i >= 0
}
