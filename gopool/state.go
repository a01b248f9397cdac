package gopool

import "fmt"

// state is where a pool is in its life. All transitions are in this file.
//
//	running ──Close──▶ closed ──────────┐
//	   │                  │             ├──▶ finished (no worker left)
//	   └──Terminate/break─┴─▶ terminated┘
type state int

const (
	running state = iota
	closed
	terminated
	finished
)

var stateNames = [...]string{"running", "closed", "terminated", "finished"}

func (s state) String() string { return stateNames[s] }

// accepts tells whether new jobs may come.
func (s state) accepts() bool { return s == running }

// works tells whether tasks are still handed out.
func (s state) works() bool { return s == running || s == closed }

// advance moves to the next state if the diagram has the arrow and tells
// whether it did. Staying where one is is no move and no mistake.
func (s *state) advance(next state) bool {
	legal := next > *s && !(next == finished && *s == running)
	if legal {
		*s = next
	}
	return legal
}

// NotRunningError is returned where a pool that has left the running state is
// asked for new work.
type NotRunningError struct {
	// Cause is what broke the pool, or nil if it was closed or terminated.
	Cause error
	state state
}

func (e *NotRunningError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("pool is broken: %v", e.Cause)
	}
	return "pool is " + e.state.String()
}

func (e *NotRunningError) Unwrap() error { return e.Cause }
