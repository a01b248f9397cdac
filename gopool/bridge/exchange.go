package bridge

import "golang.org/x/sys/unix"

// exchanges are pieces of memory that Python and Go both have mapped. Bytes
// cross in them, so that calls need pass no more than integers: no handle, no
// reference count, and no copy made by the generated code. One is used by one
// call at a time.
var exchanges table[[]byte]

// OpenExchange maps size bytes of the memory behind the descriptor fd, which
// stays the caller's. The exchange is known by number from now on.
func OpenExchange(number, fd, size int64) int64 {
	return guard(func() int64 {
		memory, err := unix.Mmap(int(fd), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			return statusSystem
		}
		exchanges.put(number, memory)
		return 0
	})
}

// CloseExchange unmaps it. A tray there ends: its owner may be collected after it.
func CloseExchange(exchange int64) int64 {
	return guard(func() int64 {
		if t, ok := lent.find(exchange); ok {
			t.end()
		}
		memory, ok := exchanges.drop(exchange)
		if !ok {
			return statusUnknown
		}
		if unix.Munmap(memory) != nil {
			return statusSystem
		}
		return 0
	})
}
