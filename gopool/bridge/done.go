package bridge

import "sync"

// doneJobs is the queue behind NextDone.
type doneJobs struct {
	mu     sync.Mutex
	some   sync.Cond
	list   []int64
	tokens []int64 // of memory that is not read any more
	over   bool
	// held: goroutines may read such memory; the end waits for them, or for close.
	held bool
	// discard: the pool was terminated, and nobody is to be told of jobs any more.
	discard bool
}

func (d *doneJobs) init() { d.some.L = &d.mu }

func (d *doneJobs) push(job int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.discard {
		d.list = append(d.list, job)
		d.some.Signal()
	}
}

// pushToken has NextDone return a token, unless nobody asks any more: then Python keeps
// the memory.
func (d *doneJobs) pushToken(token int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.over {
		d.tokens = append(d.tokens, token)
		d.some.Signal()
	}
}

// hold has end wait for close.
func (d *doneJobs) hold() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held = true
}

// end lets NextDone return 0: after the jobs in the queue, or, to discard them
// and all that are done later, at once.
func (d *doneJobs) end(discard bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if discard {
		d.list, d.discard = nil, true
	}
	d.over = !d.held
	d.some.Broadcast()
}

// close ends the queue behind what is in it.
func (d *doneJobs) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held, d.over = false, true
	d.some.Broadcast()
}

// EndDone lets NextDone return 0 after the jobs that are done now.
func EndDone(handle int64) int64 {
	return withPool(handle, func(p *pool) int64 { p.done.end(false); return 0 })
}

// NextDone blocks for the next job that is done and was submitted with flagNotify, or
// token of a batch whose memory is not read any more; 0 is the end. In a pool of
// goroutines that comes when it has finished.
func NextDone(handle int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		d := &p.done
		d.mu.Lock()
		defer d.mu.Unlock()
		for len(d.list)+len(d.tokens) == 0 {
			if d.over {
				return 0
			}
			d.some.Wait()
		}
		queue := &d.list
		if len(d.tokens) > 0 {
			queue = &d.tokens
		}
		first := (*queue)[0]
		*queue = (*queue)[1:]
		return first
	})
}
