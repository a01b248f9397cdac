package bridge

import (
	"encoding/binary"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool/wire"
)

// caller is Python's half of a tray.
type caller struct {
	exchange
	t    *testing.T
	job  int64
	last int // slot that hold has used
}

// reportBrief sends outcomes of tasks that took a microsecond each.
func (w *worker) reportBrief(first uint64, count int) {
	w.send(wire.AppendOutcomes(nil, wire.Outcomes{
		First: first, Count: count, Elapsed: time.Duration(count) * time.Microsecond, Encoding: wire.Nones,
	}))
}

// callBriefly has a function called, and returns what Submit says of the next call.
func callBriefly(t *testing.T, p int64, w *worker) int64 {
	t.Helper()
	e := newExchange(t, 4096)
	submit := func() int64 {
		copy(e.memory, "fx")
		j := lastJob.Add(1)
		status := Submit(p, j, e.handle, 1, 0, 1, 1, 1, flagByReference|flagSealed, 0)
		first, count := w.grant()
		w.reportBrief(first, count)
		require.Zero(t, waitDone(j, limit))
		require.Zero(t, Forget(j))
		return status
	}
	require.Zero(t, submit(), "nothing is known of the function")
	return submit()
}

// newBriefPool returns a pool that knows calls of its function to be short.
func newBriefPool(t *testing.T) (int64, *worker) {
	t.Helper()
	p := newPool(t)
	w := attach(t, p)
	require.Equal(t, int64(brief), callBriefly(t, p, w))
	return p, w
}

func openTray(t *testing.T, p int64) *caller {
	t.Helper()
	c := &caller{exchange: newExchange(t, slots*slotSize), t: t, job: lastJob.Add(1)}
	for i := range c.memory {
		c.memory[i] = 'f' // what is left from another use
	}
	require.GreaterOrEqual(t, Submit(p, c.job, c.handle, 1, 0, 0, 0, 1, flagByReference|flagGather, 0), int64(0))
	return c
}

func (c *caller) word(slot int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&c.memory[slot*slotSize]))
}

// put leaves a call in a slot.
func (c *caller) put(slot int, call string) {
	copy(c.memory[slot*slotSize+slotHead:], call)
	c.word(slot).Store(uint64(len(call)))
}

// hold has the tray held: by two calls, one soon after the other.
func (c *caller) hold(w *worker) {
	c.t.Helper()
	before := c.last
	for c.word(0).Load() == 0 {
		c.last++
		c.put(c.last, "x")
		require.Equal(c.t, int64(1), Ring(c.job, int64(c.last)))
	}
	for left := c.last - before; left > 0; {
		first, count := w.grant()
		w.reportBrief(first, count)
		left -= count
	}
}

// carried returns the calls that come with a Run frame.
func carried(t *testing.T, f frame) (calls []string) {
	t.Helper()
	require.Equal(t, uint32(wire.Carried), f.aux)
	b := f.payload[32:]
	require.Equal(t, byte(streamed), b[0])
	count := int(binary.LittleEndian.Uint64(b[1:]))
	data := b[9+8*count:]
	for i := range count {
		size := binary.LittleEndian.Uint64(b[9+8*i:])
		calls, data = append(calls, string(data[:size])), data[size:]
	}
	require.Empty(t, data)
	return calls
}

func TestTray(t *testing.T) {
	p, w := newBriefPool(t)

	t.Run("a call that rings goes out at once, and is the task of its slot", func(t *testing.T) {
		c := openTray(t, p)
		c.put(1, "call")
		require.Equal(t, int64(1), Ring(c.job, 1))
		run := w.next(wire.Run)
		require.Equal(t, []string{"call"}, carried(t, run))
		w.reportBrief(binary.LittleEndian.Uint64(run.payload), 1)
		require.Zero(t, Wait(c.job, 0, 1, limit))
		used := Collect(c.job, 0, c.handle)
		require.Equal(t, 1, c.segments(used)[0].index)
		require.Zero(t, Forget(c.job))
	})
	t.Run("once it is held, it is looked into, and let go when nothing comes", func(t *testing.T) {
		c := openTray(t, p)
		require.Zero(t, c.word(0).Load())
		for range 3 {
			c.hold(w)
			c.last++
			c.put(c.last, "later")
			if c.word(0).Load() == 0 { // it was let go meanwhile
				require.Equal(t, int64(1), Ring(c.job, int64(c.last)))
			}
			run := w.next(wire.Run)
			require.Equal(t, []string{"later"}, carried(t, run))
			w.reportBrief(binary.LittleEndian.Uint64(run.payload), 1)
			require.Eventually(t, func() bool { return c.word(0).Load() == 0 }, limit*time.Millisecond, time.Millisecond)
		}
		require.Zero(t, Forget(c.job))
	})
	t.Run("a call that came while it was let go is found", func(t *testing.T) {
		c := openTray(t, p)
		// Where the test gets no core for a while, it comes too late for the last look.
		for slot := 500; ; slot++ {
			require.Less(t, slot, 600, "it was never found")
			c.hold(w)
			for c.word(0).Load() != 0 {
				runtime.Gosched()
			}
			c.put(slot, "unseen") // by a caller that had read the word before
			if run, ok := w.soon(wire.Run); ok {
				require.Equal(t, []string{"unseen"}, carried(t, run))
				break
			}
			require.Equal(t, int64(1), Ring(c.job, int64(slot)))
			w.reportBrief(w.grant())
		}
		require.Zero(t, Forget(c.job))
	})
	finish(t, p, w)
}

func TestTrayIsLookedInto(t *testing.T) {
	p, w := newBriefPool(t)

	t.Run("by who waits", func(t *testing.T) {
		c := openTray(t, p)
		c.put(1, "call")
		require.Equal(t, int64(statusTimeout), Wait(c.job, 0, 1, 0))
		first, count := w.grant()
		w.reportBrief(first, count)
		require.Zero(t, Wait(c.job, 0, 1, limit))
		require.Zero(t, Forget(c.job))
	})
	t.Run("by who ends it; later calls are refused, and no slot is taken twice", func(t *testing.T) {
		c := openTray(t, p)
		c.put(1, "one")
		c.put(3, "three")
		require.Zero(t, Seal(c.job), "not all slots were used")
		run := w.next(wire.Run)
		require.Equal(t, []string{"one"}, carried(t, run), "there is a hole behind it")
		w.reportBrief(binary.LittleEndian.Uint64(run.payload), 1)
		run = w.next(wire.Run)
		require.Equal(t, []string{"three"}, carried(t, run))
		w.reportBrief(binary.LittleEndian.Uint64(run.payload), 1)
		require.Zero(t, waitDone(c.job, limit))
		require.Equal(t, int64(1), Ring(c.job, 3), "was taken")
		c.put(2, "late")
		require.Zero(t, Ring(c.job, 2))
		require.Zero(t, Forget(c.job))
		require.Zero(t, Ring(c.job, 3), "there is no such job")
	})
	t.Run("a slot may be filled after those behind it", func(t *testing.T) {
		c := openTray(t, p)
		c.put(2, "two")
		require.Equal(t, int64(1), Ring(c.job, 2))
		c.put(1, "one")
		require.Equal(t, int64(1), Ring(c.job, 1))
		for _, call := range []string{"two", "one"} {
			run := w.next(wire.Run)
			require.Equal(t, []string{call}, carried(t, run))
			w.reportBrief(binary.LittleEndian.Uint64(run.payload), 1)
		}
		require.Zero(t, Forget(c.job))
	})
	t.Run("by who closes the exchange", func(t *testing.T) {
		c := openTray(t, p)
		c.put(1, "call")
		require.Zero(t, CloseExchange(c.handle))
		run := w.next(wire.Run)
		require.Equal(t, []string{"call"}, carried(t, run))
		w.reportBrief(binary.LittleEndian.Uint64(run.payload), 1)
		require.Zero(t, Seal(c.job))
		require.Zero(t, Forget(c.job))
	})
	t.Run("to the last slot, and says once that all were used", func(t *testing.T) {
		c := openTray(t, p)
		for slot := 1; slot < slots; slot++ {
			c.put(slot, "x")
		}
		require.Equal(t, int64(1), Seal(c.job))
		require.Zero(t, Seal(c.job))
		for left := slots - 1; left > 0; {
			first, count := w.grant()
			w.reportBrief(first, count)
			left -= count
		}
		require.Zero(t, waitDone(c.job, limit))
		require.Zero(t, Forget(c.job))
	})
	t.Run("not once the pool has ended", func(t *testing.T) {
		c := openTray(t, p)
		c.put(1, "call")
		require.Zero(t, Terminate(p))
		require.Zero(t, Ring(c.job, 1))
		require.Zero(t, Wait(c.job, 0, 1, limit))
		require.Equal(t, int64(statusTerminated), Collect(c.job, 0, c.handle))
		require.Zero(t, Forget(c.job))
	})
	finish(t, p, w)
}

func TestTrayOfCallsThatGetLong(t *testing.T) {
	p, w := newBriefPool(t)
	c := openTray(t, p)
	c.put(1, "call")
	require.Equal(t, int64(1), Ring(c.job, 1))
	first, _ := w.grant()
	w.report(first, "a") // 30 ms
	require.Zero(t, Wait(c.job, 0, 1, limit))
	c.put(2, "call")
	require.Equal(t, int64(2), Ring(c.job, 2), "taken, but it should be the last")
	require.Zero(t, c.word(0).Load())
	first, _ = w.grant()
	w.report(first, "b")
	require.Zero(t, Forget(c.job))
	finish(t, p, w)
}
