package gopool

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Segment is the outcome of Count tasks of a job, from Index on: those from
// Skip on in Payload.
type Segment struct {
	Index   int
	Count   int
	Skip    int
	Payload any // []Outcome, wire.Outcomes, Local, Lost, or Cancelled

	loans *loans // that the payload names; nil: none
	lent  int    // bytes of those that are the segment's
}

// discard lets go of a segment: nobody will read it, or not again.
func (s Segment) discard() { s.loans.giveBack(s.Skip, s.Count) }

// Local is the payload of tasks whose outcomes are with the program that asked
// for them, and not here.
type Local struct{}

// Lost is the payload of a task that ended with its worker.
type Lost struct {
	Worker int
	Exit   int // exit code, or minus the number of the signal
	// Limit is not 0 if the worker was killed because the task ran longer.
	Limit time.Duration
	// Retries is how often the task had been run again.
	Retries int
	// Details is what the program that waited for the worker has said of its end.
	Details string
}

// UnknownExit is the Exit of a worker of which nobody knows how it ended.
const UnknownExit = 1 << 16

// String says how the worker ended.
func (l Lost) String() string {
	if l.Exit == UnknownExit {
		return "ended"
	}
	if l.Exit >= 0 {
		return fmt.Sprintf("exited with code %d", l.Exit)
	}
	if name := unix.SignalName(unix.Signal(-l.Exit)); name != "" {
		return "was killed by " + name
	}
	return fmt.Sprintf("was killed by signal %d", -l.Exit)
}

// LostError is the error of a task that ended with its worker.
type LostError struct{ Lost }

func (e *LostError) Error() string {
	if e.Limit > 0 {
		return fmt.Sprintf("the task ran longer than %v, and was ended with worker %d", e.Limit, e.Worker)
	}
	return fmt.Sprintf("worker %d %s while it ran the task", e.Worker, e.Lost)
}
