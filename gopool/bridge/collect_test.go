package bridge

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool"
	"github.com/gopool/gopool/gopool/wire"
)

func TestCollect(t *testing.T) {
	t.Run("returns as soon as enough is there, and the rest to who has counted", func(t *testing.T) {
		p, e := newPool(t), newExchange(t, 1<<16)
		w := attach(t, p)
		j := e.submit(p, "f", "xxxx", 4, 4, flagSealed)
		first, count := w.grant()
		require.Equal(t, 4, count)
		w.report(first, "a")
		for range 2 {
			got := e.segments(collect(j, 0, 1, limit, e.handle))
			require.Len(t, got, 1, "again and again, until it is counted")
			require.Equal(t, "a", got[0].data)
		}
		require.Equal(t, int64(statusTimeout), collect(j, 1, 1, 0, e.handle))
		w.report(first+1, "b")
		w.report(first+2, "c", "d")
		got := e.segments(collect(j, 1, 3, limit, e.handle))
		require.Len(t, got, 2)
		require.Equal(t, segment{2, 2, 0, int(wire.Stream), got[1].lengths, "cd"}, got[1])
		require.Zero(t, collect(j, 3, 1, 0, e.handle), "done, and all is collected")
		require.Zero(t, Forget(j))
		require.Equal(t, int64(statusUnknown), collect(j, 3, 1, 0, e.handle))
		finish(t, p, w)
	})
	t.Run("who waits is told if others have taken more", func(t *testing.T) {
		p, e := newPool(t), newExchange(t, 1<<16)
		w := attach(t, p)
		j := e.submit(p, "f", "xx", 2, 2, flagSealed)
		late := make(chan int64, 1)
		go func() { late <- Wait(j, 0, 2, -1) }()
		first, _ := w.grant()
		w.report(first, "a")
		require.Positive(t, collect(j, 0, 1, limit, e.handle))
		require.Equal(t, int64(statusTimeout), Wait(j, 1, 1, 0))
		require.Zero(t, Wait(j, 0, 1, -1))
		w.report(first+1, "b")
		require.Zero(t, <-late)
		require.Zero(t, Forget(j))
		finish(t, p, w)
	})
	t.Run("a report is cut where its tasks belong to two jobs", func(t *testing.T) {
		p, e := newPool(t), newExchange(t, 1<<16)
		w := attach(t, p)
		one := e.submit(p, "f", "x", 1, 1, flagSealed|flagByReference)
		first, _ := w.grant()
		w.report(first, "timed") // 30 ms: nothing is sent ahead
		e.collect(t, one, 1)
		one = e.submit(p, "f", "xx", 2, 2, flagSealed|flagByReference)
		first, _ = w.grant()
		list := wire.AppendOutcomes(nil, wire.Outcomes{First: first - 1, Count: 3, Data: []byte("list of three")})
		w.send(list)
		got := e.collect(t, one, 2)
		require.Equal(t, []segment{{0, 2, 1, int(wire.List), []byte{}, "list of three"}}, got)
		one = e.submit(p, "f", "xx", 2, 2, flagSealed|flagByReference)
		first, _ = w.grant()
		w.report(first-2, "known", "known", "a", "bb")
		got = e.collect(t, one, 2)
		require.Equal(t, "abb", got[0].data)
		require.Zero(t, got[0].skip, "a stream is cut here")
		finish(t, p, w)
	})
	t.Run("an exchange that is too small is told the size, and nothing is lost", func(t *testing.T) {
		p, e, small := newPool(t), newExchange(t, 1<<16), newExchange(t, 4096)
		w := attach(t, p)
		j := e.submit(p, "f", "xx", 2, 2, flagSealed)
		first, _ := w.grant()
		w.report(first, "little")
		w.report(first+1, strings.Repeat("x", 5000))
		require.Zero(t, waitDone(j, limit))
		got := small.segments(collect(j, 0, 2, -1, small.handle))
		require.Len(t, got, 1, "as much as fits")
		require.Equal(t, "little", got[0].data)
		size := -collect(j, 1, 1, -1, small.handle)
		require.Equal(t, int64(segmentHeader+8+5000), size)
		require.Equal(t, size, collect(j, 1, 1, -1, e.handle))
		require.Equal(t, strings.Repeat("x", 5000), e.segments(size)[0].data)
		require.Zero(t, Forget(j))
		finish(t, p, w)
	})
	t.Run("a lost task names its worker, and how that ended", func(t *testing.T) {
		p, e := newPool(t), newExchange(t, 4096)
		w := attach(t, p)
		j := e.submit(p, "f", "x", 1, 1, flagSealed)
		_, _ = w.grant()
		// The page belongs to the worker: it has started task 1.
		w.start(1)
		require.NoError(t, w.socket.Close())
		require.Equal(t, int64(gopool.WorkerGone)<<32|w.number, NextEvent(p))
		require.Zero(t, Explain(p, w.number, e.handle, int64(copy(e.memory, "details"))))
		require.Equal(t, int64(1), Exited(p, w.number, -9))
		got := e.collect(t, j, 1)
		require.Len(t, got, 1)
		require.Equal(t, kindLost, got[0].encoding)
		require.Equal(t, int64(-9), int64(binary.LittleEndian.Uint64([]byte(got[0].data))))
		require.Equal(t, w.number, int64(binary.LittleEndian.Uint64([]byte(got[0].data[8:]))))
		require.Zero(t, binary.LittleEndian.Uint64([]byte(got[0].data[16:])), "no limit")
		require.Zero(t, binary.LittleEndian.Uint64([]byte(got[0].data[24:])), "not run again")
		reason := "was killed by SIGKILL"
		require.Equal(t, len(reason), int(binary.LittleEndian.Uint64([]byte(got[0].data[32:]))))
		require.Equal(t, reason+"details", got[0].data[40:])
		finish(t, p)
		for range w.frames {
		}
	})
}

// TestCollectWhileReportsArrive: whatever comes while the reports before are
// copied is neither lost nor collected twice.
func TestCollectWhileReportsArrive(t *testing.T) {
	p, e := newPool(t), newExchange(t, 1<<20)
	w := attach(t, p)
	const jobs, tasks = 300, 4
	large := strings.Repeat("x", 1<<15)
	for range jobs {
		j := e.submit(p, "f", "xxxx", tasks, tasks, flagSealed)
		first, _ := w.grant()
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for i := range uint64(tasks) {
				w.report(first+i, large)
			}
		}()
		for taken := 0; taken < tasks; {
			used := collect(j, int64(taken), 1, limit, e.handle)
			require.Positive(t, used, "%d segments taken", taken)
			for _, s := range e.segments(used) {
				require.Equal(t, taken, s.index)
				taken++
			}
		}
		<-sent
		require.Zero(t, Forget(j))
	}
	finish(t, p, w)
}
