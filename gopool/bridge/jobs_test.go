package bridge

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool/wire"
)

func TestSubmit(t *testing.T) {
	p, e := newPool(t), newExchange(t, 1<<16)
	w := attach(t, p)
	t.Run("tells the worker the function, the convention and the batch", func(t *testing.T) {
		copy(e.memory, "codebatch")
		j := lastJob.Add(1)
		require.Zero(t, Submit(p, j, e.handle, 4, 2, 5, 3, 3, flagSealed, 0))
		clear(e.memory)
		f := w.next(wire.Function)
		require.Equal(t, uint32(2), f.aux)
		require.Equal(t, "code", string(f.payload[8:]))
		run := w.next(wire.Run)
		require.Equal(t, uint32(wire.Carried), run.aux)
		require.Equal(t, "batch", string(run.payload[32:]))
		w.report(1, "a", "b", "c")
		require.Zero(t, waitDone(j, limit))
		e.collect(t, j, 3)
	})
	t.Run("of a job that is not sealed takes more, by position", func(t *testing.T) {
		j := e.submit(p, "f", "first", 2, 2, 0)
		first, count := w.grant()
		require.Equal(t, 2, count)
		w.report(first, "a", "b")
		copy(e.memory, "second")
		require.Zero(t, Add(j, e.handle, 6, 2, 2))
		first, count = w.grant()
		require.Equal(t, 2, count)
		require.Equal(t, int64(statusTimeout), waitDone(j, 0))
		require.Zero(t, Seal(j))
		require.Equal(t, int64(statusSystem), Add(j, e.handle, 6, 2, 4))
		w.report(first, "c", "d")
		require.Zero(t, waitDone(j, -1))
		all := e.collect(t, j, 4)
		require.Len(t, all, 2)
		require.Equal(t, 2, all[1].index)
		require.Equal(t, "cd", all[1].data)
	})
	t.Run("refuses a chunk of nothing, and what is not in the exchange", func(t *testing.T) {
		require.Equal(t, int64(statusSystem), e.submit(p, "f", "x", 1, 0, flagSealed))
		text := quietly(t, func() {
			require.Equal(t, int64(statusPanic), Submit(p, 1, e.handle, 1<<20, 0, 0, 0, 1, 0, 0))
		})
		require.Contains(t, text, "slice bounds out of range")
		require.Zero(t, Busy(p, w.number), "and the pool works on")
	})
	t.Run("is refused by a pool that was closed", func(t *testing.T) {
		require.Zero(t, Close(p))
		require.Equal(t, int64(statusNotRunning), e.submit(p, "f", "x", 1, 1, flagSealed))
		require.Equal(t, int64(statusNotRunning), Submit(p, 1, e.handle, 1, 0, 1, 1, 1, flagSealed, 1))
	})
	finish(t, p, w)
}

func TestSubmitAndWait(t *testing.T) {
	p, e := newPool(t), newExchange(t, 1<<16)
	w := attach(t, p)
	call := func(wait int64) int64 {
		copy(e.memory, "fx")
		number := lastJob.Add(1)
		require.Zero(t, Submit(p, number, e.handle, 1, 0, 1, 1, 1, flagByReference|flagSealed, wait))
		return number
	}
	t.Run("stays for the result", func(t *testing.T) {
		for range 20 {
			go func() {
				first, _ := w.grant()
				w.report(first, "y")
			}()
			j := call(limit)
			used := collect(j, 0, 1, 0, e.handle)
			require.Equal(t, []segment{{0, 1, 0, int(wire.Stream), []byte{1, 0, 0, 0, 0, 0, 0, 0}, "y"}}, e.segments(used))
			require.Zero(t, Forget(j))
		}
	})
	t.Run("no longer than it may; the result comes all the same", func(t *testing.T) {
		j := call(1)
		require.Equal(t, int64(statusTimeout), collect(j, 0, 1, 0, e.handle))
		first, _ := w.grant()
		w.report(first, "y")
		e.collect(t, j, 1)
	})
	t.Run("waits as well where the worker has other tasks", func(t *testing.T) {
		other := e.submit(p, "g", "x", 1, 1, flagSealed)
		first, _ := w.grant()
		go func() {
			w.report(first, "other")
			first, _ := w.grant()
			w.report(first, "y")
		}()
		j := call(limit)
		require.Positive(t, collect(j, 0, 1, 0, e.handle))
		require.Zero(t, Forget(j))
		require.Zero(t, Forget(other))
	})
	finish(t, p, w)
}

func TestWait(t *testing.T) {
	p, e := newPool(t), newExchange(t, 4096)
	j := e.submit(p, "f", "x", 1, 1, flagSealed)
	require.Equal(t, int64(statusTimeout), waitDone(j, 0))
	require.Equal(t, int64(statusTimeout), waitDone(j, 1))
	require.Equal(t, int64(statusTimeout), collect(j, 0, 1, 1, e.handle))
	result := make(chan int64, 1)
	go func() { result <- waitDone(j, -1) }()
	require.Zero(t, Terminate(p))
	require.Zero(t, <-result)
	require.Equal(t, int64(statusTerminated), collect(j, 0, 1, -1, e.handle))
	require.Zero(t, Forget(j))
	require.Equal(t, int64(statusUnknown), waitDone(j, 0))
	finish(t, p)
}

func TestNextDone(t *testing.T) {
	next := func(p int64) <-chan int64 {
		result := make(chan int64, 1)
		go func() { result <- NextDone(p) }()
		return result
	}
	await := func(t *testing.T, result <-chan int64) int64 {
		t.Helper()
		select {
		case job := <-result:
			return job
		case <-time.After(limit * time.Millisecond):
			require.FailNow(t, "timed out")
			return 0
		}
	}
	t.Run("returns jobs as they get done, if that was asked for", func(t *testing.T) {
		p, e := newPool(t), newExchange(t, 4096)
		w := attach(t, p)
		result := next(p)
		quiet := e.submit(p, "f", "x", 1, 1, flagSealed)
		first, _ := w.grant()
		w.report(first, "y")
		require.Zero(t, waitDone(quiet, limit))
		require.Empty(t, result)
		j := e.submit(p, "f", "x", 1, 1, flagSealed|flagNotify)
		first, _ = w.grant()
		w.report(first, "y")
		require.Equal(t, j, await(t, result))
		empty := e.submit(p, "f", "", 0, 1, flagSealed|flagNotify)
		require.Zero(t, EndDone(p))
		require.Equal(t, empty, await(t, next(p)), "done before the end")
		require.Zero(t, await(t, next(p)))
		for _, job := range []int64{quiet, j, empty} {
			require.Zero(t, Forget(job))
		}
		finish(t, p, w)
	})
	t.Run("returns only jobs that can be found", func(t *testing.T) {
		p, e := newPool(t), newExchange(t, 4096)
		found := make(chan int64, 1)
		for range 500 {
			go func() { found <- waitDone(NextDone(p), 0) }()
			j := e.submit(p, "f", "", 0, 1, flagSealed|flagNotify)
			require.Zero(t, <-found, "done while it was submitted")
			require.Zero(t, Forget(j))
		}
		finish(t, p)
	})
	t.Run("ends with Terminate, also jobs that end later", func(t *testing.T) {
		p, e := newPool(t), newExchange(t, 4096)
		j := e.submit(p, "f", "x", 1, 1, flagSealed|flagNotify)
		result := next(p)
		require.Zero(t, Terminate(p))
		require.Zero(t, await(t, result))
		require.Zero(t, await(t, next(p)))
		require.Zero(t, Forget(j))
		finish(t, p)
	})
	t.Run("ends with EndDone, and a job is told at most once", func(t *testing.T) {
		p, e := newPool(t), newExchange(t, 4096)
		result := next(p)
		j := e.submit(p, "f", "", 0, 1, flagNotify)
		require.Zero(t, Break(p, e.handle, 1))
		require.Equal(t, j, await(t, result))
		require.Zero(t, Seal(j))
		require.Zero(t, EndDone(p))
		require.Zero(t, await(t, next(p)))
		require.Zero(t, Forget(j))
		finish(t, p)
	})
}

func TestNotify(t *testing.T) {
	p, e := newPool(t), newExchange(t, 1<<16)
	w := attach(t, p)
	next := make(chan int64)
	go func() {
		for job := int64(-1); job != 0; {
			job = NextDone(p)
			next <- job
		}
	}()
	j := e.submit(p, "f", "batch", 2, 1, flagSealed)
	require.Equal(t, int64(statusUnknown), Notify(p, 999_999, 0, 1))
	require.Zero(t, Notify(p, j, 0, 1))
	first, _ := w.grant()
	w.report(first, "a")
	require.Equal(t, j, <-next, "when there is an outcome")
	require.Zero(t, Notify(p, j, 0, 1))
	require.Equal(t, j, <-next, "at once, if it is still there")
	require.Zero(t, Notify(p, j, 1, 1))
	first, _ = w.grant()
	w.report(first, "b")
	require.Equal(t, j, <-next)
	require.Zero(t, Notify(p, j, 2, 1))
	require.Equal(t, j, <-next, "when there will be none any more")
	require.Zero(t, EndDone(p))
	require.Zero(t, <-next)
	require.Zero(t, Close(p))
	finish(t, p, w)
}

func TestWithdraw(t *testing.T) {
	p, e := newPool(t), newExchange(t, 1<<16)
	w := attach(t, p)
	j := e.submit(p, "f", "batch", 3, 1, flagSealed)
	first, count := w.grant()
	require.Equal(t, 1, count)
	require.Zero(t, Queued(j, 0))
	require.Zero(t, Withdraw(j, 0), "a worker has it")
	require.Equal(t, int64(1), Queued(j, 2))
	require.Equal(t, int64(1), Withdraw(j, 2))
	require.Zero(t, Withdraw(j, 2))
	require.Zero(t, Queued(j, 2))
	w.report(first, "a")
	first, _ = w.grant()
	w.report(first, "b")
	require.Zero(t, waitDone(j, limit))
	e.collect(t, j, 2)
	require.Equal(t, int64(statusUnknown), Withdraw(999_999, 0))
	require.Zero(t, Close(p))
	finish(t, p, w)
}
