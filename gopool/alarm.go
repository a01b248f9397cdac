package gopool

import "time"

// alarm is a timer that is made when it is first set.
type alarm struct{ timer *time.Timer }

// set has f called in a goroutine of its own after that time, and not when it was
// to be called before.
func (a *alarm) set(wait time.Duration, f func()) {
	if a.timer == nil {
		a.timer = time.AfterFunc(wait, f)
		return
	}
	a.timer.Reset(wait)
}

// stop has nothing called, until the alarm is set again.
func (a *alarm) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}
