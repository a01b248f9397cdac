package gopool

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestProcess(t *testing.T) {
	c := newCrew(t, 2, "serve", Options{})
	t.Run("runs many tasks, each once", func(t *testing.T) {
		arguments := bytes.Repeat([]byte{0, 2, 3, 4, 5}, 4000)
		results, lost := c.wait(c.submit("echo", 1, arguments...))
		require.Empty(t, lost)
		require.Len(t, results, len(arguments))
		for i, r := range results {
			require.Equal(t, string(arguments[i]), r)
		}
	})
	t.Run("results larger than any buffer come whole", func(t *testing.T) {
		results, _ := c.wait(c.submit("large", 1, 0, 1, 2))
		for i, letter := range []string{"a", "b", "c"} {
			require.Equal(t, strings.Repeat(letter, 300_000), results[i])
		}
	})
	t.Run("a batch larger than any buffer comes whole", func(t *testing.T) {
		arguments := append(bytes.Repeat([]byte{7}, 1<<20), 9)
		f := c.pool.NewFunction(Code{Bytes: []byte("echo")})
		defer c.pool.Release(f)
		j, err := c.pool.Submit(f, 1, nil, true, &Batch{Data: arguments, Count: 3})
		require.NoError(t, err)
		results, _ := c.wait(j)
		require.Equal(t, map[int]string{0: "\a", 1: "\a", 2: "\a"}, results)
	})
	t.Run("Close lets the processes exit by themselves", func(t *testing.T) {
		c.pool.Close()
		join(t, c.pool)
		require.Equal(t, []int{0, 0}, c.exits)
	})
}

func TestProcessLingers(t *testing.T) {
	lingering := func(t *testing.T) (c *crew, letGo *os.File) {
		hold, letGo, err := os.Pipe()
		require.NoError(t, err)
		t.Cleanup(func() {
			_ = letGo.Close()
			require.NoError(t, hold.Close())
		})
		c = newCrew(t, 1, "lingers", Options{}, hold, nil)
		c.wait(c.submit("echo", 1, 0))
		w := c.pool.members[0].worker.(*process)
		c.pool.Close()
		eventually(t, "the end of the socket", func() bool {
			w.out.mu.Lock()
			defer w.out.mu.Unlock()
			return w.out.ended
		})
		return c, letGo
	}
	t.Run("a worker that was told to stop is waited for until its process has ended", func(t *testing.T) {
		c, letGo := lingering(t)
		require.NoError(t, letGo.Close())
		join(t, c.pool)
		require.Equal(t, []int{5}, c.exits)
	})
	t.Run("unless the pool is terminated", func(t *testing.T) {
		c, _ := lingering(t)
		c.pool.Terminate()
		join(t, c.pool)
		require.Equal(t, []int{-9}, c.exits)
	})
}

func TestProcessTerminate(t *testing.T) {
	t.Run("ends a worker that is in a task", func(t *testing.T) {
		c := newCrew(t, 2, "serve", Options{})
		j := c.submit("hang", 1, 1, 1, 1, 1)
		c.pool.Terminate()
		require.ErrorIs(t, j.Err(), ErrTerminated)
		join(t, c.pool)
	})
	t.Run("ends a writer that waits for a worker that does not read", func(t *testing.T) {
		c := newCrew(t, 1, "deaf", Options{})
		eventually(t, "the worker", func() bool { return !c.pool.Busy(1) })
		f := c.pool.NewFunction(Code{})
		j, err := c.pool.Submit(f, 1, nil, true, &Batch{Data: make([]byte, 16<<20), Count: 1})
		require.NoError(t, err)
		w := c.pool.members[0].worker.(*process)
		eventually(t, "the writer", func() bool {
			w.out.mu.Lock()
			defer w.out.mu.Unlock()
			return w.out.owned
		})
		c.pool.Terminate()
		require.ErrorIs(t, j.Err(), ErrTerminated)
		join(t, c.pool)
	})
}

func TestProcessesLeaveNothing(t *testing.T) {
	use := func() {
		c := newCrew(t, 3, "serve", Options{})
		c.wait(c.submit("die", 1, 0, 1, 2, 1))
		_, err := c.pool.Call(c.pool.NewFunction(Code{Bytes: []byte("echo")}), &Batch{Data: []byte{3}, Count: 1}, time.Now().Add(limit))
		require.NoError(t, err)
		c.pool.Close()
		join(t, c.pool)
		c.ended.Wait()
	}
	use() // what the runtime opens once
	descriptors, goroutines := open(t), goleak.IgnoreCurrent()
	for range 3 {
		use()
	}
	require.Equal(t, descriptors, open(t))
	goleak.VerifyNone(t, goroutines)
}

func TestNewProcess(t *testing.T) {
	t.Run("of a page that can't be mapped is an error", func(t *testing.T) {
		_, err := NewProcess(-1, -1, os.Getpid(), nil)
		require.ErrorIs(t, err, unix.EBADF)
	})
	t.Run("of a process that has ended is one that is gone at once", func(t *testing.T) {
		c := newCrew(t, 1, "serve", Options{})
		cmd := c.workers[1]
		c.pool.Close()
		join(t, c.pool)
		p := New(Options{MaxFailedStarts: 2})
		socket, shared, peer := processEnds(t)
		w, err := NewProcess(socket, shared, cmd.Process.Pid, nil)
		require.NoError(t, err)
		id, err := p.Attach(w)
		require.NoError(t, err)
		require.Equal(t, Event{WorkerGone, id}, p.Next())
		require.True(t, p.Exited(id, 1))
		require.NoError(t, unix.Close(peer))
		p.Close()
		join(t, p)
	})
	t.Run("is released with its descriptors if the pool does not want it", func(t *testing.T) {
		p := New(Options{})
		p.Close()
		socket, shared, peer := processEnds(t)
		before := open(t)
		w, err := NewProcess(socket, shared, os.Getpid(), nil)
		require.NoError(t, err)
		_, err = p.Attach(w)
		require.Error(t, err)
		require.Equal(t, before-1, open(t), "the socket is closed, the page's descriptor is not")
		require.NoError(t, unix.Close(peer))
	})
}

// processEnds returns what NewProcess wants, and the worker's end of the socket.
func processEnds(t *testing.T) (socket, shared, peer int) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	shared, err = unix.MemfdCreate("page", unix.MFD_CLOEXEC)
	require.NoError(t, err)
	require.NoError(t, unix.Ftruncate(shared, PageSize))
	t.Cleanup(func() { _ = unix.Close(shared) })
	return fds[0], shared, fds[1]
}

func TestProcessCall(t *testing.T) {
	c := newCrew(t, 2, "serve", Options{})
	call := func(function string, argument byte, within time.Duration) *Job {
		f := c.pool.NewFunction(Code{Bytes: []byte(function)})
		defer c.pool.Release(f)
		j, err := c.pool.Call(f, &Batch{Data: []byte{argument}, Count: 1}, time.Now().Add(within))
		require.NoError(t, err)
		return j
	}
	t.Run("returns with the result", func(t *testing.T) {
		for i := range byte(100) {
			j := call("echo", i, limit)
			require.True(t, j.Done())
			results, _ := unpack(t, j)
			require.Equal(t, string([]byte{i}), results[0])
		}
	})
	t.Run("leaves a large result to the reader goroutine", func(t *testing.T) {
		j := call("large", 0, limit)
		require.True(t, j.Done())
		results, _ := unpack(t, j)
		require.Len(t, results[0], 300_000)
	})
	t.Run("ends when the worker dies", func(t *testing.T) {
		for _, function := range []string{"die", "rubbish", "lie"} {
			j := call(function, 1, limit)
			require.True(t, j.Done())
			_, lost := unpack(t, j)
			require.Equal(t, -9, lost[0].Exit)
		}
	})
	t.Run("by many callers, each gets its own", func(t *testing.T) {
		var callers sync.WaitGroup
		for n := range byte(8) {
			callers.Go(func() {
				for range 50 {
					j := call("echo", n+2, limit)
					require.True(t, j.Done())
					results, _ := unpack(t, j)
					require.Equal(t, string([]byte{n + 2}), results[0])
				}
			})
		}
		callers.Wait()
	})
	t.Run("no longer than until the deadline", func(t *testing.T) {
		j := call("hang", 1, 20*time.Millisecond)
		require.False(t, j.Done())
		results, _ := c.wait(c.submit("echo", 1, 5))
		require.Len(t, results, 1, "the other worker works on")
		c.kill()
		_, lost := c.wait(j)
		require.Contains(t, lost, 0, "the reader goroutine has taken over")
	})
}
