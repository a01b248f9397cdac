package gopool

// A worker that retires has a successor, which is started while it still runs what it
// has, so that its place is not empty meanwhile:
//
//	its last chunk is granted, or Reporter.Retires ─▶ WorkerRetires ─▶ Wanted ─▶ Replace ─▶ Ready: standby
//	it is gone, and its tasks are settled ─────────────────────────────────────────────────▶ ready
//
// Until then the successor is granted nothing. So no more tasks run at a time than
// there are places, and what a worker does behind its last task is done before
// the next one has its first.
//
// A successor that ends first is forgotten: Exited wants another when the worker
// itself has ended, as if there had been none.

// leave lets m run what it has and then exit, and asks for a successor.
func (p *Pool) leave(m *member) {
	if m.phase < retiring {
		p.retire(m)
		p.events.push(Event{WorkerRetires, m.id})
	}
}

// Wanted tells whether a worker that retires is to be replaced before it has ended.
// If so, Exited will not ask for that again.
func (p *Pool) Wanted(id int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.occupant(id)
	if m == nil || !(p.state == running || p.state == closed && p.queue.head() != nil) {
		return false
	}
	m.heir = true
	return true
}

// occupant returns the member with that number, unless it has left its place.
func (p *Pool) occupant(id int) *member {
	for _, m := range p.members {
		if m.id == id && !m.isAway() {
			return m
		}
	}
	return nil
}

// isAway tells whether the worker can't be in any task, and will get none.
func (m *member) isAway() bool { return m.phase == lost && m.tasks == 0 }

// enter gives tasks to a worker that has got ready, when its place is free.
func (p *Pool) enter(m *member) {
	if m.before != nil {
		m.phase = standby
		return
	}
	m.phase = ready
	p.dispatch()
}

// vacate lets the successor of m in, if there is one and m is away.
func (p *Pool) vacate(m *member) {
	if !m.isAway() {
		return
	}
	for _, other := range p.members {
		if other.before != m {
			continue
		}
		other.before = nil
		if other.phase == standby {
			p.enter(other)
		}
	}
}

// Retires tells that the worker will start none of the tasks that it has been granted and has
// not reported, and then go.
func (r *Reporter) Retires() {
	r.pool.mu.Lock()
	defer r.pool.unlock()
	if r.member.phase != lost {
		r.member.giveBack(0, r.member.next)
		r.pool.leave(r.member)
		r.pool.dispatch()
	}
}
