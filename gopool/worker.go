package gopool

import "time"

// Grant hands tasks to a worker, which runs them in order. Sequence is the
// number of the first of them: each worker's tasks are numbered from 1 on, and
// the number says everything else that is said about a task.
type Grant struct {
	Sequence uint64
	Function *Function
	Batch    *Batch
	Offset   int
	Count    int
	// Report: what the worker has finished is reported before these tasks begin.
	Report bool
	// Singly: each of them may have to be ended or be told of by itself, so that a
	// worker which can run many in one call does not.
	Singly bool
}

// end returns the number after the last task.
func (g Grant) end() uint64 { return g.Sequence + uint64(g.Count) }

// Worker is what the pool asks of anything that runs tasks. The pool calls all
// methods but Flush and Release with its lock held: none may block or call the pool back.
type Worker interface {
	// Start lets the worker run and tell r about it.
	Start(r *Reporter)
	// Grant queues tasks for the worker. They may stay here until Flush.
	Grant(g Grant)
	// Forget tells that no task will call f any more.
	Forget(f *Function)
	// Flush lets all that was queued go. Called without the pool's lock.
	Flush()
	// Started returns the number of the task that was started last.
	Started() uint64
	// Recall withdraws the tasks from the number from on. Once that has settled,
	// those behind Started certainly never start; of Started itself the worker
	// tells, by its outcome or by Reporter.Skipped.
	Recall(from uint64)
	// Restore ends a Recall that the worker has obeyed.
	Restore()
	// Harvest returns the outcomes that the worker has not reported yet.
	Harvest() (Outcomes, bool)
	// Stop makes the worker exit when it has run what it was granted.
	Stop()
	// Release frees all that serves a worker that has exited, and waits until
	// that is done. Called without the pool's lock, once, after all else.
	Release()
}

// Leadable is a Worker whose reports can be received by the goroutine that
// waits for them, which saves waking another one.
type Leadable interface {
	Worker
	// FlushAndLead does as Flush. The caller then receives what the worker
	// reports until done or until the deadline, unless somebody else does.
	FlushAndLead(done func() bool, deadline time.Time)
}

// Measured is a Worker that can tell what it takes.
type Measured interface {
	Worker
	// Process returns the number of the process that it is; 0: it is none.
	Process() int
	// Began returns when the grant began that it is in, in ns by the clock that
	// Outcomes.Ended is by.
	Began() uint64
	// Sent returns how many bytes were sent to it, or are going to be.
	Sent() int
}

// Outcomes are what became of Count consecutive tasks of a worker, from the
// number First on.
type Outcomes struct {
	First   uint64
	Count   int
	Elapsed time.Duration // in the tasks, together; 0 if unknown
	Ended   uint64        // when they were reported, in ns by the worker's clock; 0: now
	Size    int           // bytes of them
	Payload any

	loans *loans // nil: all of them are in Payload
}

func (o Outcomes) end() uint64 { return o.First + uint64(o.Count) }

// Reporter is how a worker speaks to its pool. Its methods may be called from
// any goroutine that holds none of the pool's locks.
type Reporter struct {
	pool   *Pool
	member *member
}

// Ready tells that the worker takes tasks now.
func (r *Reporter) Ready() {
	r.pool.mu.Lock()
	defer r.pool.unlock()
	r.member.serve() // also if it was told to stop meanwhile
	if r.pool.trace != nil {
		r.pool.trace.instant(record{kind: isReady, worker: r.member.id})
	}
	r.pool.failedStarts = 0
	if r.member.phase == starting {
		r.pool.enter(r.member)
	}
}

// Outcomes tells what became of tasks. It returns an error if they are not
// tasks of this worker: such a worker can't be believed and has to go.
func (r *Reporter) Outcomes(o Outcomes) error {
	r.pool.mu.Lock()
	defer r.pool.unlock()
	if err := r.member.accept(o); err != nil {
		return err
	}
	r.member.meter(o)
	r.pool.refill(r.member, deep)
	return nil
}

// Skipped tells that recalled tasks were not run.
func (r *Reporter) Skipped(first, count uint64) {
	r.pool.mu.Lock()
	defer r.pool.unlock()
	r.member.skipped(first, first+count)
	r.pool.dispatch()
}

// Expected tells whether the worker has anything to report: while it is
// starting or on its way out, has tasks, or has to pass those recalled or to trim.
func (r *Reporter) Expected() bool {
	r.pool.mu.Lock()
	defer r.pool.mu.Unlock()
	return r.member.phase != ready || r.member.tasks > 0 || r.member.recalled || r.member.trimming
}

// Leaving tells whether the worker was told to stop, and has nothing to do before.
func (r *Reporter) Leaving() bool {
	r.pool.mu.Lock()
	defer r.pool.mu.Unlock()
	return r.member.phase == retiring && r.member.tasks == 0
}

// Trimmed tells that the worker has given up memory, perhaps also what it had of
// the caller's.
func (r *Reporter) Trimmed() {
	r.pool.mu.Lock()
	defer r.pool.unlock()
	if r.member.trimming {
		r.member.trimming = false
		r.pool.events.push(Event{Kind: Trim})
	}
}

// Failed tells that the worker could not get ready, and why.
func (r *Reporter) Failed(cause error) {
	r.pool.mu.Lock()
	defer r.pool.unlock()
	r.pool.startError = cause
}

// Gone tells that the worker can't be reached any more. Its tasks stay its own
// until Pool.Exited says that it can't be running any of them.
func (r *Reporter) Gone() {
	r.pool.mu.Lock()
	defer r.pool.unlock()
	r.pool.gone(r.member)
}

// Exited is Gone for a worker that is known to have ended, with exit as in Lost.
func (r *Reporter) Exited(exit int) {
	r.Gone()
	r.pool.exited(r.member.id, exit)
}
