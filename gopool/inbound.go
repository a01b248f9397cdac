package gopool

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gopool/gopool/gopool/wire"
)

// inbound decides who reads a worker's socket: one goroutine at a time, called
// the leader (leader/followers; Schmidt et al., 2000). By default that is the
// reader goroutine. A goroutine that waits for the one task that the worker
// has can lead instead: then the worker's answer wakes it and no other thread,
// and a round trip costs little more than the system calls. While a worker has
// nothing to report, nobody leads.
type inbound struct {
	socket *arrival
	frames *wire.Reader
	handle func(wire.Frame) error // with what the leader has read
	more   func() bool            // the worker has something to report
	failed error                  // what ended the reading; the leader's
	// until, if it is not zero, is when a goroutine that leads for a caller has to
	// stop. It then waits in read, and nobody in the poller. The leader's.
	until   time.Time
	timeout time.Duration // of the socket's reads, as it was set last; the leader's

	mu  sync.Mutex
	due sync.Cond // for serve: wanted and not led
	// wanted: there is or will be something to read. Whoever gives the worker
	// something to report sets it, unless it leads.
	wanted bool
	led    bool
	ended  bool // the end of the socket is to be read
}

func (in *inbound) init(socket *arrival, handle func(wire.Frame) error, more func() bool) {
	in.socket, in.frames = socket, wire.NewReader(&packets{in: in})
	in.handle, in.more = handle, more
	in.wanted = true // a worker reports first
	in.due.L = &in.mu
}

// attend sees to it that what the worker reports is read.
func (in *inbound) attend() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.wanted = true
	if !in.led {
		in.due.Signal()
	}
}

// end is attend for good: the socket has been shut. It needs its own mark, as
// the worker need not have anything to report, which is what yield goes by.
func (in *inbound) end() {
	in.mu.Lock()
	in.ended = true
	in.mu.Unlock()
	in.attend()
}

// serve is the reader goroutine. It returns when the socket has come to its end
// or has said what can't be believed.
func (in *inbound) serve() {
	for {
		in.mu.Lock()
		for !in.wanted || in.led {
			in.due.Wait()
		}
		in.led = true
		in.mu.Unlock()
		for again := true; again; again = !in.yield() {
			if in.next() != nil {
				return // led for ever: nobody else need read
			}
		}
	}
}

// yield gives up the lead if there is nothing to read, and tells whether it
// did. A task that is granted after more was asked sets wanted again, one that
// was granted before is seen by more: none goes unread.
func (in *inbound) yield() bool {
	in.mu.Lock()
	in.wanted = false
	in.mu.Unlock()
	more := in.more()
	in.mu.Lock()
	defer in.mu.Unlock()
	in.wanted = in.wanted || more || in.ended
	in.led = in.wanted
	return !in.led
}

// lead reads what the worker reports until done, at most until the deadline.
// Where somebody else leads, or a report is too large to be read in one go, it
// leaves reading to the reader goroutine and tells so.
func (in *inbound) lead(done func() bool, deadline time.Time) (led bool) {
	in.mu.Lock()
	if in.led {
		in.wanted = true
		in.mu.Unlock()
		return false
	}
	in.led = true
	in.mu.Unlock()
	led = in.read(done, deadline)
	if !in.yield() {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.led = false
		in.due.Signal()
	}
	return led
}

func (in *inbound) read(done func() bool, deadline time.Time) bool {
	in.until = deadline
	defer func() { in.until = time.Time{} }()
	for !done() {
		for !in.frames.Whole() {
			if in.frames.Large() || in.frames.Fill() != nil {
				return false
			}
		}
		if in.next() != nil {
			in.socket.shut()
			return false // the reader goroutine finds the error, and ends
		}
	}
	return true
}

// next takes in one frame. After an error nothing more is read: what comes
// behind it would be no better.
func (in *inbound) next() error {
	if in.failed == nil {
		var frame wire.Frame
		if frame, in.failed = in.frames.Next(); in.failed == nil {
			in.failed = in.handle(frame)
		}
	}
	return in.failed
}

// Read implements io.Reader, for the frames.
func (in *inbound) Read(p []byte) (int, error) {
	if in.until.IsZero() {
		return in.socket.Read(p)
	}
	for {
		left := time.Until(in.until)
		if left <= 0 {
			return 0, os.ErrDeadlineExceeded
		}
		// Rounded, it seldom changes: callers wait for as long each time.
		if timeout := left.Truncate(time.Millisecond) + time.Millisecond; timeout != in.timeout {
			if err := in.socket.limit(timeout); err != nil {
				return 0, err
			}
			in.timeout = timeout
		}
		// A program may get signals more often than this takes: they must not put it off.
		if n, err := in.socket.read(p); err != unix.EINTR {
			return n, err
		}
	}
}
