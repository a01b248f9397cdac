package gopool

import "time"

const (
	// promptest and laziest bound how often a worker is looked at that is in a task
	// with a time limit.
	promptest = time.Millisecond
	laziest   = 50 * time.Millisecond
	// fraction of the limit that is between two looks.
	fraction = 20
)

// warden ends tasks that may not go on, with their workers: those that have run longer
// than the limit of their job, and those that were cancelled so. It looks at what
// workers are in, which costs the worker nothing: a task that is seen at two looks that
// are as far apart as the limit has run longer. It costs nothing while there is no
// such task. The argument why no other task is lost is in docs/architecture.md, Ending a
// task. Guarded by the pool's lock.
type warden struct {
	pool  *Pool
	alarm alarm
	due   time.Time // when it looks; zero: never
}

// Limit has tasks of the job end with their workers if they run longer than the limit
// (Kill): such a task is Lost. Call it before tasks are added, and only where workers
// can be killed.
func (j *Job) Limit(limit time.Duration) {
	j.pool.mu.Lock()
	defer j.pool.mu.Unlock()
	j.limit = limit
}

// granted is told that a worker has tasks of the job. Where these are likely to be
// long, it looks soon, to see the first of them begin.
func (w *warden) granted(j *Job) {
	if j.limit == 0 {
		return
	}
	wait := interval(j.limit)
	if j.fn.mean == 0 || j.fn.mean > wait {
		wait = promptest
	}
	w.lookAfter(wait)
}

func interval(limit time.Duration) time.Duration {
	return min(max(limit/fraction, promptest), laziest)
}

// lookAfter has workers looked at after that time, if that is not done sooner.
func (w *warden) lookAfter(wait time.Duration) {
	due := time.Now().Add(wait)
	if w.pool.state >= terminated || !w.due.IsZero() && !due.Before(w.due) {
		return
	}
	w.due = due
	w.alarm.set(wait, w.look)
}

// stop ends the looks for good.
func (w *warden) stop() { w.alarm.stop() }

// look runs in a goroutine of its own.
func (w *warden) look() {
	p := w.pool
	p.mu.Lock()
	defer p.unlock()
	w.due = time.Time{}
	w.round()
}

// round looks at all workers once, and sees to it that those will be looked at again
// for which that is due.
func (w *warden) round() {
	if w.pool.state >= terminated {
		return
	}
	for _, m := range w.pool.members {
		if wait := w.inspect(m); wait > 0 {
			w.lookAfter(wait)
		}
	}
}

// inspect looks at one worker, and returns when it has to be looked at again; 0 is never.
func (w *warden) inspect(m *member) time.Duration {
	wait := m.patience()
	if wait == 0 || m.phase >= doomed {
		return 0
	}
	now := time.Now() // before the look at what it does: it has been there for at least as long
	started := m.worker.Started()
	m.observe(started)
	job, index := m.find(started)
	if job == nil {
		return wait
	}
	ran := now.Sub(m.since)
	overran := job.limit > 0 && ran >= job.limit
	switch {
	case overran || job.kills(index):
		if !w.doom(m, started) {
			return settling
		}
		if overran {
			m.overran = job.limit
		}
		return 0
	case job.limit > 0:
		return min(wait, job.limit-ran)
	}
	return wait
}

// patience returns how long the worker need not be looked at; 0 if never again.
func (m *member) patience() (wait time.Duration) {
	sooner := func(d time.Duration) {
		if wait == 0 || d < wait {
			wait = d
		}
	}
	for _, l := range m.leases {
		if l.job.limit > 0 {
			sooner(interval(l.job.limit))
		}
		if l.job.killing {
			sooner(settling)
		}
	}
	return wait
}

// kills tells whether a task was cancelled even if it runs.
func (j *Job) kills(index int) bool { return j.killing && (j.err != nil || j.cancelled[index]) }

// doom has the worker killed, if it can be in no other task than that with the number
// started; else it sees to it that this will be so.
func (w *warden) doom(m *member, started uint64) bool {
	if m.has(started + 1) {
		w.pool.withhold(m, started+1, m.next)
		return false
	}
	m.phase = doomed
	w.pool.events.push(Event{Kill, m.id})
	return true
}
