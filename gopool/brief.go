package gopool

import "time"

const (
	// briefCall is the longest mean call that may wait for others of its kind.
	briefCall = 100 * time.Microsecond
	// briefOutcome is how many bytes their outcomes may have, in the mean.
	briefOutcome = 1 << 10
)

// Brief tells whether calls of f are known to be so short, and their outcomes
// so small, that many of them had better be one job: what a job costs is more
// than they take, and to keep some outcomes a little longer is no matter. It is
// never so where each call counts (MaxChunks), and where memory that Python
// writes can't be relied on (watchable).
func (p *Pool) Brief(f *Function) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return watchable && p.options.MaxChunks == 0 &&
		f.mean > 0 && f.mean <= briefCall && f.outcome <= briefOutcome
}

// KeepTurn says that each task of the job stands for a job of its own: all that
// wait come before what is queued behind them, as they would if they were jobs.
// Call it before tasks are added.
func (j *Job) KeepTurn() {
	j.pool.mu.Lock()
	defer j.pool.mu.Unlock()
	j.keepsTurn = true
}
