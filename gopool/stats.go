package gopool

import "time"

// Stats is what a pool does at a moment, and has done until then.
type Stats struct {
	Workers []WorkerStats
	Uptime  time.Duration

	// Tasks: those that workers have run, whatever came of it; that wait, also with a
	// worker; that workers are in; and that were lost with their worker.
	Done, Queued, Running, Lost int
	// Retried is how many runs were repetitions.
	Retried int
	// Bytes of functions and arguments that were sent to workers, and of outcomes
	// that came back, in shared memory or not.
	Sent, Received int
	// Busy is how long workers were in tasks, and Present for how long they were
	// ready for any, all together.
	Busy, Present time.Duration
}

// WorkerStats is what Stats says of a worker.
type WorkerStats struct {
	ID      int
	Process int // 0: it is none
	State   WorkerState
	Done    int   // tasks
	Task    *Task // that it is in; nil: none
}

// WorkerState is what a worker is at.
type WorkerState int

// The states of a worker.
const (
	WorkerStarting WorkerState = iota // does not take tasks yet
	WorkerIdle                        // has no task
	WorkerBusy                        // has tasks
	WorkerRetiring                    // runs what it has and then ends
	WorkerLost                        // can't be reached; may still be running
)

// Stats returns what the pool does and has done.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Stats{Uptime: time.Since(p.born), Workers: make([]WorkerStats, 0, len(p.members))}
	sum := p.past
	for j := range p.jobs {
		s.Queued += j.waiting + j.parked
	}
	for _, m := range p.members {
		w := WorkerStats{ID: m.id, Process: m.process(), State: m.state()}
		if task, ok := m.doing(); ok {
			w.Task = &task
			s.Running++
			s.Queued--
		}
		mine := m.metered()
		ran := m.ran()
		mine.done += ran
		w.Done = mine.done
		s.Queued += m.tasks - ran
		sum.add(mine)
		s.Workers = append(s.Workers, w)
	}
	s.Done, s.Lost, s.Retried = sum.done, sum.lost, sum.retried
	s.Sent, s.Received = sum.sent, sum.received
	s.Busy, s.Present = sum.busy, sum.present
	return s
}

// meters count what workers have done. They are read under the pool's lock and
// turned once a report, not for each task.
type meters struct {
	done, lost, retried int // tasks
	sent, received      int // bytes
	busy, present       time.Duration
	since               uint64 // when the worker became ready, by the clock; 0: it has not
	reported            uint64 // when its last outcomes were sent
}

// add adds what another has counted.
func (c *meters) add(other meters) {
	c.done += other.done
	c.lost += other.lost
	c.retried += other.retried
	c.sent += other.sent
	c.received += other.received
	c.busy += other.busy
	c.present += other.present
}

// serve says that the worker is ready.
func (m *member) serve() {
	if !m.served {
		m.served = true
		m.meters.since = clock()
	}
}

// meter takes in a report. What was harvested before is in it once more, and so
// is counted here.
func (m *member) meter(o Outcomes) {
	m.meters.busy += o.Elapsed
	m.meters.received += o.Size
	if m.meters.reported = o.Ended; o.Ended == 0 {
		m.meters.reported = clock()
	}
}

// metered returns what the worker has done until now.
func (m *member) metered() meters {
	c, now := m.meters, clock()
	if measured, ok := m.worker.(Measured); ok {
		c.sent = measured.Sent()
	}
	if c.since == 0 {
		return c
	}
	c.present = time.Duration(now - c.since)
	if began := m.began(); began > 0 && m.tasks > 0 && m.leases[0].Sequence <= m.worker.Started() {
		// It is in a task of which it has reported nothing. Its clock may be read later than ours.
		c.busy += max(0, time.Duration(now-max(began, c.reported, c.since)))
	}
	c.busy = min(c.busy, c.present)
	return c
}

// began returns when the grant began that the worker is in; 0: unknown.
func (m *member) began() uint64 {
	if w, ok := m.worker.(Measured); ok {
		return w.Began()
	}
	return 0
}

// process returns the number of the process that the worker is; 0: it is none.
func (m *member) process() int {
	if w, ok := m.worker.(Measured); ok {
		return w.Process()
	}
	return 0
}

// ran returns how many of its tasks the worker has run and not reported.
func (m *member) ran() (count int) {
	started := m.worker.Started()
	for _, l := range m.leases {
		if l.Sequence < started {
			count += min(l.Count, int(started-l.Sequence))
		}
	}
	return count
}

func (m *member) state() WorkerState {
	switch m.phase {
	case starting:
		return WorkerStarting
	case retiring, doomed:
		return WorkerRetiring
	case lost:
		return WorkerLost
	}
	if m.tasks > 0 {
		return WorkerBusy
	}
	return WorkerIdle
}
