package gopool

// order keeps those outcomes of a job aside that came before their turn.
type order struct {
	next  int // index of the task whose turn it is
	aside map[int]Segment
}

// put passes on s and what waited for it, or keeps it. Segments never overlap,
// as each task has one outcome, so that the next one begins where one ends.
func (o *order) put(s Segment, pass func(Segment)) {
	if s.Index != o.next {
		o.aside[s.Index] = s
		return
	}
	for ok := true; ok; {
		delete(o.aside, s.Index)
		pass(s)
		o.next += s.Count
		s, ok = o.aside[o.next]
	}
}

// discard lets go of what waits.
func (o *order) discard() {
	if o == nil {
		return
	}
	for _, s := range o.aside {
		s.discard()
	}
}

// Order has outcomes arrive in the order of the tasks and not as they come. Call
// it before tasks are added.
func (j *Job) Order() {
	j.pool.mu.Lock()
	defer j.pool.mu.Unlock()
	j.order = &order{aside: map[int]Segment{}}
}
