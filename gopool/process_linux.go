package gopool

import (
	"os"

	"golang.org/x/sys/unix"
)

// openProcess returns a descriptor that becomes readable when the process ends,
// or nil if the system has none (Linux before 5.3, some sandboxes): end of file
// on the socket then has to tell. ended is true if there is no such process.
func openProcess(pid int) (death *os.File, ended bool) {
	fd, err := unix.PidfdOpen(pid, unix.O_NONBLOCK)
	if err != nil {
		return nil, err == unix.ESRCH
	}
	return os.NewFile(uintptr(fd), "pidfd"), false
}

// awaitReadable blocks until f is readable or closed.
func awaitReadable(f *os.File) {
	conn, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Read(func(fd uintptr) bool {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(poll, 0)
		return n > 0 || err != nil && err != unix.EINTR
	})
}
