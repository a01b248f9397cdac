package gopool

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// arrival reads a stream and waits in Go's network poller where there is
// nothing to read, so that no thread has to. The socket itself is not
// registered there, or the poller's thread would wake for each answer, also
// for those that a leader reads (inbound): it is in an epoll instance of its
// own, which who is about to wait arms for one event.
type arrival struct {
	stream
	epoll *os.File
	added bool // the socket is in it: from the first wait on
}

func newArrival(s stream) (*arrival, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	_ = unix.SetNonblock(fd, true) // or NewFile would not have it polled
	return &arrival{stream: s, epoll: os.NewFile(uintptr(fd), "epoll")}, nil
}

// Read implements io.Reader. It blocks; shut ends it.
func (a *arrival) Read(p []byte) (int, error) {
	for {
		n, _, err := unix.Recvfrom(int(a.stream), p, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EAGAIN:
			if err := a.wait(); err != nil {
				return 0, err
			}
		case err == unix.EINTR || err == unix.ECONNRESET: // as in stream.Read
		case err != nil:
			return 0, os.NewSyscallError("recv", err)
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// wait blocks until there may be something to read.
func (a *arrival) wait() error {
	conn, err := a.epoll.SyscallConn()
	if err != nil {
		return err
	}
	armed := false
	return conn.Read(func(epoll uintptr) bool {
		if !armed {
			// The poller listens by now, so the event can't come before.
			armed = true
			return a.arm(int(epoll)) != nil
		}
		// Only an event that has been fetched disarms, and can come again.
		for {
			n, err := unix.EpollWait(int(epoll), make([]unix.EpollEvent, 1), 0)
			if err != unix.EINTR {
				return n > 0 || err != nil
			}
		}
	})
}

// arm asks for one event. The socket is added no sooner than this: the end of
// the stream is an event that even a socket without others reports, and one
// that nobody waited for would hide the next.
func (a *arrival) arm(epoll int) error {
	operation := unix.EPOLL_CTL_MOD
	if !a.added {
		operation, a.added = unix.EPOLL_CTL_ADD, true
	}
	once := &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT}
	return unix.EpollCtl(epoll, operation, int(a.stream), once)
}

// release lets the poller forget it. Nobody may be reading any more.
func (a *arrival) release() { _ = a.epoll.Close() }
