package gopool

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// limit is how long a test waits for what must come. It only detects failure.
const limit = 20 * time.Second

// fakeWorker is a Worker that records what the pool tells it and does nothing
// by itself: the test says what it has started and reports for it.
type fakeWorker struct {
	reporter *Reporter
	id       int

	mu      sync.Mutex
	grants  []Grant // not taken by the test
	calls   []string
	started uint64
	unsent  *Outcomes // what Harvest finds
	onFlush func()
}

func (f *fakeWorker) Start(r *Reporter) { f.reporter = r }

func (f *fakeWorker) record(call string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call)
}

func (f *fakeWorker) Grant(g Grant) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.grants = append(f.grants, g)
}

func (f *fakeWorker) Forget(*Function) { f.record("forget") }
func (f *fakeWorker) Restore()         { f.record("restore") }
func (f *fakeWorker) Stop()            { f.record("stop") }
func (f *fakeWorker) Release()         { f.record("release") }

func (f *fakeWorker) Flush() {
	f.record("flush")
	if f.onFlush != nil {
		f.onFlush()
	}
}

func (f *fakeWorker) Started() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.started
}

func (f *fakeWorker) Recall(uint64) { f.record("recall") }

func (f *fakeWorker) Harvest() (Outcomes, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unsent == nil {
		return Outcomes{}, false
	}
	return *f.unsent, true
}

// start says that the worker has started the task with that number.
func (f *fakeWorker) start(number uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.started = number
}

// keep says that the worker has outcomes that it has not sent.
func (f *fakeWorker) keep(o Outcomes) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unsent = &o
}

// take returns the grants that came since the last call.
func (f *fakeWorker) take() []Grant {
	f.mu.Lock()
	defer f.mu.Unlock()
	grants := f.grants
	f.grants = nil
	return grants
}

// told tells how often the pool made a call.
func (f *fakeWorker) told(call string) (times int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if c == call {
			times++
		}
	}
	return times
}

// one takes the only grant there is.
func (f *fakeWorker) one(t *testing.T) Grant {
	t.Helper()
	grants := f.take()
	require.Len(t, grants, 1)
	return grants[0]
}

// finish starts the tasks of g and reports that each took so long.
func (f *fakeWorker) finish(t *testing.T, g Grant, each time.Duration) {
	t.Helper()
	f.start(g.end() - 1)
	o := Outcomes{First: g.Sequence, Count: g.Count, Elapsed: time.Duration(g.Count) * each}
	require.NoError(t, f.reporter.Outcomes(o))
}

// attachFakes adds n fake workers that take tasks.
func attachFakes(t *testing.T, p *Pool, n int) []*fakeWorker {
	t.Helper()
	locked(p, func() { p.cores = max(p.cores, n) }) // a fake needs none
	fakes := make([]*fakeWorker, n)
	for i := range fakes {
		f := &fakeWorker{}
		id, err := p.Attach(f)
		require.NoError(t, err)
		f.id = id
		f.reporter.Ready()
		fakes[i] = f
	}
	return fakes
}

// endPool terminates a pool of fakes when the test ends.
func endPool(t *testing.T, p *Pool, fakes ...*fakeWorker) {
	t.Cleanup(func() {
		p.Terminate()
		for _, f := range fakes {
			f.reporter.Exited(0)
		}
		join(t, p)
	})
}

func join(t *testing.T, p *Pool) {
	t.Helper()
	require.NoError(t, p.Join(within(t)))
}

// within returns a context that ends when a test has failed by taking so long.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

// await fails the test if c is not closed, or sent to, in time.
func await[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(limit):
		require.FailNow(t, "timed out", "waiting for %s", what)
	}
	return v
}

// eventually waits for what has no channel to tell it: it asks again whenever
// others have had the processor.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	require.Eventually(t, holds, limit, time.Millisecond, what)
}

// timed returns a function whose calls are known to take mean.
func timed(p *Pool, mean time.Duration) *Function {
	f := p.NewFunction(nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	f.mean, f.told = mean, 1000
	return f
}

// submit starts a sealed job of count tasks in one batch.
func submit(t *testing.T, p *Pool, f *Function, chunk, count int) *Job {
	t.Helper()
	j, err := p.Submit(f, chunk, nil, true, &Batch{Count: count})
	require.NoError(t, err)
	return j
}

// settled returns how often each of the job's tasks has come as an outcome and
// as lost.
func settled(j *Job) (outcomes, losses map[int]int) {
	outcomes, losses = map[int]int{}, map[int]int{}
	for _, s := range j.Take() {
		into := outcomes
		if _, lost := s.Payload.(Lost); lost {
			into = losses
		}
		for i := range s.Count {
			into[s.Index+i]++
		}
	}
	return outcomes, losses
}

// once returns the map that settled returns if the tasks are each there once.
func once(indices ...int) map[int]int {
	m := map[int]int{}
	for _, i := range indices {
		m[i] = 1
	}
	return m
}

// onceUpTo is once of the numbers below n.
func onceUpTo(n int) map[int]int {
	m := map[int]int{}
	for i := range n {
		m[i] = 1
	}
	return m
}
