package gopool

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"
)

// ErrTerminated is the error of a job that was outstanding when its pool was
// terminated.
var ErrTerminated = errors.New("pool was terminated")

var errSealed = errors.New("job is sealed")

// Job is what one submission asks for: calls of one function. Its results stay
// with it until they are taken. All methods may be called from any goroutine.
type Job struct {
	pool   *Pool
	fn     *Function
	chunk  int
	onDone func()

	// All below is guarded by pool.mu.
	pending   []span // not handed out; taken from the front
	waiting   int    // tasks in pending
	open      int    // tasks added and not settled
	parked    int    // of these: neither in pending nor with a worker, but in back-off or outside
	outside   []span // not admitted yet: see bound
	settled   int    // tasks that have their outcome
	sealed    bool
	queued    bool          // is in pool.queue
	tried     bool          // its function was timed, or could have been
	uneven    bool          // one of its calls took much longer than it should
	keepsTurn bool          // until it has nothing to hand out
	limit     time.Duration // that a task may take; 0: any time
	killing   bool          // tasks that were cancelled end if they run
	cancelled map[int]bool  // tasks that were cancelled by themselves; true: also if running
	forgotten bool
	err       error // why unsettled tasks will never be
	arrived   []Segment
	taken     int // segments that arrived and were taken
	available int // tasks in arrived
	wanted    int // the fewest available tasks that a waiter wants, or the last one wanted
	changed   chan struct{}
	notify    func() // called when changed is closed
	order     *order // nil: outcomes arrive as they come
	stock     stock
	priority  int
	retries   *retries      // nil: no task is run again
	admitted  chan struct{} // closed when all tasks are admitted; nil: they are
}

// Add adds the tasks of b. It fails once the job is sealed or the pool has been
// terminated.
func (j *Job) Add(b *Batch) error {
	p := j.pool
	p.mu.Lock()
	defer p.unlock()
	if err := j.refusal(); err != nil {
		return err
	}
	j.add(b)
	p.dispatch()
	return nil
}

// Seal says that no more tasks will be added.
func (j *Job) Seal() {
	p := j.pool
	p.mu.Lock()
	defer p.unlock()
	j.seal()
}

// Forget drops the results, those here and those to come. The tasks still run.
func (j *Job) Forget() {
	p := j.pool
	p.mu.Lock()
	defer p.unlock()
	j.forgotten = true
	for _, s := range j.arrived {
		s.discard()
	}
	j.arrived, j.available = nil, 0
	j.order.discard()
	j.order = nil
	j.stock.results = 0
	j.stock.change()
}

// Done tells whether every task has its outcome, or never will have.
func (j *Job) Done() bool {
	j.pool.mu.Lock()
	defer j.pool.mu.Unlock()
	return j.done()
}

// Progress returns how many tasks have their outcome, and whether that is all
// that ever will.
func (j *Job) Progress() (settled int, done bool) {
	j.pool.mu.Lock()
	defer j.pool.mu.Unlock()
	return j.settled, j.done()
}

// Err returns why tasks of the job will never have an outcome, or nil.
func (j *Job) Err() error {
	j.pool.mu.Lock()
	defer j.pool.mu.Unlock()
	return j.err
}

// Wait blocks until the job is done or at least want outcomes can be taken, and
// tells whether that came before the context ended.
func (j *Job) Wait(ctx context.Context, want int) bool {
	return j.wait(ctx, math.MaxInt, want)
}

// WaitAfter does as Wait for outcomes that arrived after the first n segments,
// which are forgotten. It also returns if another caller has had more of them
// forgotten: what this one waits for may have been there.
func (j *Job) WaitAfter(ctx context.Context, n, want int) bool {
	j.After(n)
	return j.wait(ctx, n, want)
}

func (j *Job) wait(ctx context.Context, n, want int) bool {
	p := j.pool
	for {
		p.mu.Lock()
		if j.ready(n, want) {
			p.mu.Unlock()
			return true
		}
		j.expect(want)
		changed := j.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// Take returns the segments that have arrived, in order of arrival, and
// forgets them.
func (j *Job) Take() []Segment {
	j.pool.mu.Lock()
	defer j.pool.mu.Unlock()
	taken := j.arrived
	j.forget(len(taken))
	return taken
}

// After returns the segments that arrived after the first n, and forgets these.
// So a caller that counts what it has made use of can ask again.
func (j *Job) After(n int) []Segment {
	j.pool.mu.Lock()
	defer j.pool.mu.Unlock()
	j.forget(min(n-j.taken, len(j.arrived)))
	return j.arrived
}

// Function returns what the job calls.
func (j *Job) Function() *Function { return j.fn }

// The methods below are called with pool.mu held.

// ready tells whether WaitAfter has nothing to wait for.
func (j *Job) ready(n, want int) bool {
	return j.done() || j.available >= want || j.taken > n
}

// expect says that somebody waits for so many outcomes.
func (j *Job) expect(want int) {
	if j.changed == nil {
		j.changed, j.wanted = make(chan struct{}), want
	}
	j.wanted = min(j.wanted, want)
}

// forget drops the first n segments.
func (j *Job) forget(n int) {
	if n <= 0 {
		return
	}
	for _, s := range j.arrived[:n] {
		j.available -= s.Count
		j.stock.results -= size(s)
		s.discard()
		j.taken++
	}
	j.arrived = j.arrived[n:]
	j.stock.change()
}

// refusal returns why no task may be added, or nil.
func (j *Job) refusal() error {
	if j.err == nil && j.sealed {
		return errSealed
	}
	return j.err
}

func (j *Job) done() bool { return j.err != nil || j.sealed && j.open == 0 }

// granted returns how many tasks workers have.
func (j *Job) granted() int { return j.open - j.waiting - j.parked }

func (j *Job) seal() {
	if j.sealed {
		return
	}
	j.sealed = true
	if j.err == nil { // else it has ended
		j.settle(0)
	}
}

func (j *Job) add(b *Batch) {
	j.pool.lastBatch++
	b.id = j.pool.lastBatch
	b.left = b.Count
	if b.Count < 1 {
		return
	}
	b.retain()
	j.open += b.Count
	j.stock.add(b)
	j.pool.trim.due = j.pool.trim.due || b.Settled != nil
	if j.pool.options.MaxPending > 0 {
		j.keepOutside(span{b, 0, b.Count})
		return
	}
	j.pool.bound.open += b.Count
	j.enqueue(span{b, 0, b.Count})
}

// unpark puts tasks behind all others that are to be handed out, unless they were
// cancelled meanwhile.
func (j *Job) unpark(s span) {
	j.parked -= s.count
	for _, s := range j.strike(s) {
		j.enqueue(s)
	}
}

// enqueue puts tasks behind all others that are to be handed out.
func (j *Job) enqueue(s span) {
	j.waiting += s.count
	if last := len(j.pending) - 1; last >= 0 && j.pending[last].precedes(s) {
		j.pending[last].count += s.count
	} else {
		j.pending = append(j.pending, s)
	}
	j.pool.queue.push(j)
}

// carve takes n tasks off the front, fewer where the front batch has fewer.
func (j *Job) carve(n int) span {
	front := &j.pending[0]
	n = min(n, front.count)
	s := front.cut(n)
	if front.count == 0 {
		j.pending[0] = span{}
		j.pending = j.pending[1:]
	}
	j.waiting -= n
	return s
}

// giveBack puts tasks that did not run before all that come after them in the input. A
// worker may pass over its tasks one by one, and the first of them is to run first.
func (j *Job) giveBack(s span) {
	if j.err != nil {
		s.batch.settle(s.count)
		j.letGo(s.count)
		return
	}
	kept := j.strike(s)
	if len(kept) == 0 {
		return
	}
	for _, s := range kept {
		j.waiting += s.count
	}
	at := 0
	for at < len(j.pending) && j.pending[at].index() < s.index() {
		at++
	}
	j.pending = slices.Insert(j.pending, at, kept...)
	j.pool.queue.putBack(j)
}

// deliver accepts the outcome of tasks.
func (j *Job) deliver(s Segment) {
	if s.lent = s.loans.take(s.Skip, s.Count); s.lent > 0 {
		j.pool.trim.due = true
	}
	if j.err != nil {
		s.discard()
		j.letGo(s.Count)
		return
	}
	j.fn.weigh(s.Count, size(s)-overhead)
	j.stock.settle(s.Count, j.open, size(s))
	j.accept(s)
}

// accept does as deliver, for tasks that held no arguments.
func (j *Job) accept(s Segment) {
	if j.forgotten {
		s.discard()
	} else {
		j.stock.results += size(s)
		if j.order == nil {
			j.arrive(s)
		} else {
			j.order.put(s, j.arrive)
		}
	}
	j.settled += s.Count
	j.settle(s.Count)
	j.stock.change()
}

func (j *Job) arrive(s Segment) {
	j.arrived = append(j.arrived, s)
	j.available += s.Count
}

// settle counts tasks as settled and wakes who waits for that.
func (j *Job) settle(count int) {
	j.open -= count
	j.pool.bound.open -= count
	if !j.done() {
		if j.changed != nil && j.available >= j.wanted {
			j.wake()
		}
		return
	}
	j.wake()
	j.end()
}

// fail ends the job: tasks without an outcome will never have one.
func (j *Job) fail(err error) {
	if j.done() {
		return
	}
	j.err = err
	for _, s := range j.pending {
		s.batch.settle(s.count)
	}
	j.pool.bound.open -= j.waiting + j.retries.drop()
	j.dropOutside()
	j.open -= j.waiting + j.parked // those that workers have
	j.pending, j.waiting, j.parked = nil, 0, 0
	j.wake()
	j.stock.change()
	j.end()
}

func (j *Job) wake() {
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
	if f := j.notify; f != nil {
		j.notify = nil
		f()
	}
}

// end is called once, when the job has become done.
func (j *Job) end() {
	delete(j.pool.jobs, j)
	j.pool.trim.rest()
	j.letGo(0)
	if j.onDone != nil {
		j.onDone()
	}
	j.pool.settle()
}

// letGo counts tasks off that workers have of a job that has ended. Behind the last one
// nobody needs the function.
func (j *Job) letGo(count int) {
	j.pool.bound.open -= count
	if j.open -= count; j.open == 0 {
		j.pool.release(j.fn)
	}
}
