// Package bridge is the only package that gopy sees: flat functions over
// integers, so that no handle of gopy's, no reference and no string crosses.
// All other bytes cross in an exchange.
//
// Objects are known by numbers that the caller chooses, so that it can never be
// interrupted between an object and its number. A result below zero is a status (status.go).
// No function but NextEvent, NextDone, NextUnnamed, Submit, Call, Wait, Room, Admitted, Pull and
// AwaitFinished blocks, and gopy
// releases the GIL around all of them.
package bridge

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/gopool/gopool/gopool"
	"github.com/gopool/gopool/gopool/wire"
)

// pool is a gopool.Pool with what only Python's use of it needs.
type pool struct {
	*gopool.Pool
	done       doneJobs
	gate       gate                       // for callers of quick functions
	goroutines atomic.Pointer[goroutines] // nil: its workers are no goroutines

	mu        sync.Mutex
	functions map[reference]*gopool.Function // those encoded by reference
}

// reference is what a function encoded by reference is known by.
type reference struct {
	code       string
	convention uint32
}

var (
	pools table[*pool]
	jobs  table[*gopool.Job]
)

// maxFunctions is how many functions encoded by reference a pool remembers.
const maxFunctions = 256

// NewPool makes a pool of so many workers, which are replaced after maxChunks chunks; 0 is
// never. Tasks beyond maxPending wait outside; 0 is no limit. If attended is 1, Dismiss is
// needed to end it. It is known by number from now on.
func NewPool(number, workers, maxChunks, maxPending, attended int64) int64 {
	return guard(func() int64 {
		options := gopool.Options{
			Workers:    int(workers),
			MaxChunks:  int(maxChunks),
			MaxPending: int(maxPending),
			Attended:   attended == 1,
		}
		p := &pool{Pool: gopool.New(options), functions: map[reference]*gopool.Function{}}
		p.done.init()
		pools.put(number, p)
		return 0
	})
}

// withPool calls f with the pool, if there is one.
func withPool(handle int64, f func(*pool) int64) int64 {
	return guard(func() int64 {
		p, ok := pools.find(handle)
		if !ok {
			return statusUnknown
		}
		return f(p)
	})
}

// Attach adds the worker process pid, which has the other end of socket and
// shares the page behind the descriptor page, in the place of a worker that retires;
// 0 is none. The socket becomes Go's, whatever is returned: the worker's number
// or a status.
func Attach(handle, socket, page, pid, retiring int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		worker, err := gopool.NewProcess(int(socket), int(page), int(pid), arguments.Load())
		if err != nil {
			_ = unix.Close(int(socket))
			return statusSystem
		}
		id, err := p.Pool.Replace(int(retiring), worker)
		if err != nil {
			return statusOf(err)
		}
		return int64(id)
	})
}

// NextEvent blocks for what has to be done about the pool's workers: its kind
// <<32 | the worker.
func NextEvent(handle int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		event := p.Next()
		return int64(event.Kind)<<32 | int64(event.Worker)
	})
}

// Wanted returns 1 if another worker is to be started in the place of one that retires.
func Wanted(handle, worker int64) int64 {
	return withPool(handle, func(p *pool) int64 { return truth(p.Pool.Wanted(int(worker))) })
}

// Exited says that a worker has ended, with its exit code or minus the signal.
// It returns 1 if another is wanted in its place.
func Exited(handle, worker, code int64) int64 {
	return withPool(handle, func(p *pool) int64 { return truth(p.Pool.Exited(int(worker), int(code))) })
}

// Explain says what is known of how a worker has ended: the first size bytes of
// the exchange. Call it before Exited.
func Explain(handle, worker, exchange, size int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		memory, ok := exchanges.find(exchange)
		if !ok {
			return statusUnknown
		}
		p.Pool.Explain(int(worker), string(memory[:size]))
		return 0
	})
}

// Busy returns 1 if the worker has tasks or is not ready for any.
func Busy(handle, worker int64) int64 {
	return withPool(handle, func(p *pool) int64 { return truth(p.Pool.Busy(int(worker))) })
}

// Close lets no more jobs in.
func Close(handle int64) int64 {
	return withPool(handle, func(p *pool) int64 { p.Pool.Close(); return 0 })
}

// Terminate ends all jobs where they are.
func Terminate(handle int64) int64 {
	return withPool(handle, func(p *pool) int64 { p.done.end(true); p.Pool.Terminate(); return 0 })
}

// Dismiss tells a worker of an attended pool that was terminated to stop.
func Dismiss(handle, worker int64) int64 {
	return withPool(handle, func(p *pool) int64 { p.Pool.Dismiss(int(worker)); return 0 })
}

// Break terminates the pool for the cause that is in the first size bytes of
// the exchange.
func Break(handle, exchange, size int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		memory, ok := exchanges.find(exchange)
		if !ok {
			return statusUnknown
		}
		p.Pool.Break(errors.New(string(memory[:size])))
		return 0
	})
}

// Cause writes what broke the pool into the exchange and returns its size; 0 if
// it is not broken.
func Cause(handle, exchange int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		memory, ok := exchanges.find(exchange)
		if !ok {
			return statusUnknown
		}
		if cause := p.Pool.Cause(); cause != nil {
			return int64(copy(memory, cause.Error()))
		}
		return 0
	})
}

// Release drops the pool. Its jobs stay until they are collected or forgotten.
func Release(handle int64) int64 {
	return guard(func() int64 {
		p, ok := pools.drop(handle)
		if !ok {
			return statusUnknown
		}
		p.done.close()
		return 0
	})
}

// Goroutines returns how many goroutines there are, for tests of leaks.
func Goroutines() int64 { return int64(runtime.NumGoroutine()) }

// Handles returns how many objects have a handle, for tests of leaks.
func Handles() int64 {
	return int64(pools.size() + jobs.size() + exchanges.size() + threads.size() + traces.size())
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// function returns the function that code stands for. One encoded by reference, as are
// those of Go, is the same for all jobs; any other may have state and is each job's own.
func (p *pool) function(code []byte, convention uint32, byReference bool) (f *gopool.Function, own bool, err error) {
	isGo := convention&conventionGo != 0
	if hasGo := p.goroutines.Load() != nil; isGo != hasGo && (isGo || len(code) > 0) {
		return nil, false, fmt.Errorf("%w: a function of another kind of worker", wire.ErrMalformed)
	}
	if !byReference && !isGo {
		f := p.NewFunction(gopool.Code{Bytes: bytes.Clone(code), Convention: convention})
		f.Released, _ = receive(f.Value.(gopool.Code).Bytes, convention&conventionMentioning != 0, convention&conventionLent != 0)
		return f, true, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if f, ok := p.functions[reference{string(code), convention}]; ok {
		return f, false, nil
	}
	var value any = gopool.Code{Bytes: bytes.Clone(code), Convention: convention}
	if isGo {
		if value, err = p.goFunction(value.(gopool.Code)); err != nil {
			return nil, false, err
		}
	}
	if len(p.functions) == maxFunctions {
		for _, old := range p.functions {
			p.Pool.Release(old)
		}
		clear(p.functions)
	}
	f = p.NewFunction(value)
	p.functions[reference{string(code), convention}] = f
	return f, false, nil
}
