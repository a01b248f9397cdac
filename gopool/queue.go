package gopool

import "slices"

// queue holds the jobs that have tasks to hand out. Those of the highest priority
// take turns: one allotment each, so that a call made while a long map runs waits for
// its turn and not for the map. Guarded by the pool's lock.
type queue struct {
	jobs   []*Job // by priority; a ring would save some copying, which is of a few pointers
	served *Job   // had the last turn
}

// Prioritize has the job's tasks handed out before those of jobs of lower priority.
// It is 0 otherwise. Call it before tasks are added.
func (j *Job) Prioritize(priority int) {
	j.pool.mu.Lock()
	defer j.pool.mu.Unlock()
	j.priority = priority
	j.pool.prioritized = true
}

// push adds a job at the end of the round of its priority, unless it is queued or has
// nothing to hand out. The job that has just had its turn belongs to the next round,
// unless it stands for calls that were there before.
func (q *queue) push(j *Job) {
	if j.queued || len(j.pending) == 0 {
		return
	}
	at := len(q.jobs)
	for at > 0 && q.jobs[at-1].priority < j.priority {
		at--
	}
	if at > 0 && j != q.served && q.jobs[at-1] == q.served && q.served.priority == j.priority && !q.served.keepsTurn {
		at--
	}
	q.insert(at, j)
}

// putBack adds a job at the front of the round of its priority, unless it is queued:
// tasks that it had a turn for come back, and were there before those of the others.
func (q *queue) putBack(j *Job) {
	if j.queued {
		return
	}
	at := 0
	for at < len(q.jobs) && q.jobs[at].priority > j.priority {
		at++
	}
	q.insert(at, j)
}

func (q *queue) insert(at int, j *Job) {
	j.queued = true
	q.jobs = slices.Insert(q.jobs, at, j)
}

// head returns the job whose turn it is, or nil.
func (q *queue) head() *Job {
	for len(q.jobs) > 0 {
		if j := q.jobs[0]; len(j.pending) > 0 {
			return j
		}
		q.pop()
	}
	return nil
}

// rotate ends the turn of the head, unless it keeps its turn.
func (q *queue) rotate() {
	j := q.jobs[0]
	if j.keepsTurn && len(j.pending) > 0 {
		return
	}
	q.served = j
	q.pop()
	q.push(j)
}

func (q *queue) pop() {
	q.jobs[0].queued = false
	q.jobs[0] = nil
	if len(q.jobs) == 1 {
		q.jobs = q.jobs[:0] // keeps its memory
	} else {
		q.jobs = q.jobs[1:]
	}
}

func (q *queue) clear() {
	for _, j := range q.jobs {
		j.queued = false
	}
	q.jobs, q.served = nil, nil
}
