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
}

func newArrival(s stream) (*arrival, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	unarmed := &unix.EpollEvent{Events: unix.EPOLLONESHOT}
	if err := unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, int(s), unarmed); err != nil {
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	_ = unix.SetNonblock(fd, true) // or NewFile would not have it polled
	return &arrival{s, os.NewFile(uintptr(fd), "epoll")}, nil
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
		case err == unix.EINTR:
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
			once := &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT}
			return unix.EpollCtl(int(epoll), unix.EPOLL_CTL_MOD, int(a.stream), once) != nil
		}
		// Only an event that has been fetched disarms, and can come again.
		n, err := unix.EpollWait(int(epoll), make([]unix.EpollEvent, 1), 0)
		return n > 0 || err != nil && err != unix.EINTR
	})
}

// release lets the poller forget it. Nobody may be reading any more.
func (a *arrival) release() { _ = a.epoll.Close() }
