package bridge

import (
	"fmt"
	"time"

	"github.com/gopool/gopool/gopool"
	"github.com/gopool/gopool/gopool/bridge/foreign"
	"github.com/gopool/gopool/gopool/wire"
)

// A pool of goroutines calls Go functions of users' packages, and nothing else. What
// Python sends for them:
//
//	code        the addresses of gopool_run, gopool_cancel and gopool_release, and the
//	            function's number in its package; 8 bytes each
//	convention  conventionGo, and bits that are not all 0 if an item is an array of all
//	            arguments, and not the only one
//	batch       the kind of the items (gopool/gofunc/call.h), a token or 0; 8 bytes each;
//	            then the items: msgpack, or a column, or first and step of a range
//
// With a token, items name memory of Python's. NextDone returns the token when no goroutine
// reads it any more.
const (
	conventionGo  = 32
	conventionHow = 3
)

// goFunction is the Value of a Function of such a pool.
type goFunction struct {
	*foreign.Function
	code gopool.Code
	pool *pool
}

// goroutines are the workers of such a pool.
type goroutines struct {
	*gopool.Runners
	ended chan struct{} // closed when there are none, and will be none
}

// StartGoroutines has a pool run Go functions in count goroutines. Once, and before
// anything is submitted.
func StartGoroutines(handle, count int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		g := &goroutines{gopool.NewRunners(p.Pool), make(chan struct{})}
		if !p.goroutines.CompareAndSwap(nil, g) {
			return statusMalformed
		}
		p.done.hold()
		err := g.Start(int(count))
		if err != nil {
			p.Pool.Break(err)
		}
		go func() {
			g.Serve()
			p.done.close()
			close(g.ended)
		}()
		if err != nil {
			return statusOf(err)
		}
		return 0
	})
}

// withGoroutines calls f with the goroutines of a pool, if it has any.
func withGoroutines(handle int64, f func(*goroutines) int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		g := p.goroutines.Load()
		if g == nil {
			return statusUnknown
		}
		return f(g)
	})
}

// AwaitFinished blocks until a pool that was closed or terminated has no goroutines but
// those that were abandoned, at most timeout ms (below 0: without end).
func AwaitFinished(handle, timeout int64) int64 {
	return withGoroutines(handle, func(g *goroutines) int64 {
		var expired <-chan time.Time // never, if there is no such
		if timeout >= 0 {
			expired = time.After(time.Duration(timeout) * time.Millisecond)
		}
		select {
		case <-g.ended:
			return 0
		case <-expired:
			return statusTimeout
		}
	})
}

// Abandoned returns how many goroutines the pool has given up that are still in a call.
func Abandoned(handle int64) int64 {
	return withGoroutines(handle, func(g *goroutines) int64 { return int64(len(g.Strays())) })
}

// goFunction returns the Value of the function that code stands for.
func (p *pool) goFunction(code gopool.Code) (*goFunction, error) {
	how := code.Convention & conventionHow
	if code.Convention != conventionGo|how {
		return nil, fmt.Errorf("%w: convention %d of a Go function", wire.ErrMalformed, code.Convention)
	}
	f, err := foreign.NewFunction(code.Bytes, how != 0)
	if err != nil {
		return nil, err
	}
	return &goFunction{f, code, p}, nil
}

// batch returns the batch that Python has sent for the function.
func (f *goFunction) batch(data []byte, count, index int64) (*gopool.Batch, error) {
	items, err := foreign.NewItems(data, int(count))
	if err != nil {
		return nil, err
	}
	b := &gopool.Batch{Data: items, Count: int(count), Index: int(index), Size: items.Size}
	if items.Token != 0 {
		b.Settled = func() { f.pool.done.pushToken(items.Token) }
	}
	return b, nil
}
