package gopool

import "context"

// bound keeps tasks outside while Options.MaxPending others are pending. Guarded by
// the pool's lock.
type bound struct {
	open  int    // tasks that were admitted and are not settled
	queue []*Job // that have tasks outside; they take turns, those of higher priority first
}

// Admitted blocks until all tasks that were added so far are admitted. It returns an
// error if they never will be, or the context ends.
func (j *Job) Admitted(ctx context.Context) error {
	j.pool.mu.Lock()
	err, admitted := j.err, j.admitted
	j.pool.mu.Unlock()
	if err != nil || admitted == nil {
		return err
	}
	select {
	case <-admitted:
		return j.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// The methods below are called with pool.mu held.

// keepOutside takes tasks in that unlock will admit, as far as there is room.
func (j *Job) keepOutside(s span) {
	j.outside = append(j.outside, s)
	j.parked += s.count
	if j.admitted == nil {
		j.admitted = make(chan struct{})
		j.pool.bound.queue = append(j.pool.bound.queue, j)
	}
}

// admit lets tasks in, as many as there is room for. Who has them settled leaves that
// to unlock, which calls it.
func (p *Pool) admit() {
	b := &p.bound
	if len(b.queue) == 0 || b.open >= p.options.MaxPending {
		return
	}
	for len(b.queue) > 0 && b.open < p.options.MaxPending {
		at := b.next()
		j := b.queue[at]
		b.queue = append(b.queue[:at], b.queue[at+1:]...)
		n := p.options.MaxPending - b.open
		if len(b.queue) > 0 {
			n = min(n, j.chunk) // a turn
		}
		front := &j.outside[0]
		s := front.cut(min(n, front.count))
		if front.count == 0 {
			j.outside = j.outside[1:]
		}
		b.open += s.count
		j.unpark(s)
		if len(j.outside) > 0 {
			b.queue = append(b.queue, j)
		} else {
			j.letIn()
		}
	}
	p.dispatch()
}

// next returns which job of the queue has the turn.
func (b *bound) next() (at int) {
	for i, j := range b.queue {
		if j.priority > b.queue[at].priority {
			at = i
		}
	}
	return at
}

// letIn wakes who waits for the job's tasks to be admitted.
func (j *Job) letIn() {
	close(j.admitted)
	j.outside, j.admitted = nil, nil
}

// dropOutside forgets tasks that will never be admitted: their job has ended.
func (j *Job) dropOutside() {
	if j.admitted == nil {
		return
	}
	for _, s := range j.outside {
		s.batch.settle(s.count)
	}
	queue := j.pool.bound.queue
	for i := range queue {
		if queue[i] == j {
			j.pool.bound.queue = append(queue[:i], queue[i+1:]...)
			break
		}
	}
	j.letIn()
}
