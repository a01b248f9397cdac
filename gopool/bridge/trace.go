package bridge

import (
	"encoding/binary"
	"errors"
	"os"
	"syscall"

	"github.com/gopool/gopool/gopool"
)

// trace is a timeline that a goroutine of its own writes to a file. What functions
// are called only Python knows: it asks to be asked, with NextUnnamed.
type trace struct {
	*gopool.Trace
	unnamed chan *gopool.Function // closed when the file is
	names   chan string
	err     error // of writing; to be read when unnamed has been closed
}

var traces table[*trace]

// StartTrace begins a timeline of the pool, to be known by number from now on, in
// the file behind the descriptor fd, which becomes Go's unless a status is returned.
// It returns 1, and does nothing, if there is one already.
func StartTrace(handle, number, fd int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		started, err := p.Pool.StartTrace()
		if errors.Is(err, gopool.ErrTraced) {
			return 1
		}
		if err != nil {
			return statusOf(err)
		}
		t := &trace{Trace: started, unnamed: make(chan *gopool.Function), names: make(chan string)}
		traces.put(number, t)
		go t.write(os.NewFile(uintptr(fd), "trace"))
		return 0
	})
}

func (t *trace) write(file *os.File) {
	t.err = t.Write(file, func(f *gopool.Function) string {
		t.unnamed <- f
		return <-t.names
	})
	t.err = errors.Join(t.err, file.Close())
	close(t.unnamed)
}

// StopTrace ends a timeline. What is left of it is still written.
func StopTrace(number int64) int64 {
	return guard(func() int64 {
		t, ok := traces.find(number)
		if !ok {
			return statusUnknown
		}
		t.Stop()
		return 0
	})
}

// NextUnnamed takes the name of the function that it returned last, which is in the
// first size bytes of the exchange, and blocks for the next that has none. It writes
// that into the exchange (appendFunction) and returns the size of it. 0 is the end:
// the file is complete. If it could not be written, the first word of the exchange
// is the system's number of the error, and a status is returned.
func NextUnnamed(number, exchange, size int64) int64 {
	return guard(func() int64 {
		t, ok := traces.find(number)
		memory, known := exchanges.find(exchange)
		if !ok || !known {
			return statusUnknown
		}
		if size > 0 {
			t.names <- string(memory[:size])
		}
		f, ok := <-t.unnamed
		if ok {
			function := appendFunction(nil, f)
			return int64(copy(memory, function[:min(len(function), len(memory))]))
		}
		traces.drop(number)
		if t.err == nil {
			return 0
		}
		var number syscall.Errno
		errors.As(t.err, &number)
		binary.LittleEndian.PutUint64(memory, uint64(number))
		return statusSystem
	})
}
