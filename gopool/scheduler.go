package gopool

import "time"

const (
	// quantum is about how much work a worker is granted at a time: far more
	// than a grant costs, far less than a person notices.
	quantum = time.Millisecond
	// bulk is what it is granted of a job that has the pool for itself and whose
	// outcomes nobody waits for one by one: to report and to be granted more is
	// what lies between a task and the next.
	bulk = 4 * quantum
	// window is below how much work a worker is granted more, to go on with while
	// the pool's threads wait for a core that workers keep busy.
	window = 4 * quantum
	// noticed is how much work may come between an outcome and its report.
	noticed = quantum / 4
	// ahead is the longest mean call behind which a next task is sent ahead.
	// Below it the wait for a next grant counts; above it nothing is gained.
	ahead = 20 * time.Millisecond
	// brisk is the longest mean call of which a worker may run many at once and tell of
	// them together.
	brisk = 50 * time.Microsecond
	// maxGrant keeps a grant's outcomes within what a column holds: a worker that
	// has quick tasks, which is what large grants are for, then reports them at once.
	maxGrant = 4096
	// shallow and deep are how many grants a worker has at the most. A new task
	// goes out at once to one that has few, which takes a system call; one that
	// has more will report soon, and then gets many in a single write.
	shallow = 4
	deep    = 128
	// maxChunk is more than any batch holds, and few enough to multiply.
	maxChunk = 1 << 32
)

// dispatch grants tasks to all workers that should have more: first to those
// without any. Called with the lock held; unlock flushes.
func (p *Pool) dispatch() {
	p.held = false
	for _, m := range p.members {
		if m.tasks == 0 && !p.held && !p.refill(m, shallow) {
			return
		}
	}
	for _, m := range p.members {
		if m.tasks > 0 && !p.refill(m, shallow) {
			return
		}
	}
	p.cutIn()
}

// refill grants tasks to m until it has enough, or so many grants, and tells
// whether there may be more for others.
func (p *Pool) refill(m *member, depth int) (more bool) {
	defer p.watch.need(m)
	for m.phase == ready && !m.recalled && p.state.works() && len(m.leases) < depth {
		job := p.queue.head()
		if job == nil {
			return false
		}
		if p.holds(m, job) || p.prioritized && m.hasBelow(job.priority) {
			break // in the second case cutIn has the worker give way
		}
		n := p.allot(m, job)
		if n == 0 {
			break
		}
		m.grant(job, job.carve(n))
		p.warden.granted(job)
		p.queue.rotate()
		p.touch(m)
		if p.options.MaxChunks > 0 && m.chunks >= p.options.MaxChunks {
			p.leave(m)
		}
	}
	return true
}

// allot returns how many tasks of job to grant to m now; 0 is none until m has
// run some of what it has. A function whose calls have not been timed is
// granted one at a time, and only to an idle worker.
func (p *Pool) allot(m *member, job *Job) int {
	mean := job.fn.mean
	switch {
	case !watchable && m.tasks > 0 && (job.limit > 0 || m.leases[0].job.limit > 0):
		return 0 // a worker that is killed for a task must have no other
	case !watchable && job.limit > 0:
		return 1
	case p.options.MaxChunks > 0: // what a worker gets before it goes is counted in chunks
		if m.tasks > 0 {
			return 0
		}
		return job.chunk
	case mean == 0:
		if m.tasks > 0 {
			return 0
		}
		return job.chunk
	case m.asks && m.tasks > 0:
		return 0
	}
	// Guided self-scheduling (Polychronopoulos and Kuck, 1987): grants, and what
	// workers have at the most, shrink as the job drains, so that they end together.
	workers := len(p.members)
	if job.isQuick() {
		workers = min(workers, p.cores)
	}
	share := (job.waiting + 2*workers - 1) / (2 * workers)
	work, limit := quantum, window
	if !m.asks && len(p.queue.jobs) == 1 && job.wanted != 1 {
		work, limit = bulk, window+bulk/2
	}
	limit = min(limit, max(quantum, time.Duration(share)*mean))
	if m.load >= limit && (m.tasks > 1 || mean > ahead || job.waiting < workers) {
		return 0
	}
	n := max(1, min(int(work/mean), share, maxGrant))
	return (n + job.chunk - 1) / job.chunk * job.chunk
}

// touch remembers that m has something to flush when the lock is released.
func (p *Pool) touch(m *member) {
	if !m.dirty {
		m.dirty = true
		p.dirty = append(p.dirty, m)
	}
}

// retire lets m run what it has and then exit.
func (p *Pool) retire(m *member) {
	if m.phase < retiring {
		m.phase = retiring
		m.worker.Stop()
		p.touch(m)
	}
}
