package gopool

import (
	"fmt"
	"time"
)

// phase is where a worker is in its life; it only moves forward.
type phase int

const (
	starting phase = iota // does not take tasks yet
	standby               // could, when the one is gone whose place it takes
	ready                 // takes tasks
	retiring              // was told to stop and runs what it has
	doomed                // is being killed for the task that it is in
	lost                  // can't be reached; may still be running
)

// lease is a grant that is out, with the job that it came from.
type lease struct {
	Grant
	job  *Job
	each time.Duration // what one task was expected to take
}

func (l lease) span() span { return span{l.Batch, l.Offset, l.Count} }

// drop forgets the first n tasks of the lease.
func (l *lease) drop(n int) {
	l.Sequence += uint64(n)
	l.Offset += n
	l.Count -= n
}

// member is the pool's record of one worker. Guarded by the pool's lock.
type member struct {
	id     int
	worker Worker
	phase  phase
	leases []lease       // tasks not settled, in the order of their numbers
	next   uint64        // number of the next task granted
	tasks  int           // in leases
	load   time.Duration // what they were expected to take
	chunks int           // granted in all, where workers are replaced after some
	dirty  bool          // has something for Flush
	seen   uint64        // Started at the last watch
	since  time.Time     // when that was first seen
	heard  uint64        // number of the first task that was not settled then
	stuck  int           // for so many watches it has been in the same task
	served bool          // has been ready
	meters meters        // of what it has done
	traced uint64        // until when a trace has it, by the clock
	asks   bool          // is a Puller: gets one grant at a time
	before *member       // whose place it takes, until that is gone
	heir   bool          // another was started to take its place

	details string // of its end, for Lost

	trimming bool // was told to Trim and has not done so yet

	// recalled: tasks were recalled and the worker has not passed them yet.
	// Nothing is granted until then, so that all numbers it may skip are those
	// recalled.
	recalled bool
	// withdrawing: the number they begin at, until they are taken back.
	withdrawing uint64
	asked       time.Time // when they were recalled

	overran time.Duration // the limit that the task exceeded for which it is doomed
}

// grant gives tasks of a job to the worker.
func (m *member) grant(j *Job, s span) {
	each := j.fn.mean
	if each == 0 {
		each = quantum
	}
	g := Grant{
		Sequence: m.next,
		Function: j.fn,
		Batch:    s.batch,
		Offset:   s.offset,
		Count:    s.count,
		Report:   m.defers(j, time.Duration(s.count)*each),
		Singly:   j.limit > 0 || j.fn.mean == 0 || j.fn.mean > brisk,
	}
	m.next += uint64(s.count)
	m.leases = append(m.leases, lease{g, j, each})
	m.tasks += s.count
	m.load += time.Duration(s.count) * each
	m.chunks++
	m.worker.Grant(g)
}

// defers tells whether the last outcome of another job would be kept waiting by
// a next grant of j that takes so long.
func (m *member) defers(j *Job, work time.Duration) bool {
	if len(m.leases) == 0 || work < noticed {
		return false
	}
	last := m.leases[len(m.leases)-1].job
	return last != j && len(last.pending) == 0
}

// accept hands outcomes to their jobs. Some may have been harvested before:
// those numbers are not leased any more and are passed over.
func (m *member) accept(o Outcomes) error {
	if o.Count < 1 || o.First < 1 || o.end() > m.next || o.end() < o.First {
		return fmt.Errorf("outcomes of tasks %d to %d, of which %d were granted", o.First, o.end(), m.next)
	}
	var trace *Trace
	for m.tasks > 0 && m.leases[0].Sequence < o.end() {
		l := &m.leases[0]
		if l.Sequence < o.First {
			return fmt.Errorf("outcomes from task %d on, but task %d comes first", o.First, l.Sequence)
		}
		n := min(l.Count, int(o.end()-l.Sequence))
		if o.Elapsed > 0 {
			l.Function.learn(o.Count, o.Elapsed)
		}
		m.meters.done += n
		if trace = l.job.pool.trace; trace != nil {
			trace.note(l, n)
		}
		tasks := l.span()
		tasks = tasks.cut(n)
		l.job.conclude(tasks, Segment{Index: tasks.index(), Count: n, Skip: int(l.Sequence - o.First), Payload: o.Payload, loans: o.loans})
		m.settle(n)
	}
	if trace != nil {
		trace.report(m, o)
	}
	if o.end() == m.next {
		m.restore()
	}
	return nil
}

// settle takes the first n tasks of the first lease off the record.
func (m *member) settle(n int) {
	l := &m.leases[0]
	l.drop(n)
	m.tasks -= n
	m.load -= time.Duration(n) * l.each
	if l.Count == 0 {
		m.leases[0] = lease{}
		if len(m.leases) == 1 {
			m.leases = m.leases[:0] // keeps its memory
		} else {
			m.leases = m.leases[1:]
		}
	}
}

// giveBack returns the tasks numbered from..to that are leased to their jobs.
func (m *member) giveBack(from, to uint64) {
	for i := len(m.leases) - 1; i >= 0; i-- {
		l := &m.leases[i]
		if l.end() <= from {
			break
		}
		if l.Sequence >= to {
			continue
		}
		kept := 0
		if l.Sequence < from {
			kept = int(from - l.Sequence)
		}
		back := l.span()
		back.cut(kept)
		m.tasks -= back.count
		m.load -= time.Duration(back.count) * l.each
		l.Count = kept
		l.job.giveBack(back)
	}
	m.compact()
}

// compact drops the leases that giveBack has emptied.
func (m *member) compact() {
	kept := m.leases[:0]
	for _, l := range m.leases {
		if l.Count > 0 {
			kept = append(kept, l)
		}
	}
	clear(m.leases[len(kept):])
	m.leases = kept
}

// recall asks the worker to leave what it has not started, and tells whether
// that is anything. The argument why each task then runs exactly once is in
// docs/architecture.md, Taking tasks back.
func (m *member) recall() bool {
	return m.phase == ready && !m.recalled && m.recallFrom(m.worker.Started()+1)
}

// recallFrom does as recall, for the tasks from a number on. A recall that is under
// way may be extended to earlier numbers: that is another one, and what the first
// has taken back is not leased any more.
func (m *member) recallFrom(from uint64) bool {
	if m.phase > retiring || !m.has(from) || m.withdrawing > 0 && m.withdrawing <= from {
		return false
	}
	m.recalled = true
	m.withdrawing = from
	m.asked = time.Now()
	m.worker.Recall(from)
	return true
}

// has tells whether tasks from the number on are leased.
func (m *member) has(from uint64) bool {
	return len(m.leases) > 0 && m.leases[len(m.leases)-1].end() > from
}

// withdraw takes back what was recalled some time ago (settling) and was not
// started, and tells whether that was anything. By now what the worker had
// stored when it last looked is here to be seen.
func (m *member) withdraw() bool {
	if m.withdrawing == 0 || m.phase > retiring {
		return false
	}
	first := max(m.withdrawing, m.worker.Started()+1)
	m.withdrawing = 0
	before := m.tasks
	m.giveBack(first, m.next)
	return m.tasks < before
}

// skipped is told when the worker has passed over tasks from..to. The first of
// them may be one that recall had to leave open.
func (m *member) skipped(from, to uint64) {
	if !m.recalled || from < 1 || from >= to || to > m.next {
		return
	}
	m.giveBack(from, to)
	if to == m.next {
		m.restore()
	}
}

// restore ends a recall: the worker has passed all that was withdrawn.
func (m *member) restore() {
	if m.recalled {
		m.recalled, m.withdrawing = false, 0
		m.worker.Restore()
	}
}

// bury settles what a worker that has exited leaves behind. Outcomes that it
// had not sent are delivered; the task that it was in is lost with it, or run again
// if its job says so; all others go back to their jobs. (Of a call that runs many tasks
// and was given up, those before that task are lost as well: it has their outcomes.)
func (m *member) bury(exit int) {
	m.meters.busy = m.metered().busy // while it is known what it was in
	if rest, ok := m.worker.Harvest(); ok {
		_ = m.accept(rest) // what a dead worker says wrongly is as good as not said
	}
	for started := m.worker.Started(); m.tasks > 0 && m.leases[0].Sequence <= started; {
		l := m.leases[0]
		if l.job.err == nil {
			m.meters.lost++
		}
		if trace := l.job.pool.trace; trace != nil {
			end := Lost{Exit: exit}.String()
			trace.slice(m, record{kind: lostTask, function: l.Function, index: l.span().index(), count: 1, text: end}, m.began(), clock())
		}
		task := l.span()
		l.job.lose(task.cut(1), Lost{Worker: m.id, Exit: exit, Limit: m.overran, Details: m.details})
		m.settle(1)
	}
	m.giveBack(0, m.next)
}

// doing returns the task that the worker is in. It may have finished that and not
// reported yet.
func (m *member) doing() (Task, bool) {
	started := m.worker.Started()
	job, index := m.find(started)
	if job == nil {
		return Task{}, false
	}
	t := Task{Function: job.fn, Index: index, Began: m.began()}
	if started == m.seen {
		t.Since = time.Since(m.since)
	}
	return t, true
}

// find returns the job and the index of the task with that number, if it is leased.
func (m *member) find(number uint64) (*Job, int) {
	for _, l := range m.leases {
		if l.Sequence <= number && number < l.end() {
			return l.job, l.span().index() + int(number-l.Sequence)
		}
	}
	return nil, 0
}
