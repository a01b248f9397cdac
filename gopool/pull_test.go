package gopool

import (
	"encoding/binary"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// puller is a Puller and its thread's view of the page. The thread is a goroutine.
type puller struct {
	*Puller
	id   int
	page page
}

func newPuller(t *testing.T, p *Pool) *puller {
	t.Helper()
	fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC)
	require.NoError(t, err)
	file := os.NewFile(uintptr(fd), "page")
	defer func() { require.NoError(t, file.Close()) }()
	require.NoError(t, file.Truncate(PageSize))
	w, err := NewPuller(fd)
	require.NoError(t, err)
	view, err := mapPage(fd)
	require.NoError(t, err)
	t.Cleanup(view.release)
	id, err := p.Attach(w)
	require.NoError(t, err)
	return &puller{w, id, view}
}

// serve does as a thread of Python's, until it is told to end.
func (w *puller) serve(p *Pool, run func(index int)) {
	ran := 0
	for {
		g, ok := w.Pull(ran, time.Duration(ran)*time.Microsecond)
		if !ok {
			break
		}
		for ran = 0; ran < g.Count; ran++ {
			number := g.Sequence + uint64(ran)
			w.page.slot(slotStarted).Swap(number)
			if w.page.slot(slotRecalled).Load() <= number {
				break
			}
			run(g.Batch.Index + g.Offset + ran)
		}
	}
	p.Exited(w.id, 0)
}

// pulled calls Pull in a goroutine of its own.
func (w *puller) pulled(ran int) <-chan Grant {
	c := make(chan Grant, 1)
	go func() {
		g, _ := w.Pull(ran, time.Duration(ran)*time.Microsecond)
		c <- g
	}()
	return c
}

// end ends a pool whose thread waits, or will wait, for what c gives.
func (w *puller) end(t *testing.T, p *Pool, c <-chan Grant) {
	t.Helper()
	p.Terminate()
	require.Zero(t, await(t, c, "the end"))
	p.Exited(w.id, 0)
	join(t, p)
}

func TestPuller(t *testing.T) {
	t.Run("runs each task once, whatever is taken back", func(t *testing.T) {
		p := New(Options{Workers: 4})
		var threads sync.WaitGroup
		var runs [3000]atomic.Int32
		for range 4 {
			w := newPuller(t, p)
			threads.Go(func() {
				w.serve(p, func(i int) {
					if runs[i].Add(1); i%500 == 0 {
						time.Sleep(5 * time.Millisecond) // long enough for others to take what is behind it
					}
				})
			})
		}
		j := submit(t, p, p.NewFunction(nil), 1, len(runs))
		require.True(t, j.Wait(within(t), len(runs)+1))
		outcomes, losses := settled(j)
		require.Equal(t, onceUpTo(len(runs)), outcomes)
		require.Empty(t, losses)
		for i := range runs {
			require.Equal(t, int32(1), runs[i].Load(), "task %d", i)
		}
		p.Close()
		join(t, p)
		threads.Wait()
	})
	t.Run("has one grant at a time", func(t *testing.T) {
		p := New(Options{})
		w := newPuller(t, p)
		j := submit(t, p, timed(p, 10*time.Millisecond), 1, 3)
		c := w.pulled(0)
		for index := range 3 {
			g := await(t, c, "a grant")
			require.Equal(t, Grant{uint64(index + 1), g.Function, g.Batch, index, 1, false, true}, g)
			require.False(t, w.Idle())
			c = w.pulled(1)
		}
		require.True(t, j.Wait(within(t), 4))
		for _, s := range j.Take() {
			require.Equal(t, Local{}, s.Payload)
		}
		eventually(t, "the thread waits", w.Idle)
		w.end(t, p, c)
	})
	t.Run("is not idle before it is ready", func(t *testing.T) {
		p := New(Options{})
		w := newPuller(t, p)
		require.False(t, w.Idle())
		w.end(t, p, w.pulled(0))
	})
	t.Run("a grant that is taken back before it is run is passed over", func(t *testing.T) {
		p := New(Options{})
		w := newPuller(t, p)
		j := submit(t, p, timed(p, time.Microsecond), 4, 4)
		g := await(t, w.pulled(0), "a grant")
		require.Equal(t, 4, g.Count)
		p.mu.Lock()
		require.True(t, p.members[0].recall())
		p.mu.Unlock()
		require.Equal(t, g.Sequence, w.page.slot(slotRecalled).Load())
		g = await(t, w.pulled(0), "the tasks again")
		require.Equal(t, 4, g.Count)
		require.Equal(t, uint64(5), g.Sequence)
		require.Equal(t, uint64(never), w.page.slot(slotRecalled).Load(), "restored")
		c := w.pulled(4)
		require.True(t, j.Wait(within(t), 5))
		outcomes, _ := settled(j)
		require.Equal(t, onceUpTo(4), outcomes)
		w.end(t, p, c)
	})
	t.Run("what is finished before a long task can be had", func(t *testing.T) {
		for name, mean := range map[string]time.Duration{"timed": time.Microsecond, "not timed": 0} {
			p := New(Options{})
			w := newPuller(t, p)
			_, ok := w.Harvest()
			require.False(t, ok, name)
			j := submit(t, p, timed(p, mean), 4, 4)
			g := await(t, w.pulled(0), "a grant")
			w.page.slot(slotStarted).Store(g.Sequence + 2)
			eventually(t, "two outcomes", func() bool {
				p.mu.Lock()
				defer p.mu.Unlock()
				o, ok := w.Harvest()
				return ok && o.First == g.Sequence && o.Count == 2 && o.Elapsed > 0
			})
			c := w.pulled(4)
			require.True(t, j.Wait(within(t), 5))
			outcomes, _ := settled(j)
			require.Equal(t, onceUpTo(4), outcomes)
			w.end(t, p, c)
		}
	})
	t.Run("a thread that ends in a task loses it, and no other", func(t *testing.T) {
		p := New(Options{})
		w := newPuller(t, p)
		j := submit(t, p, timed(p, time.Microsecond), 4, 4)
		g := await(t, w.pulled(0), "a grant")
		w.page.slot(slotStarted).Store(g.Sequence + 1)
		require.True(t, p.Exited(w.id, 0), "another is wanted")
		other := newPuller(t, p)
		g = await(t, other.pulled(0), "the rest")
		require.Equal(t, 2, g.Count)
		c := other.pulled(2)
		require.True(t, j.Wait(within(t), 5))
		outcomes, losses := settled(j)
		require.Equal(t, once(0, 2, 3), outcomes)
		require.Equal(t, once(1), losses)
		other.end(t, p, c)
	})
	t.Run("threads that can't get ready break the pool", func(t *testing.T) {
		p := New(Options{MaxFailedStarts: 2})
		for range 2 {
			w := newPuller(t, p)
			w.Fail(errors.New("no"))
			p.Exited(w.id, 0)
		}
		require.EqualError(t, p.Cause(), "no")
		join(t, p)
	})
	t.Run("tells words in the page", func(t *testing.T) {
		p := New(Options{})
		w := newPuller(t, p)
		w.Tell(7, 8)
		require.Equal(t, uint64(8), binary.NativeEndian.Uint64(w.page.memory[Told+8:]))
		w.end(t, p, w.pulled(0))
	})
	t.Run("needs a page", func(t *testing.T) {
		_, err := NewPuller(-1)
		require.Error(t, err)
	})
}
