package gopool

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// ErrNotClosed is returned by Join of a pool that is still running.
var ErrNotClosed = errors.New("pool is still running")

// Options are the settings of a Pool.
type Options struct {
	// Workers is how many workers are going to be attached in any case. A pool
	// that is closed sooner has each of them start, and then go.
	Workers int
	// MaxChunks is how many chunks a worker is granted before it is replaced;
	// 0 is no limit.
	MaxChunks int
	// MaxPending is how many tasks may be pending: handed out or to be, and not
	// completed. Others wait outside (Job.Admitted); 0 is no limit.
	MaxPending int
	// MaxFailedStarts is how many workers in a row that end before they were
	// ready break the pool. 0 means 3.
	MaxFailedStarts int
	// Attended: each worker of a pool that was terminated or broke is told to stop
	// by Dismiss, which whoever gets StopAll calls.
	Attended bool
}

// Event tells the owner of a pool's workers what to do.
type Event struct {
	Kind   EventKind
	Worker int
}

// EventKind says what an Event is about.
type EventKind int

// The kinds of event.
const (
	// WorkerGone: see that the worker has ended and call Exited.
	WorkerGone EventKind = iota + 1
	// StopAll: the pool was terminated or broke; end all workers.
	StopAll
	// Finished: no worker is left and none will be wanted. The last event.
	Finished
	// Trim: the pool has been idle for a while; memory for large arguments may be
	// given up.
	Trim
	// Kill: kill the worker, which is in a task that may not go on. It is gone when
	// it has ended, as if it had been killed by somebody else.
	Kill
	// WorkerRetires: if Wanted, start another worker and have it Replace this one.
	WorkerRetires
)

// Pool hands the tasks of jobs to workers. It owns no worker: who attaches
// workers is told through Next what becomes of them. All methods may be called
// from any goroutine.
type Pool struct {
	options Options
	events  events

	mu           sync.Mutex
	state        state
	cause        error // what broke the pool
	born         time.Time
	past         meters // of the workers off the record
	trace        *Trace // nil: nobody wants one
	members      []*member
	lastMember   int
	coming       int               // members still to be attached, of Options.Workers
	draining     bool              // jobs are fed without a bound
	unburied     int               // members off the record whose Release has not ended
	ended        map[int]bool      // members off the record, until Exited is asked of them: whether that wants no other
	jobs         map[*Job]struct{} // not done
	queue        queue
	bound        bound
	prioritized  bool // a job has a priority of its own
	lastBatch    uint64
	lastFunction uint64
	failedStarts int
	startError   error
	watch        watch
	trim         trim
	warden       warden
	cores        int  // how many workers can get on at the same time
	held         bool // tasks were not given to an idle worker: see holds
	dirty        []*member
	finished     chan struct{}
}

// New returns a running pool without workers.
func New(options Options) *Pool {
	if options.MaxFailedStarts == 0 {
		options.MaxFailedStarts = 3
	}
	p := &Pool{
		options:  options,
		born:     time.Now(),
		coming:   options.Workers,
		cores:    runtime.GOMAXPROCS(0),
		ended:    map[int]bool{},
		jobs:     map[*Job]struct{}{},
		finished: make(chan struct{}),
	}
	p.events.init()
	p.watch.pool = p
	p.trim.pool = p
	p.warden.pool = p
	return p
}

// unlock releases the lock and then sends out what was granted under it:
// sending is a system call and other goroutines need not wait for it. Each
// worker keeps the order of its own grants.
func (p *Pool) unlock() {
	p.admit()
	dirty := p.dirty
	p.dirty = nil
	for _, m := range dirty {
		m.dirty = false
	}
	p.mu.Unlock()
	for _, m := range dirty {
		m.worker.Flush()
	}
}

// Attach adds a worker and starts it. The pool releases it in the end, also if
// Attach fails.
func (p *Pool) Attach(w Worker) (id int, err error) { return p.Replace(0, w) }

// Replace is Attach of a worker in the place of one that retires: it has no tasks
// until that one is gone.
func (p *Pool) Replace(retiring int, w Worker) (id int, err error) {
	if id, err = p.attach(w, retiring); err != nil {
		w.Release()
	}
	return id, err
}

func (p *Pool) attach(w Worker, place int) (id int, err error) {
	p.mu.Lock()
	defer p.unlock()
	if !p.state.works() {
		return 0, p.notRunning()
	}
	p.coming = max(0, p.coming-1)
	p.lastMember++
	_, asks := w.(*Puller)
	m := &member{id: p.lastMember, worker: w, next: 1, asks: asks, before: p.occupant(place)}
	p.members = append(p.members, m)
	if p.trace != nil {
		p.trace.instant(record{kind: attached, worker: m.id, process: m.process()})
	}
	w.Start(&Reporter{p, m})
	if p.state == closed && len(p.jobs) == 0 {
		p.retire(m)
	}
	return m.id, nil
}

// NewFunction makes a value known to workers as a function. Release it when no
// further job will name it.
func (p *Pool) NewFunction(value any) *Function {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastFunction++
	return &Function{Value: value, id: p.lastFunction, refs: 1}
}

// Release lets workers forget f once the jobs that call it are done.
func (p *Pool) Release(f *Function) {
	p.mu.Lock()
	defer p.unlock()
	p.release(f)
}

func (p *Pool) release(f *Function) {
	f.refs--
	if f.refs > 0 {
		return
	}
	for _, m := range p.members {
		m.worker.Forget(f)
	}
	if f.Released != nil {
		f.Released()
		p.trim.need() // workers may have its memory until they are told
	}
}

// Submit starts a job that calls f. Tasks are given to workers chunk at a time
// or in multiples of it, as far as batches hold whole chunks. Unless sealed,
// the job is open for more tasks until Seal. onDone, if not nil, is called when
// the job is done, with the pool's lock held.
func (p *Pool) Submit(f *Function, chunk int, onDone func(), sealed bool, batches ...*Batch) (*Job, error) {
	if chunk < 1 {
		return nil, fmt.Errorf("chunk of %d tasks", chunk)
	}
	p.mu.Lock()
	defer p.unlock()
	return p.submit(f, chunk, onDone, sealed, batches...)
}

// Call is Submit of a sealed job of one batch and then Wait, at most until the
// deadline. The job is done if that came first. Where one worker gets all
// tasks, the caller itself receives their outcomes: see Leadable.
func (p *Pool) Call(f *Function, b *Batch, deadline time.Time) (*Job, error) {
	p.mu.Lock()
	j, err := p.submit(f, 1, nil, true, b)
	if err != nil {
		p.unlock()
		return nil, err
	}
	if worker, ok := p.leadable(j); ok {
		p.dirty[0].dirty = false
		p.dirty = p.dirty[:0]
		p.mu.Unlock()
		worker.FlushAndLead(j.Done, deadline)
	} else {
		p.unlock()
	}
	if !j.Done() { // spares the common case a timer
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		defer cancel()
		j.Wait(ctx, b.Count+1)
	}
	return j, nil
}

// leadable returns the worker that has all tasks of j, if it is the only one
// that was granted any since the pool was locked, and can be led.
func (p *Pool) leadable(j *Job) (Leadable, bool) {
	if len(p.dirty) != 1 || j.waiting+j.parked > 0 {
		return nil, false
	}
	worker, ok := p.dirty[0].worker.(Leadable)
	return worker, ok
}

func (p *Pool) submit(f *Function, chunk int, onDone func(), sealed bool, batches ...*Batch) (*Job, error) {
	if !p.state.accepts() {
		return nil, p.notRunning()
	}
	f.refs++
	j := &Job{pool: p, fn: f, chunk: min(chunk, maxChunk), onDone: onDone, tried: f.mean > 0}
	p.jobs[j] = struct{}{}
	if p.trace != nil {
		p.trace.submitted(f, batches)
	}
	for _, b := range batches {
		j.add(b)
	}
	if sealed {
		j.seal()
	}
	p.dispatch()
	return j, nil
}

func (p *Pool) notRunning() error { return &NotRunningError{Cause: p.cause, state: p.state} }

// Close refuses further jobs. Workers exit when the outstanding ones are done.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.unlock()
	if p.state.advance(closed) {
		p.settle()
	}
}

// Terminate ends all jobs where they are and tells the workers to go, unless
// that is left to Dismiss.
func (p *Pool) Terminate() {
	p.mu.Lock()
	defer p.unlock()
	p.terminate(ErrTerminated)
}

// Dismiss tells a worker of an attended pool to stop, once that was terminated.
// Until then it stays, so that whoever ends it can see to what it has started.
func (p *Pool) Dismiss(id int) {
	p.mu.Lock()
	defer p.unlock()
	for _, m := range p.members {
		if m.id == id && !p.state.works() {
			p.retire(m)
		}
	}
}

// Break terminates the pool for a cause that further use of it will name.
func (p *Pool) Break(cause error) {
	p.mu.Lock()
	defer p.unlock()
	p.breakFor(cause)
}

// Cause returns what broke the pool, or nil.
func (p *Pool) Cause() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cause
}

// Join blocks until the pool has no worker left, or the context ends.
func (p *Pool) Join(ctx context.Context) error {
	p.mu.Lock()
	still := p.state == running
	p.mu.Unlock()
	if still {
		return ErrNotClosed
	}
	select {
	case <-p.finished:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Next blocks until there is an event. After Finished there are no more.
func (p *Pool) Next() Event { return p.events.next() }

// Exited says that a worker can't be running any more: it has ended, with exit
// as in Lost. It tells, once, whether another worker is wanted in its place;
// call it also for a worker that has told its end itself.
func (p *Pool) Exited(id, exit int) (replace bool) {
	p.exited(id, exit)
	p.mu.Lock()
	defer p.unlock()
	replaced, ended := p.ended[id]
	delete(p.ended, id)
	return ended && !replaced && (p.state == running || p.state == closed && len(p.jobs) > 0)
}

// Task is what a worker is in.
type Task struct {
	Function *Function
	Index    int           // in its job
	Since    time.Duration // for how long at least; 0: unknown
	Began    uint64        // when its grant did, in ns by the worker's clock; 0: unknown
}

// Doing returns the task that a worker is in, and false if it is in none.
func (p *Pool) Doing(id int) (Task, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.members {
		if m.id == id {
			return m.doing()
		}
	}
	return Task{}, false
}

// Explain gives details of how a worker has ended, for Lost. Call it before Exited.
func (p *Pool) Explain(id int, details string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.members {
		if m.id == id {
			m.details = details
		}
	}
}

// exited takes leave of a worker, unless that was done before.
func (p *Pool) exited(id, exit int) {
	m := p.bury(id, exit)
	if m == nil {
		return
	}
	m.worker.Release()
	p.mu.Lock()
	defer p.unlock()
	p.unburied--
	p.settle()
}

// bury takes a worker off the record and settles what it leaves behind.
func (p *Pool) bury(id, exit int) *member {
	p.mu.Lock()
	defer p.unlock()
	m := p.remove(id)
	if m == nil {
		return nil
	}
	p.unburied++
	p.ended[id] = m.heir || m.before != nil
	if m.before != nil {
		m.before.heir = false // it will want another itself
	}
	m.phase = lost
	m.bury(exit)
	p.past.add(m.metered())
	if p.trace != nil {
		p.trace.instant(record{kind: exited, worker: id, text: Lost{Exit: exit}.String()})
	}
	p.vacate(m)
	if !m.served {
		p.failedStart(exit)
	}
	p.dispatch()
	return m
}

// Busy tells whether a worker has tasks, or is not ready for any.
func (p *Pool) Busy(id int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.members {
		if m.id == id {
			return m.tasks > 0 || !m.served
		}
	}
	return false
}

// The methods below are called with the lock held.

func (p *Pool) breakFor(cause error) {
	if p.state.works() {
		p.cause = cause
		p.terminate(p.notRunning())
	}
}

// terminate ends all jobs with err. Tasks that have not started never will.
func (p *Pool) terminate(err error) {
	if !p.state.advance(terminated) {
		return
	}
	p.endTrace()
	p.queue.clear()
	p.watch.stop()
	p.trim.stop()
	p.warden.stop()
	for _, m := range p.members {
		m.worker.Recall(m.worker.Started() + 1)
	}
	p.events.push(Event{Kind: StopAll}) // before the last job ends, which may finish the pool
	for j := range p.jobs {
		j.fail(err)
	}
	p.settle()
}

// settle moves a pool that has left the running state on, as far as its jobs
// and workers allow.
func (p *Pool) settle() {
	if p.state == running || len(p.jobs) > 0 {
		return
	}
	if p.state == closed || !p.options.Attended {
		for _, m := range p.members {
			p.retire(m)
		}
	}
	if p.state == closed && p.coming > 0 {
		return
	}
	if len(p.members)+p.unburied == 0 && p.state.advance(finished) {
		p.endTrace()
		p.watch.stop()
		p.trim.stop()
		p.warden.stop()
		p.events.push(Event{Kind: Finished})
		close(p.finished)
	}
}

// gone is told once of each worker, when it can't be reached any more.
func (p *Pool) gone(m *member) {
	if m.phase != lost {
		m.phase = lost
		p.events.push(Event{WorkerGone, m.id})
		p.vacate(m)
	}
}

// failedStart counts workers in a row that ended before they were ready. Too
// many break the pool: the next ones would fare no better.
func (p *Pool) failedStart(exit int) {
	p.failedStarts++
	if p.failedStarts < p.options.MaxFailedStarts {
		return
	}
	cause := p.startError
	if cause == nil {
		cause = fmt.Errorf("%d workers in a row ended before they were ready, the last one %s", p.failedStarts, Lost{Exit: exit})
	}
	p.breakFor(cause)
}

func (p *Pool) remove(id int) *member {
	for i, m := range p.members {
		if m.id == id {
			p.members = append(p.members[:i], p.members[i+1:]...)
			return m
		}
	}
	return nil
}
