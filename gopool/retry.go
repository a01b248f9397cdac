package gopool

import (
	"container/heap"
	"time"

	"github.com/gopool/gopool/gopool/wire"
)

// longestBackoff is where back-off stops to double.
const longestBackoff = time.Minute

// Retries says how often a task of a job is run again that was lost with its worker,
// or failed with an outcome that its worker has marked as worth another attempt.
type Retries struct {
	Limit   int           // repetitions of one task, at the most
	Backoff time.Duration // before the first; twice as long before each next, up to a minute
	OnLimit bool          // also a task that was ended because it ran longer than its limit
	// OnFailures is of which kinds failures of Go functions are worth another attempt: a
	// bit for each.
	OnFailures uint64
}

// Retry has tasks run again. Call it before tasks are added.
func (j *Job) Retry(r Retries) {
	j.pool.mu.Lock()
	defer j.pool.mu.Unlock()
	j.retries = &retries{Retries: r, failures: map[int]int{}, marked: map[int]struct{}{}}
}

// retries is what a job knows of tasks that are run again. Guarded by the pool's lock.
type retries struct {
	Retries
	failures map[int]int      // attempts that failed, of tasks that are not settled, by index
	marked   map[int]struct{} // those whose outcome, when it is reported, is to be another attempt
	delays   delays
	alarm    alarm // for the first of them
}

// fails counts an attempt at a task that has failed, and tells whether it is to be
// run again.
func (j *Job) fails(index int) bool {
	if j.retries == nil || j.err != nil || j.isCancelled(index) || j.retries.failures[index] == j.retries.Limit {
		return false
	}
	j.retries.failures[index]++
	return true
}

// conclude takes in what became of tasks: an outcome, or a reason for another attempt.
func (j *Job) conclude(tasks span, s Segment) {
	if j.retries == nil {
		j.deliver(s)
		tasks.batch.settle(tasks.count)
		return
	}
	for tasks.count > 0 {
		n := 0
		for n < tasks.count && !j.isAgain(tasks.index()+n, s.Payload, s.Skip+n) {
			n++
		}
		if n > 0 {
			s.Index, s.Count = tasks.index(), n
			j.deliver(s)
			j.retries.settle(tasks.cut(n))
		}
		if tasks.count > 0 {
			j.putOff(tasks.cut(1))
		}
		s.Skip += n + 1
	}
}

// isAgain tells whether the outcome at, of the task with this index, is a reason to
// run it again.
func (j *Job) isAgain(index int, payload any, at int) bool {
	switch payload := payload.(type) {
	case wire.Outcomes:
		return (payload.Retryable(at) || j.retries.isWorth(payload, at)) && j.fails(index)
	case Local:
		_, marked := j.retries.marked[index]
		delete(j.retries.marked, index)
		return marked && j.err == nil
	}
	return false
}

// isWorth tells whether the outcome of a Go function is one of OnFailures.
func (r *retries) isWorth(o wire.Outcomes, at int) bool {
	kind, failed := o.FailureKind(at)
	return failed && r.OnFailures>>kind&1 != 0
}

// lose takes in that a task ended with its worker.
func (j *Job) lose(task span, l Lost) {
	if (l.Limit == 0 || j.retries != nil && j.retries.OnLimit) && j.fails(task.index()) {
		j.putOff(task)
		return
	}
	if j.retries != nil {
		l.Retries = j.retries.failures[task.index()]
	}
	j.conclude(task, Segment{Index: task.index(), Count: 1, Payload: l})
}

// putOff has a task run again after a while.
func (j *Job) putOff(task span) {
	r := j.retries
	wait := r.Backoff
	for range r.failures[task.index()] - 1 {
		if wait >= longestBackoff {
			break
		}
		wait = min(2*wait, longestBackoff)
	}
	heap.Push(&r.delays, delay{time.Now().Add(wait), task})
	j.parked += task.count
	r.arm(j.resume)
}

// resume hands out again what has waited long enough. It runs in a goroutine of its own.
func (j *Job) resume() {
	p, r := j.pool, j.retries
	p.mu.Lock()
	defer p.unlock()
	now := time.Now()
	for len(r.delays) > 0 && !r.delays[0].until.After(now) {
		task := heap.Pop(&r.delays).(delay).task
		p.past.retried += task.count
		j.unpark(task)
	}
	r.arm(j.resume)
	p.dispatch()
}

// arm has f called when the first of the tasks that wait has waited long enough.
func (r *retries) arm(f func()) {
	if len(r.delays) > 0 {
		r.alarm.set(time.Until(r.delays[0].until), f)
	}
}

// settle is told of tasks that have their outcome.
func (r *retries) settle(tasks span) {
	tasks.batch.settle(tasks.count)
	for i := 0; i < tasks.count && len(r.failures) > 0; i++ {
		delete(r.failures, tasks.index()+i)
	}
}

// drop takes off the tasks that wait, whose job has ended, and returns how many they are.
func (r *retries) drop() (count int) {
	if r == nil {
		return 0
	}
	for _, d := range r.delays {
		d.task.batch.settle(d.task.count)
		count += d.task.count
	}
	r.delays = nil
	r.alarm.stop()
	return count
}

// Repeat says that the task with this number raised what its job may be run again for,
// and tells whether it will be. The task is still to be reported as one that was run.
func (r *Reporter) Repeat(sequence uint64) bool {
	r.pool.mu.Lock()
	defer r.pool.mu.Unlock()
	job, index := r.member.find(sequence)
	if job == nil || !job.fails(index) {
		return false
	}
	job.retries.marked[index] = struct{}{}
	return true
}

// delay is a task that waits for another attempt.
type delay struct {
	until time.Time
	task  span
}

// delays is a heap, with the task first that has to wait least.
type delays []delay

func (d delays) Len() int           { return len(d) }
func (d delays) Less(i, k int) bool { return d[i].until.Before(d[k].until) }
func (d delays) Swap(i, k int)      { d[i], d[k] = d[k], d[i] }
func (d *delays) Push(x any)        { *d = append(*d, x.(delay)) }

func (d *delays) Pop() any {
	last := len(*d) - 1
	x := (*d)[last]
	(*d)[last] = delay{}
	*d = (*d)[:last]
	return x
}
