package bridge

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/gopool/gopool/gopool"
	"github.com/gopool/gopool/gopool/wire"
)

// What a function returns when it has no result. python/gopool/_core.py has
// the same table and turns each into an exception. Anything lower than
// TooSmall's limit is minus the size of the exchange that would do.
const (
	statusTimeout    = -1 // nothing to collect in the time given
	statusNotRunning = -2 // closed or terminated
	statusTerminated = -3 // the job was outstanding when its pool was terminated
	statusBroken     = -4 // the pool is broken; Cause has the reason
	statusUnknown    = -5 // no such handle
	statusSystem     = -6 // a system call failed
	statusPanic      = -7 // a bug in gopool; the stack is on standard error
	statusCancelled  = -8 // the job was cancelled
	statusMalformed  = -9 // what was sent is not for workers of this kind
)

// ABI returns the version of this interface, for the Python side to compare.
func ABI() int64 { return 1 }

// guard runs f. A panic must not unwind into C: it would end the interpreter.
func guard(f func() int64) (status int64) {
	defer func() {
		if reason := recover(); reason != nil {
			fmt.Fprintf(os.Stderr, "gopool: internal error: %v\n%s", reason, debug.Stack())
			status = statusPanic
		}
	}()
	return f()
}

// statusOf names an error of the pool.
func statusOf(err error) int64 {
	var refused *gopool.NotRunningError
	switch {
	case errors.Is(err, gopool.ErrTerminated):
		return statusTerminated
	case errors.Is(err, gopool.ErrCancelled):
		return statusCancelled
	case errors.Is(err, wire.ErrMalformed):
		return statusMalformed
	case errors.As(err, &refused) && refused.Cause != nil:
		return statusBroken
	case errors.As(err, &refused):
		return statusNotRunning
	}
	return statusSystem
}
