package gopool

import (
	"time"

	"golang.org/x/sys/unix"
)

// clock returns the time in ns by the clock that worker processes read as well:
// CLOCK_MONOTONIC. It is Go's own, which says how long ago something was and not
// what it shows.
func clock() uint64 { return zero + uint64(time.Since(loaded)) }

var loaded, zero = time.Now(), monotonic()

func monotonic() uint64 {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) != nil {
		return 0
	}
	return uint64(now.Nano())
}
