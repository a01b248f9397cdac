package bridge

import (
	"encoding/binary"
	"io"
	"math"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/gopool/gopool/gopool"
	"github.com/gopool/gopool/gopool/wire"
)

// limit is how long a test waits for what must come, in ms. It only detects failure.
const limit = 20_000

// worker is the other end of a worker's socket, in this process. It keeps what
// it is sent; the test answers.
type worker struct {
	t      *testing.T
	number int64
	socket *os.File
	page   *os.File
	frames chan frame

	process *exec.Cmd // has its pid

	functions atomic.Int32 // that it was told
}

type frame struct {
	kind    wire.Kind
	aux     uint32
	payload []byte
}

func memfd(t *testing.T, size int64) *os.File {
	t.Helper()
	fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC)
	require.NoError(t, err)
	f := os.NewFile(uintptr(fd), "memfd")
	require.NoError(t, f.Truncate(size))
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// newPool returns a pool. It is ended and released, and its handle is the only
// thing left of it, when the test ends.
func newPool(t *testing.T) int64 {
	t.Helper()
	p := newNumber()
	require.Zero(t, NewPool(p, 0, 0, 0, 0))
	require.Positive(t, p)
	return p
}

// attach adds a worker that is ready. Gone, with its end of the socket closed,
// it is left to the caller's event loop.
func attach(t *testing.T, p int64) *worker {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, unix.SetNonblock(fds[1], true)) // so that Close ends a Read
	page := memfd(t, gopool.PageSize)
	w := &worker{t: t, socket: os.NewFile(uintptr(fds[1]), "socket"), page: page, frames: make(chan frame, 1000)}
	w.process = exec.Command("cat") // who leaves a pool is waited for
	_, err = w.process.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, w.process.Start())
	t.Cleanup(w.exit)
	w.number = Attach(p, int64(fds[0]), int64(page.Fd()), int64(w.process.Process.Pid), 0)
	require.Positive(t, w.number)
	go w.read()
	w.send(wire.AppendReady(nil))
	for deadline := time.Now().Add(limit * time.Millisecond); Busy(p, w.number) != 0; {
		require.True(t, time.Now().Before(deadline))
	}
	return w
}

// exit ends the process.
func (w *worker) exit() {
	_ = w.process.Process.Kill()
	_ = w.process.Wait()
}

func (w *worker) send(b []byte) {
	_, err := w.socket.Write(b)
	require.NoError(w.t, err)
}

// read keeps what the pool sends until the end of file.
func (w *worker) read() {
	defer close(w.frames)
	for {
		var header [16]byte
		if _, err := io.ReadFull(w.socket, header[:]); err != nil {
			return
		}
		f := frame{
			kind:    wire.Kind(binary.LittleEndian.Uint32(header[:])),
			aux:     binary.LittleEndian.Uint32(header[4:]),
			payload: make([]byte, binary.LittleEndian.Uint64(header[8:])),
		}
		if _, err := io.ReadFull(w.socket, f.payload); err != nil {
			return
		}
		if f.kind == wire.Function {
			w.functions.Add(1)
		}
		w.frames <- f
	}
}

// next returns the next frame of that kind, and passes over others.
func (w *worker) next(kind wire.Kind) frame {
	w.t.Helper()
	f, ok := w.within(kind, limit*time.Millisecond)
	require.True(w.t, ok, "waiting for a frame of kind %d", kind)
	return f
}

// soon does as next, but tells whether there is one before long.
func (w *worker) soon(kind wire.Kind) (frame, bool) {
	w.t.Helper()
	return w.within(kind, 50*time.Millisecond)
}

func (w *worker) within(kind wire.Kind, limit time.Duration) (frame, bool) {
	w.t.Helper()
	timeout := time.After(limit)
	for {
		select {
		case f, ok := <-w.frames:
			require.True(w.t, ok, "the socket has come to its end")
			if f.kind == kind {
				return f, true
			}
		case <-timeout:
			return frame{}, false
		}
	}
}

// start writes the number of the task that the worker is in to its page.
func (w *worker) start(number uint64) {
	_, err := w.page.WriteAt(binary.NativeEndian.AppendUint64(nil, number), 0)
	require.NoError(w.t, err)
}

// grant waits for tasks.
func (w *worker) grant() (first uint64, count int) {
	w.t.Helper()
	f := w.next(wire.Run)
	return binary.LittleEndian.Uint64(f.payload), int(binary.LittleEndian.Uint32(f.payload[28:]))
}

// report sends the outcomes of tasks from the number on.
func (w *worker) report(first uint64, records ...string) {
	o := wire.Outcomes{First: first, Count: len(records), Elapsed: time.Duration(len(records)) * 30 * time.Millisecond, Encoding: wire.Stream}
	for _, r := range records {
		o.Lengths = binary.LittleEndian.AppendUint64(o.Lengths, uint64(len(r)))
		o.Data = append(o.Data, r...)
	}
	w.send(wire.AppendOutcomes(nil, o))
}

// finish ends a pool whose workers are those, and releases it.
func finish(t *testing.T, p int64, workers ...*worker) {
	t.Helper()
	Terminate(p)
	for _, w := range workers {
		require.NoError(t, w.socket.Close())
		w.exit()
	}
	for {
		event := NextEvent(p)
		switch kind, number := gopool.EventKind(event>>32), event&(1<<32-1); kind {
		case gopool.WorkerGone:
			Exited(p, number, 0)
		case gopool.Finished:
			require.Zero(t, Release(p))
			for _, w := range workers {
				for range w.frames { // until its reader has ended
				}
			}
			return
		}
	}
}

// exchange is an exchange and this side's view of it.
type exchange struct {
	handle int64
	memory []byte
}

func newExchange(t *testing.T, size int64) exchange {
	t.Helper()
	f := memfd(t, size)
	handle := newNumber()
	require.Zero(t, OpenExchange(handle, int64(f.Fd()), size))
	require.Positive(t, handle)
	view, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, unix.Munmap(view))
		require.Contains(t, []int64{0, statusUnknown}, CloseExchange(handle))
	})
	return exchange{handle, view}
}

var lastJob atomic.Int64

// submit starts a job of the function code with one batch, and returns its
// number or a status.
func (e exchange) submit(p int64, code, batch string, count, chunk, flags int64) int64 {
	copy(e.memory, code+batch)
	number := lastJob.Add(1)
	status := Submit(p, number, e.handle, int64(len(code)), 0, int64(len(batch)), count, chunk, flags, 0)
	if status < 0 {
		return status
	}
	return number
}

// collect collects a job from its first segment on, and forgets it.
func (e exchange) collect(t *testing.T, job, want int64) []segment {
	t.Helper()
	used := collect(job, 0, want, limit, e.handle)
	require.Positive(t, used)
	require.Zero(t, Forget(job))
	return e.segments(used)
}

// segment is one segment that was collected.
type segment struct {
	index, count, skip, encoding int
	lengths                      []byte
	data                         string
}

// segments reads what Collect wrote.
func (e exchange) segments(used int64) (all []segment) {
	for b := e.memory[:used]; len(b) > 0; {
		word := func(i int) int { return int(binary.LittleEndian.Uint64(b[8*i:])) }
		s := segment{index: word(0), count: word(1), skip: word(2), encoding: word(3)}
		lengths, data := segmentHeader+word(4), segmentHeader+word(4)+word(5)
		s.lengths, s.data = b[segmentHeader:lengths:lengths], string(b[lengths:data])
		all = append(all, s)
		b = b[data:]
	}
	return all
}

var lastNumber atomic.Int64

// newNumber returns a number for an object, as Python chooses them.
func newNumber() int64 { return lastNumber.Add(1) }

// collect waits and collects, as Python does.
func collect(job, taken, want, timeout, exchange int64) int64 {
	if status := Wait(job, taken, want, timeout); status < 0 {
		return status
	}
	return Collect(job, taken, exchange)
}

// waitDone blocks until the job is done.
func waitDone(job, timeout int64) int64 { return Wait(job, 0, math.MaxInt64, timeout) }
