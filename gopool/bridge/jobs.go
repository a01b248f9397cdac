package bridge

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gopool/gopool/gopool"
	"github.com/gopool/gopool/gopool/wire"
)

// Flags of Submit.
const (
	flagByReference = 1 << iota // the function is the same wherever its code is
	flagSealed                  // no more tasks will come
	flagNotify                  // NextDone is to return the job
	flagOrdered                 // outcomes come in the order of the tasks; without a batch
	flagLocal                   // functions and arguments stay in Python, for workers that Pull
	flagGather                  // tasks will come from the exchange, which is a tray from now on
)

// brief is what Submit returns if a job of its own costs more than the call.
const brief = 1

// Submit starts a job, which is to be known by number from now on. The exchange
// holds the function's code, then a batch of count tasks, of which the first is
// number 0 of the job. With flagLocal it is not used. If wait is above 0, there
// is one task, and Submit stays that many ms for its outcome. It returns 1 if it
// did not, and calls of the function are so short that they should be gathered.
func Submit(handle, number, exchange, codeSize, convention, batchSize, count, chunk, flags, wait int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		if p.goroutines.Load() != nil && flags&(flagLocal|flagGather) != 0 {
			return statusMalformed
		}
		f, own, data := (*gopool.Function)(nil), true, any(number)
		var memory []byte
		if flags&flagLocal != 0 {
			f = p.NewFunction(data)
		} else {
			var ok bool
			if memory, ok = exchanges.find(exchange); !ok {
				return statusUnknown
			}
			var err error
			if f, own, err = p.function(memory[:codeSize], uint32(convention), flags&flagByReference != 0); err != nil {
				return statusOf(err)
			}
			data = bytes.Clone(memory[codeSize : codeSize+batchSize])
		}
		if own {
			defer p.Pool.Release(f)
		}
		// NextDone must not return a job before it can be found: who comes second,
		// its end or its number, tells.
		var halves atomic.Int32
		onDone := func() {
			if flags&flagNotify != 0 && halves.Add(1) == 2 {
				p.done.push(number)
			}
		}
		job, err := p.start(f, onDone, data, count, chunk, flags, wait)
		if err != nil {
			return statusOf(err)
		}
		if flags&flagOrdered != 0 {
			job.Order()
		}
		if flags&flagGather != 0 {
			trays.put(number, newTray(exchange, memory, p, f, job))
		}
		jobs.put(number, job)
		onDone()
		if !own && wait == 0 && uint32(convention)&conventionGo == 0 && p.Brief(f) {
			return brief
		}
		return 0
	})
}

func (p *pool) start(f *gopool.Function, onDone func(), data any, count, chunk, flags, wait int64) (*gopool.Job, error) {
	if count == 0 {
		return p.Pool.Submit(f, int(chunk), onDone, flags&flagSealed != 0)
	}
	b, err := batch(f, data, count, 0)
	if err != nil {
		return nil, err
	}
	if wait > 0 {
		deadline := time.Now().Add(time.Duration(wait) * time.Millisecond)
		job, err := p.Pool.Call(f, b, deadline)
		return job, refuse(b, err)
	}
	job, err := p.Pool.Submit(f, int(chunk), onDone, flags&flagSealed != 0, b)
	return job, refuse(b, err)
}

// refuse gives back what a batch is in if it was not accepted, for the reason
// err, which it returns.
func refuse(b *gopool.Batch, err error) error {
	if err != nil && b.Settled != nil {
		b.Settled()
	}
	return err
}

// batch returns the batch of tasks that call f which Python has sent. Where that is for
// threads, data is the number of the job.
func batch(f *gopool.Function, data any, count, index int64) (*gopool.Batch, error) {
	encoded, _ := data.([]byte)
	switch value := f.Value.(type) {
	case *goFunction:
		return value.batch(encoded, count, index)
	case gopool.Code:
		if len(value.Bytes) == 0 || len(encoded) == 0 {
			return nil, fmt.Errorf("%w: tasks without a function, or without arguments", wire.ErrMalformed)
		}
		return pickled(encoded, count, index), nil
	}
	return &gopool.Batch{Data: data, Count: int(count), Index: int(index)}, nil
}

func pickled(data []byte, count, index int64) *gopool.Batch {
	b := &gopool.Batch{Data: data, Count: int(count), Index: int(index)}
	mark := data[0]
	b.Settled, b.Size = receive(data[1:], mark&batchMentioning != 0, mark&^batchMentioning == batchLent)
	return b
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

// held is what Add returns if tasks wait to be admitted.
const held = 1

// Add adds the batch of count tasks that the exchange holds, of which the first
// is number index of the job. It returns 1 if some of them were not Admitted yet.
func Add(handle, exchange, size, count, index int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 {
		data := any(handle)
		if exchange != 0 {
			memory, ok := exchanges.find(exchange)
			if !ok {
				return statusUnknown
			}
			data = bytes.Clone(memory[:size])
		}
		b, err := batch(j.Function(), data, count, index)
		if err != nil {
			return statusOf(err)
		}
		if err := refuse(b, j.Add(b)); err != nil {
			return statusOf(err)
		}
		if j.Admitted(expired) == context.Canceled {
			return held
		}
		return 0
	})
}

// Seal says that no more tasks will come. If they came from a tray, the memory is
// the caller's again, and Seal returns 1, once, if all of its slots were used.
func Seal(handle int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 {
		full := false
		if t, ok := trays.find(handle); ok {
			full = t.end()
		}
		j.Seal()
		return truth(full)
	})
}

// Forget drops the job's results and its handle. Its tasks still run; no more
// can come, also if Ctrl-C kept the caller from saying so.
func Forget(handle int64) int64 {
	return guard(func() int64 {
		if t, ok := trays.drop(handle); ok {
			t.end()
		}
		if j, ok := jobs.drop(handle); ok {
			j.Forget()
			j.Seal()
		}
		return 0
	})
}

// Wait forgets the first taken segments of the job and blocks until want
// outcomes are there that came later, or no more will come, at most timeout ms
// (below 0: without end). It does not block if others have taken more segments.
func Wait(handle, taken, want, timeout int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 {
		if t, ok := trays.find(handle); ok {
			t.empty()
		}
		if !wait(j, int(taken), int(want), timeout) {
			return statusTimeout
		}
		return 0
	})
}

// Progress returns how many tasks of the job have their outcome, <<1, and 1 if that
// is all that ever will.
func Progress(handle int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 {
		settled, done := j.Progress()
		return int64(settled)<<1 | truth(done)
	})
}

// Notify has NextDone return the job once when Wait would not block any more. It may be a little
// sooner, and is at once if Wait would not block now.
func Notify(handle, number, taken, want int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		return withJob(number, func(j *gopool.Job) int64 {
			if t, ok := trays.find(number); ok {
				t.empty()
			}
			j.Notify(int(taken), int(want), func() { p.done.push(number) })
			return 0
		})
	})
}

// Withdraw takes a task back that no worker has had; it returns 0 if one has.
func Withdraw(handle, index int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 {
		if t, ok := trays.find(handle); ok {
			t.empty()
		}
		return truth(j.Withdraw(int(index)))
	})
}

// Queued returns 1 if no worker has had the task yet.
func Queued(handle, index int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 {
		if t, ok := trays.find(handle); ok {
			t.empty()
		}
		return truth(j.Queued(int(index)))
	})
}

// wait is Job.WaitAfter with a time limit, which is not set up where nothing has to
// be waited for.
func wait(j *gopool.Job, taken, want int, timeout int64) bool {
	if timeout < 0 {
		return j.WaitAfter(context.Background(), taken, want)
	}
	if ready := j.WaitAfter(expired, taken, want); ready || timeout == 0 {
		return ready
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(timeout)*time.Millisecond)
	defer cancel()
	return j.WaitAfter(ctx, taken, want)
}

var expired = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()
