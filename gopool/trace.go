package gopool

import (
	"errors"
	"io"
	"time"
)

const (
	// maxRecords is how many records wait to be written. What comes when there are so
	// many is left out, and counted.
	maxRecords = 1 << 16
	// worthwhile is how many records are written at once.
	worthwhile = 1 << 12
	// flushInterval is how long records wait at most.
	flushInterval = 100 * time.Millisecond
	// depthInterval is how often the queue is looked at, while things happen.
	depthInterval = time.Millisecond
)

// ErrTraced is returned by StartTrace of a pool that is being traced already.
var ErrTraced = errors.New("pool is being traced already")

// Trace is a timeline of what the workers of a pool do: from StartTrace to Stop, or
// until the pool is terminated or finished. It has a slice for what a worker reports
// at a time, which is one long task or many short ones. It costs the pool an append
// for each; Write, which somebody has to call, does the rest.
type Trace struct {
	pool *Pool

	// Guarded by the pool's lock.
	origin  uint64 // when it began, by the clock
	records []record
	omitted int
	parts   []part // of the report that is being taken in
	depth   int    // of the queue, when it was looked at last
	looked  uint64
	over    bool
	due     chan struct{} // there are many records, or it is over
}

// kind says what a record is about.
type kind int

const (
	ran       kind = iota // tasks were run, from start to end
	lostTask              // the same, of one that was lost with its worker
	inTask                // the same, of those that the worker had not reported in the end
	submitted             // a job was
	attached              // a worker was
	isReady               // it takes tasks
	exited                // it has ended, in the way that is in text
	depth                 // count tasks wait
)

// record is what is known of an event. Times are by the clock.
type record struct {
	kind         kind
	worker       int
	process      int
	function     *Function
	index, count int
	start, end   uint64
	text         string
}

// part is what a report says of one lease.
type part struct {
	function     *Function
	index, count int
	expected     time.Duration
}

// StartTrace begins a timeline.
func (p *Pool) StartTrace() (*Trace, error) {
	p.mu.Lock()
	defer p.unlock()
	if !p.state.works() {
		return nil, p.notRunning()
	}
	if p.trace != nil {
		return nil, ErrTraced
	}
	t := &Trace{pool: p, origin: clock(), due: make(chan struct{}, 1)}
	p.trace = t
	for _, m := range p.members {
		m.traced = t.origin
		t.add(record{kind: attached, worker: m.id, process: m.process(), start: t.origin})
	}
	t.look(t.origin)
	return t, nil
}

// Stop ends the timeline; Write then writes what is left of it. It does nothing
// the second time.
func (t *Trace) Stop() {
	t.pool.mu.Lock()
	defer t.pool.unlock()
	t.stop()
}

// Write writes the timeline until it has ended, in the format that Perfetto and
// chrome://tracing read. It calls name once for each function. If writing fails it
// stops the timeline and returns why.
func (t *Trace) Write(out io.Writer, name func(*Function) string) error {
	w := newTraceWriter(out, name)
	w.begin()
	for over := false; !over && w.err == nil; {
		select {
		case <-t.due:
		case <-time.After(flushInterval):
		}
		var records []record
		records, over = t.take()
		for _, r := range records {
			w.write(r, t.origin)
		}
	}
	t.Stop()
	w.end(t.omitted)
	return w.err
}

// take returns the records that came since the last time, and whether there will
// be no more.
func (t *Trace) take() ([]record, bool) {
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	records := t.records
	t.records = nil
	return records, t.over
}

// The methods below are called with the pool's lock held.

func (t *Trace) add(r record) {
	if t.over {
		return
	}
	if len(t.records) >= maxRecords {
		t.omitted++
		return
	}
	t.records = append(t.records, r)
	if len(t.records) == worthwhile {
		t.hurry()
	}
}

func (t *Trace) hurry() {
	select {
	case t.due <- struct{}{}:
	default:
	}
}

// stop takes down what workers are in, and ends the timeline.
func (t *Trace) stop() {
	if t.over {
		return
	}
	now := clock()
	for _, m := range t.pool.members {
		if task, ok := m.doing(); ok {
			before := min(m.ran(), task.Index)
			t.slice(m, record{kind: inTask, function: task.Function, index: task.Index - before, count: before + 1}, m.began(), now)
		}
	}
	t.looked = 0
	t.look(now)
	t.over = true
	t.pool.trace = nil
	t.hurry()
}

// endTrace ends the timeline that there may be.
func (p *Pool) endTrace() {
	if p.trace != nil {
		p.trace.stop()
	}
}

// submitted takes down that a job has come.
func (t *Trace) submitted(f *Function, batches []*Batch) {
	r := record{kind: submitted, function: f}
	for _, b := range batches {
		r.count += b.Count
	}
	t.instant(r)
}

// look takes down how many tasks wait, if that was not done just before.
func (t *Trace) look(now uint64) {
	if now-t.looked < uint64(depthInterval) {
		return
	}
	waiting := 0
	for _, j := range t.pool.queue.jobs {
		waiting += j.waiting
	}
	if waiting != t.depth || t.looked == 0 {
		t.add(record{kind: depth, count: waiting, start: now})
	}
	t.depth, t.looked = waiting, now
}

// instant takes down something that happens now.
func (t *Trace) instant(r record) {
	r.start = clock()
	t.add(r)
	t.look(r.start)
}

// note takes down that a report is about n tasks of a lease.
func (t *Trace) note(l *lease, n int) {
	t.parts = append(t.parts, part{l.Function, l.span().index(), n, time.Duration(n) * l.each})
}

// report takes down when the tasks were run that were noted. If there are several
// leases among them, nobody knows when the worker came from one to the next: each
// has its share of the time by what its tasks were expected to take.
func (t *Trace) report(m *member, o Outcomes) {
	parts := t.parts
	t.parts = parts[:0]
	now := clock()
	end, start := o.Ended, m.began()
	if end == 0 || end > now {
		end = now
	}
	if o.Elapsed > 0 {
		start = end - min(end, uint64(o.Elapsed))
	}
	start = max(start, m.traced)
	end = max(start, end)
	var expected time.Duration
	for _, p := range parts {
		expected += p.expected
	}
	for i, p := range parts {
		until := end
		if i < len(parts)-1 {
			until = start + uint64(float64(end-start)*float64(p.expected)/float64(expected))
		}
		t.slice(m, record{kind: ran, function: p.function, index: p.index, count: p.count}, start, until)
		start, expected = until, expected-p.expected
	}
	t.look(now)
}

// slice takes down what a worker did from start to end, and not before what was
// taken down of it last.
func (t *Trace) slice(m *member, r record, start, end uint64) {
	r.worker, r.start = m.id, max(start, m.traced)
	r.end = max(r.start, end)
	m.traced = r.end
	t.add(r)
}
