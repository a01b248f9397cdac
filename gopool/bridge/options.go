package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/gopool/gopool/gopool"
)

// Retry has tasks of a job that has none yet run again, up to limit times each, and the
// first time after backoff µs. A bit of on says whether also those are that ran longer
// than they may, and the bits above it which kinds of failure of Go functions are.
func Retry(handle, limit, backoff, on int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 {
		j.Retry(gopool.Retries{
			Limit:      int(limit),
			Backoff:    time.Duration(backoff) * time.Microsecond,
			OnLimit:    on&1 != 0,
			OnFailures: uint64(on) >> 1,
		})
		return 0
	})
}

// Prioritize has the tasks of a job that has none yet handed out before those of jobs of
// lower priority.
func Prioritize(handle, priority int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 { j.Prioritize(int(priority)); return 0 })
}

// Admitted blocks until all tasks that were added to the job are admitted, at most
// timeout ms (below 0: without end). It returns why they never will be.
func Admitted(handle, timeout int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 {
		ctx, cancel := context.WithCancel(context.Background())
		if timeout >= 0 {
			ctx, cancel = context.WithTimeout(ctx, time.Duration(timeout)*time.Millisecond)
		}
		defer cancel()
		err := j.Admitted(ctx)
		switch {
		case err == nil:
			return 0
		case errors.Is(err, context.DeadlineExceeded):
			return statusTimeout
		}
		return statusOf(err)
	})
}
