package bridge

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/gopool/gopool/gopool"
)

func TestUnknownHandles(t *testing.T) {
	e := newExchange(t, 4096)
	const none = 1 << 40
	for name, status := range map[string]int64{
		"Attach":        Attach(none, -1, -1, 1, 0),
		"NextEvent":     NextEvent(none),
		"Exited":        Exited(none, 1, 0),
		"Doing":         Doing(none, 1, e.handle),
		"Stats":         Stats(none, e.handle),
		"Progress":      Progress(none),
		"StartTrace":    StartTrace(none, 1, -1),
		"StopTrace":     StopTrace(none),
		"NextUnnamed":   NextUnnamed(none, e.handle, 0),
		"Explain":       Explain(none, 1, e.handle, 0),
		"Busy":          Busy(none, 1),
		"Close":         Close(none),
		"Terminate":     Terminate(none),
		"Dismiss":       Dismiss(none, 1),
		"Break":         Break(none, e.handle, 0),
		"Cause":         Cause(none, e.handle),
		"Release":       Release(none),
		"Submit":        Submit(none, 1, e.handle, 0, 0, 0, 0, 1, 0, 0),
		"Add":           Add(none, e.handle, 0, 0, 0),
		"Seal":          Seal(none),
		"Wait":          waitDone(none, 0),
		"Collect":       collect(none, 0, 1, 0, e.handle),
		"NextDone":      NextDone(none),
		"EndDone":       EndDone(none),
		"CloseExchange": CloseExchange(none),
	} {
		require.Equal(t, int64(statusUnknown), status, name)
	}
	require.Zero(t, Forget(none), "to forget what is forgotten is no mistake")

	t.Run("of an exchange", func(t *testing.T) {
		p := newPool(t)
		require.Equal(t, int64(statusUnknown), Submit(p, 1, none, 0, 0, 0, 0, 1, 0, 0))
		require.Equal(t, int64(statusUnknown), Break(p, none, 0))
		require.Equal(t, int64(statusUnknown), Cause(p, none))
		require.Equal(t, int64(statusUnknown), Stats(p, none))
		j := e.submit(p, "f", "", 0, 1, 0)
		require.Equal(t, int64(statusUnknown), Add(j, none, 0, 0, 0))
		require.Equal(t, int64(statusUnknown), Collect(j, 0, none))
		require.Zero(t, Forget(j))
		finish(t, p)
	})
}

func TestAttach(t *testing.T) {
	t.Run("takes the socket, also where it fails", func(t *testing.T) {
		p := newPool(t)
		closes := func(page int64, want int64) {
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			require.NoError(t, err)
			require.Equal(t, want, Attach(p, int64(fds[0]), page, int64(os.Getpid()), 0))
			n, err := unix.Read(fds[1], make([]byte, 1))
			require.NoError(t, err)
			require.Zero(t, n, "end of file")
			require.NoError(t, unix.Close(fds[1]))
		}
		closes(-1, statusSystem)
		page := memfd(t, gopool.PageSize)
		require.Zero(t, Close(p))
		closes(int64(page.Fd()), statusNotRunning)
		finish(t, p)
	})
}

func TestEvents(t *testing.T) {
	p := newPool(t)
	w := attach(t, p)
	require.Equal(t, int64(0), Busy(p, w.number))
	e := newExchange(t, 4096)
	j := e.submit(p, "f", "x", 1, 1, flagSealed)
	w.grant()
	require.NoError(t, w.socket.Close())
	require.Equal(t, int64(gopool.WorkerGone)<<32|w.number, NextEvent(p))
	require.Equal(t, int64(1), Busy(p, w.number))
	require.Equal(t, int64(1), Exited(p, w.number, 0))
	require.Equal(t, int64(0), Exited(p, w.number, 0))
	require.Zero(t, Terminate(p))
	require.Equal(t, int64(gopool.StopAll)<<32, NextEvent(p))
	require.Equal(t, int64(gopool.Finished)<<32, NextEvent(p))
	require.Equal(t, int64(statusTerminated), collect(j, 0, 1, -1, e.handle))
	require.Zero(t, Forget(j))
	require.Zero(t, Release(p))
	for range w.frames {
	}
}

func TestBreak(t *testing.T) {
	p, e := newPool(t), newExchange(t, 4096)
	require.Zero(t, Cause(p, e.handle))
	j := e.submit(p, "f", "x", 1, 1, flagSealed)
	require.Equal(t, int64(len("no memory")), int64(copy(e.memory, "no memory")))
	require.Zero(t, Break(p, e.handle, int64(len("no memory"))))
	clear(e.memory)
	require.Equal(t, int64(len("no memory")), Cause(p, e.handle))
	require.Equal(t, "no memory", string(e.memory[:len("no memory")]))
	require.Equal(t, int64(statusBroken), collect(j, 0, 1, -1, e.handle))
	require.Equal(t, int64(statusBroken), e.submit(p, "f", "x", 1, 1, flagSealed))
	require.Zero(t, Forget(j))
	finish(t, p)
}

func TestHandles(t *testing.T) {
	before, goroutines := Handles(), Goroutines()
	p, e := newPool(t), newExchange(t, 4096)
	w := attach(t, p)
	j := e.submit(p, "f", "x", 1, 1, flagSealed)
	require.Equal(t, before+3, Handles())
	first, _ := w.grant()
	w.report(first, "y")
	e.collect(t, j, 1)
	require.Equal(t, before+2, Handles(), "a job that was forgotten has no handle")
	finish(t, p, w)
	require.Equal(t, before+1, Handles())
	require.Eventually(t, func() bool { return Goroutines() <= goroutines+1 }, limit*time.Millisecond, time.Millisecond)
}

func TestFunctions(t *testing.T) {
	p, e := newPool(t), newExchange(t, 4096)
	w := attach(t, p)
	run := func(code string, convention, flags int64) {
		copy(e.memory, code+"x")
		j := lastJob.Add(1)
		require.Zero(t, Submit(p, j, e.handle, int64(len(code)), convention, 1, 1, 1, flagSealed|flags, 0))
		first, _ := w.grant()
		w.report(first, "y")
		e.collect(t, j, 1)
	}
	for range 3 {
		run("same", 0, flagByReference) // told once
		run("same", 1, flagByReference) // by another convention: once
	}
	for range 2 {
		run("own", 0, 0) // each time
	}
	run("other", 0, flagByReference)
	require.Equal(t, int32(5), w.functions.Load())

	t.Run("too many by reference are forgotten, and told again", func(t *testing.T) {
		for i := range maxFunctions {
			run(fmt.Sprint(i), 0, flagByReference)
		}
		w.functions.Store(0)
		run("same", 0, flagByReference)
		require.Equal(t, int32(1), w.functions.Load())
	})
	finish(t, p, w)
}
