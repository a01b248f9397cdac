package gopool

import (
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/gopool/gopool/gopool/wire"
)

// crew owns the worker processes of a pool: it starts, reaps and replaces them,
// as python/gopool/_supervisor.py does.
type crew struct {
	t      *testing.T
	pool   *Pool
	script string
	hold   [2]*os.File // see workerHold, workerHeld; nil unless a child is expected
	ended  sync.WaitGroup

	mu      sync.Mutex
	workers map[int]*exec.Cmd
	exits   []int // of those that have ended
}

// newCrew starts a pool of n processes. It is terminated when the test ends.
func newCrew(t *testing.T, n int, script string, options Options, hold ...*os.File) *crew {
	t.Helper()
	c := &crew{t: t, pool: New(options), script: script, workers: map[int]*exec.Cmd{}}
	copy(c.hold[:], hold)
	for range n {
		require.NoError(t, c.start(0))
	}
	c.ended.Go(c.supervise)
	t.Cleanup(func() {
		c.pool.Terminate()
		join(t, c.pool)
		c.ended.Wait()
	})
	return c
}

// start starts a worker, in the place of one that retires if that is not 0.
func (c *crew) start(retiring int) error {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	memory, err := unix.MemfdCreate("page", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	theirs, shared := os.NewFile(uintptr(fds[1]), "socket"), os.NewFile(uintptr(memory), "page")
	defer theirs.Close()
	defer shared.Close()
	if err := shared.Truncate(PageSize); err != nil {
		return err
	}
	cmd := exec.Command(os.Args[0])
	// The race detector would have a process wait a second before it exits.
	cmd.Env = append(os.Environ(), workerEnv+"="+c.script, "GORACE=atexit_sleep_ms=0")
	cmd.ExtraFiles = []*os.File{theirs, shared, c.hold[0], c.hold[1]}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	worker, err := NewProcess(fds[0], memory, cmd.Process.Pid, nil)
	if err != nil {
		return err
	}
	if w := worker.(*process); c.script == "unwatched" { // as where the system has no pidfd
		_ = w.death.Close()
		w.death = nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	id, err := c.pool.Replace(retiring, worker)
	if err != nil { // the pool ended meanwhile
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil
	}
	c.workers[id] = cmd
	return nil
}

func (c *crew) supervise() {
	for {
		switch event := c.pool.Next(); event.Kind {
		case WorkerGone:
			c.mu.Lock()
			cmd := c.workers[event.Worker]
			delete(c.workers, event.Worker)
			c.mu.Unlock()
			exit := reap(cmd)
			c.mu.Lock()
			c.exits = append(c.exits, exit)
			c.mu.Unlock()
			if c.pool.Exited(event.Worker, exit) {
				c.replace(0)
			}
		case WorkerRetires:
			if c.pool.Wanted(event.Worker) {
				c.replace(event.Worker)
			}
		case StopAll:
			c.kill()
		case Finished:
			return
		}
	}
}

func (c *crew) replace(retiring int) {
	if err := c.start(retiring); err != nil {
		c.pool.Break(err)
	}
}

// reap waits for a process that can't be reached any more, and ends it if it is
// one that went on: those are the ones that said what can't be believed.
func reap(cmd *exec.Cmd) int {
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil); err == nil && info.Signo == 0 {
		_ = cmd.Process.Kill()
	}
	_ = cmd.Wait()
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return -int(status.Signal())
	}
	return status.ExitStatus()
}

// kill ends all workers.
func (c *crew) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cmd := range c.workers {
		_ = cmd.Process.Kill()
	}
}

// submit starts a job that calls the function of processworker_test.go with
// each byte, in chunks.
func (c *crew) submit(function string, chunk int, arguments ...byte) *Job {
	c.t.Helper()
	f := c.pool.NewFunction(Code{Bytes: []byte(function)})
	defer c.pool.Release(f)
	j, err := c.pool.Submit(f, chunk, nil, true, &Batch{Data: arguments, Count: len(arguments)})
	require.NoError(c.t, err)
	return j
}

// wait returns the results of a job by index, and what was lost.
func (c *crew) wait(j *Job) (results map[int]string, lost map[int]Lost) {
	c.t.Helper()
	require.True(c.t, j.Wait(within(c.t), 1<<30), "the job did not end")
	require.NoError(c.t, j.Err())
	return unpack(c.t, j)
}

func unpack(t *testing.T, j *Job) (results map[int]string, lost map[int]Lost) {
	t.Helper()
	results, lost = map[int]string{}, map[int]Lost{}
	for _, s := range j.Take() {
		if l, ok := s.Payload.(Lost); ok {
			require.Equal(t, 1, s.Count)
			lost[s.Index] = l
			continue
		}
		for i := range s.Count {
			o := s.Payload.(wire.Outcomes).Window(s.Skip+i, 1)
			_, twice := results[s.Index+i]
			require.False(t, twice, "a result came twice")
			results[s.Index+i] = string(o.Data)
		}
	}
	return results, lost
}

// open returns how many descriptors this process has.
func open(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(entries)
}
