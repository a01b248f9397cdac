package gopool

import "time"

// quick is the mean below which a call can't have waited for anything: more
// workers than there are cores get through such calls no sooner, and to wake one
// costs as much as many of them.
const quick = 20 * time.Microsecond

// holds tells whether m, which is idle, is not to be woken for the job, because as
// many others as there are cores are at it: if its function is quick, or was not
// timed and has had no time to be. So all tasks that are held back are looked at
// again at the next tick; see handOut. A thread that runs tasks costs nothing to
// wake, and is wanted for calls that wait.
func (p *Pool) holds(m *member, job *Job) bool {
	if !watchable || m.tasks > 0 || m.asks || job.granted() < p.cores {
		return false
	}
	if !job.tried || job.isQuick() && len(p.queue.jobs) == 1 && p.crowded() {
		p.held = true
	}
	return p.held
}

// crowded tells whether as many workers as there are cores are at quick calls,
// and get on with them.
func (p *Pool) crowded() bool {
	n := 0
	for _, m := range p.members {
		if m.isQuick() && m.stuck == 0 {
			n++
		}
	}
	return n >= p.cores
}

// Quick tells whether calls of f are known to take so little that a pool gets
// through them no sooner if more of its callers are at it.
func (p *Pool) Quick(f *Function) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return f.mean > 0 && f.mean < quick
}

func (j *Job) isQuick() bool { return j.fn.mean < quick && !j.uneven }

func (m *member) isQuick() bool { return m.tasks > 0 && m.leases[0].job.isQuick() }

// handOut hands out what was held back, as far as it need not be any longer.
func (p *Pool) handOut() {
	if !p.held {
		return
	}
	for _, j := range p.queue.jobs {
		j.tried = true
	}
	p.dispatch()
}
