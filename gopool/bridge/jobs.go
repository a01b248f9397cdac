package bridge

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/gopool/gopool/gopool"
)

// Flags of Submit and Call.
const (
	flagByReference = 1 << iota // the function is the same wherever its code is
	flagSealed                  // no more tasks will come
	flagNotify                  // NextDone is to return the job
)

// Submit starts a job. The exchange holds the function's code, then a batch of
// count tasks, of which the first is number 0 of the job.
func Submit(handle, exchange, codeSize, convention, batchSize, count, chunk, flags int64) int64 {
	return withFunction(handle, exchange, codeSize, convention, flags, func(p *pool, f *gopool.Function, rest []byte) int64 {
		id := jobs.reserve()
		var onDone func()
		if flags&flagNotify != 0 {
			onDone = func() { p.done.push(id) }
		}
		var batches []*gopool.Batch
		if count > 0 {
			batches = append(batches, batch(rest[:batchSize], count, 0))
		}
		job, err := p.Pool.Submit(f, int(chunk), onDone, flags&flagSealed != 0, batches...)
		if err != nil {
			return statusOf(err)
		}
		jobs.put(id, job)
		return id
	})
}

// Call is Submit of a job of one task, which it waits for, at most timeout ms.
// Collect does not block then, if the time was enough.
func Call(handle, exchange, codeSize, convention, batchSize, flags, timeout int64) int64 {
	return withFunction(handle, exchange, codeSize, convention, flags, func(p *pool, f *gopool.Function, rest []byte) int64 {
		deadline := time.Now().Add(time.Duration(timeout) * time.Millisecond)
		job, err := p.Pool.Call(f, batch(rest[:batchSize], 1, 0), deadline)
		if err != nil {
			return statusOf(err)
		}
		id := jobs.reserve()
		jobs.put(id, job)
		return id
	})
}

// withFunction calls f with the function whose code begins the exchange, and
// with what follows the code.
func withFunction(handle, exchange, codeSize, convention, flags int64, f func(*pool, *gopool.Function, []byte) int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		memory, ok := exchanges.find(exchange)
		if !ok {
			return statusUnknown
		}
		function, own := p.function(memory[:codeSize], uint32(convention), flags&flagByReference != 0)
		if own {
			defer p.Pool.Release(function)
		}
		return f(p, function, memory[codeSize:])
	})
}

func batch(data []byte, count, index int64) *gopool.Batch {
	return &gopool.Batch{Data: bytes.Clone(data), Count: int(count), Index: int(index)}
}

// withJob calls f with the job, if there is one.
func withJob(handle int64, f func(*gopool.Job) int64) int64 {
	return guard(func() int64 {
		j, ok := jobs.find(handle)
		if !ok {
			return statusUnknown
		}
		return f(j)
	})
}

// Add adds the batch of count tasks that the exchange holds, of which the first
// is number index of the job.
func Add(handle, exchange, size, count, index int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 {
		memory, ok := exchanges.find(exchange)
		if !ok {
			return statusUnknown
		}
		if err := j.Add(batch(memory[:size], count, index)); err != nil {
			return statusOf(err)
		}
		return 0
	})
}

// Seal says that no more tasks will come.
func Seal(handle int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 { j.Seal(); return 0 })
}

// Forget drops the job's results and its handle. Its tasks still run.
func Forget(handle int64) int64 {
	return guard(func() int64 {
		if j, ok := jobs.drop(handle); ok {
			j.Forget()
		}
		return 0
	})
}

// Wait blocks until the job is done, at most timeout ms (below 0: without end).
func Wait(handle, timeout int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 {
		if !wait(j, int(^uint(0)>>1), timeout) {
			return statusTimeout
		}
		return 0
	})
}

// wait is Job.Wait with a time limit, which is not set up where nothing has to
// be waited for.
func wait(j *gopool.Job, want int, timeout int64) bool {
	if timeout < 0 {
		return j.Wait(context.Background(), want)
	}
	if ready := j.Wait(expired, want); ready || timeout == 0 {
		return ready
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(timeout)*time.Millisecond)
	defer cancel()
	return j.Wait(ctx, want)
}

var expired = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// doneJobs is the queue behind NextDone.
type doneJobs struct {
	mu   sync.Mutex
	some sync.Cond
	list []int64
	over bool
}

func (d *doneJobs) init() { d.some.L = &d.mu }

func (d *doneJobs) push(job int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, job)
	d.some.Signal()
}

// end lets NextDone return 0, after the jobs in the queue or at once.
func (d *doneJobs) end(now bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	if now {
		d.list = nil
	}
	d.some.Broadcast()
}

// EndDone lets NextDone return 0 after the jobs that are done now.
func EndDone(handle int64) int64 {
	return withPool(handle, func(p *pool) int64 { p.done.end(false); return 0 })
}

// NextDone blocks for the next job that is done and was submitted with
// flagNotify; 0 is the end.
func NextDone(handle int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		d := &p.done
		d.mu.Lock()
		defer d.mu.Unlock()
		for len(d.list) == 0 {
			if d.over {
				return 0
			}
			d.some.Wait()
		}
		job := d.list[0]
		d.list = d.list[1:]
		return job
	})
}
