package gopool

// Notify has f called once, with the pool's lock held, when WaitAfter would
// return, or a little sooner; at once, if it would now. A later f takes the place of
// one that was not called. So no goroutine waits for each of many jobs.
func (j *Job) Notify(n, want int, f func()) {
	p := j.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	j.forget(min(n-j.taken, len(j.arrived)))
	if j.ready(n, want) {
		f()
		return
	}
	j.expect(want)
	j.notify = f
}
