package bridge

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool"
	"github.com/gopool/gopool/gopool/bridge/foreign"
	"github.com/gopool/gopool/gopool/bridge/foreign/foreigntest"
	"github.com/gopool/gopool/gopool/wire"
)

const packed, ints, ranged = 0, 1, 3 // kinds of items

// goPool returns a pool of goroutines. It is terminated and released when the test ends.
func goPool(t *testing.T, count int64) int64 {
	t.Helper()
	p := newNumber()
	require.Zero(t, NewPool(p, count, 0, 0, 0))
	require.Zero(t, StartGoroutines(p, count))
	t.Cleanup(func() {
		if Terminate(p) == 0 {
			require.Zero(t, AwaitFinished(p, limit))
			require.Zero(t, Release(p))
		}
	})
	return p
}

// goSubmit starts a job of a function of package foreigntest, and returns its number or a
// status.
func (e exchange) goSubmit(p int64, function int, convention int64, batch string, count, flags int64) int64 {
	code := string(foreigntest.Code(function))
	copy(e.memory, code+batch)
	number := lastJob.Add(1)
	status := Submit(p, number, e.handle, int64(len(code)), convention, int64(len(batch)), count, 1, flags, 0)
	if status < 0 {
		return status
	}
	return number
}

func TestGoroutinesRunFunctions(t *testing.T) {
	p, e := goPool(t, 2), newExchange(t, 1<<21)
	t.Run("on a range, with a column for an answer", func(t *testing.T) {
		j := e.goSubmit(p, foreigntest.Double, conventionGo, words(ranged, 0, 5, 1), 10_000, flagSealed)
		count := 0
		for _, s := range e.collect(t, j, 10_000) {
			require.Equal(t, int(wire.Ints), s.encoding)
			for i := range s.count {
				require.Equal(t, uint64(2*(5+s.index+i)), binary.NativeEndian.Uint64([]byte(s.data[8*i:])))
			}
			count += s.count
		}
		require.Equal(t, 10_000, count)
	})
	t.Run("on columns that are added, in order", func(t *testing.T) {
		j := e.goSubmit(p, foreigntest.Double, conventionGo, "", 0, flagOrdered)
		for i := range int64(3) {
			batch := words(ints, 0, uint64(2*i), uint64(2*i+1))
			copy(e.memory, batch)
			require.Zero(t, Add(j, e.handle, int64(len(batch)), 2, 2*i))
		}
		require.Zero(t, Seal(j))
		data := ""
		for _, s := range e.collect(t, j, 6) {
			data += s.data
		}
		require.Equal(t, words(0, 2, 4, 6, 8, 10), data)
	})
	t.Run("on packed items, with marks for what failed", func(t *testing.T) {
		j := e.goSubmit(p, foreigntest.Echo, conventionGo|1, words(packed, 0)+"\x01\x00\x03", 3, flagSealed)
		got := [3]string{}
		for _, s := range e.collect(t, j, 3) {
			require.Equal(t, int(wire.Packed), s.encoding)
			for i := range s.count {
				require.Equal(t, s.index+i == 1, binary.LittleEndian.Uint64(s.lengths[8*i:])&wire.FailureBit != 0)
				got[s.index+i] = s.data[i : i+1]
			}
		}
		require.Equal(t, [3]string{"\x01", "\x00", "\x03"}, got)
	})
	t.Run("and keep what is lent until it has been read", func(t *testing.T) {
		j := e.goSubmit(p, foreigntest.Lend, conventionGo, words(packed, 0)+"\x09", 1, flagSealed)
		require.Positive(t, collect(j, 0, 1, limit, e.handle))
		require.Equal(t, 1, foreigntest.References(9))
		require.Zero(t, Forget(j))
		eventually(t, "what was lent to be given back", func() bool { return foreigntest.References(9) == 0 })
	})
	t.Run("and are told by what Python has sent", func(t *testing.T) {
		size := Stats(p, e.handle)
		require.Positive(t, size)
		require.Equal(t, uint64(10_000+6+3+1), binary.LittleEndian.Uint64(e.memory[3*8:]))
	})
}

func TestGoroutinesCall(t *testing.T) {
	p, e := goPool(t, 1), newExchange(t, 4096)
	call := func(function int, batch string) (number, result int64) {
		code := string(foreigntest.Code(function))
		copy(e.memory, code+batch)
		number = newNumber()
		return number, Call(p, number, e.handle, int64(len(code)), int64(len(code)+len(batch)), conventionGo, 1, limit)
	}
	t.Run("leaves a column of one, or a record", func(t *testing.T) {
		_, result := call(foreigntest.Double, words(ints, 0, 21))
		require.Equal(t, int64(wire.Ints)<<encodingShift|8, result)
		require.Equal(t, words(42), string(e.memory[:8]))
		_, result = call(foreigntest.Echo, words(packed, 0)+"\x05")
		require.Equal(t, int64(wire.Packed)<<encodingShift|1, result)
		require.Equal(t, byte(5), e.memory[0])
	})
	t.Run("leaves a failure, or what is too large, to Collect", func(t *testing.T) {
		number, result := call(foreigntest.Echo, words(packed, 0)+"\x00")
		require.Equal(t, int64(statusTimeout), result)
		require.Len(t, e.collect(t, number, 1), 1)
		number, result = call(foreigntest.Large, words(packed, 0)+"\x00")
		require.Equal(t, int64(statusTimeout), result)
		require.Equal(t, int64(-(segmentHeader + 8 + foreigntest.LargeSize)), Collect(number, 0, e.handle))
		require.Zero(t, Forget(number))
	})
}

func TestGoroutinesRefuse(t *testing.T) {
	p, others, e := goPool(t, 1), newPool(t), newExchange(t, 4096)
	batch := words(packed, 0) + "\x01"
	code := string(foreigntest.Code(foreigntest.Echo))
	submit := func(p int64, code, batch string, convention, flags int64) int64 {
		copy(e.memory, code+batch)
		return Submit(p, newNumber(), e.handle, int64(len(code)), convention, int64(len(batch)), 1, 1, flags, 0)
	}
	for name, status := range map[string]int64{
		"a Go function in another pool": submit(others, code, batch, conventionGo, flagSealed),
		"another function":              submit(p, "code", "\x01batch", 0, flagSealed),
		"no function":                   submit(p, "", "\x01batch", 0, flagSealed),
		"half a function":               submit(p, code[:16], batch, conventionGo, flagSealed),
		"a function at no address":      submit(p, strings.Repeat("\x00", 32), batch, conventionGo, flagSealed),
		"what is sent by value":         submit(p, code, batch, conventionGo|4, flagSealed),
		"a tray":                        submit(p, code, "", conventionGo, flagGather),
		"what stays in Python":          submit(p, code, "", conventionGo, flagLocal),
		"items that are cut":            submit(p, code, batch[:15], conventionGo, flagSealed),
		"a second start":                StartGoroutines(p, 1),
	} {
		require.Equal(t, int64(statusMalformed), status, name)
	}
	t.Run("also what is added", func(t *testing.T) {
		j := e.goSubmit(p, foreigntest.Echo, conventionGo, "", 0, 0)
		copy(e.memory, batch)
		require.Equal(t, int64(statusMalformed), Add(j, e.handle, int64(len(batch))-1, 1, 0))
		require.Equal(t, int64(statusMalformed), Add(j, 0, 0, 1, 0))
		require.Zero(t, Add(j, e.handle, int64(len(batch)), 1, 0))
		require.Zero(t, Seal(j))
		require.Len(t, e.collect(t, j, 1), 1)
	})
	t.Run("a call", func(t *testing.T) {
		copy(e.memory, code+batch)
		require.Equal(t, int64(statusMalformed), Call(p, newNumber(), e.handle, 31, 48, conventionGo, 1, limit))
		require.Equal(t, int64(statusMalformed), Call(p, newNumber(), e.handle, 32, 40, conventionGo, 1, limit))
	})
	t.Run("but a job without tasks is done, as in any pool", func(t *testing.T) {
		j := lastJob.Add(1)
		require.Zero(t, Submit(p, j, e.handle, 0, 0, 0, 0, 1, flagSealed, 0))
		require.Zero(t, waitDone(j, limit))
		require.Zero(t, Forget(j))
	})
	t.Run("a pool without goroutines has none to wait for", func(t *testing.T) {
		require.Equal(t, int64(statusUnknown), AwaitFinished(others, 0))
		require.Equal(t, int64(statusUnknown), Abandoned(others))
		require.Equal(t, int64(statusUnknown), StartGoroutines(1<<40, 1))
	})
	finish(t, others)
}

// hold submits a task that is held, with a token, and waits until it is.
func (e exchange) hold(t *testing.T, p int64, function int, token int64) (job int64) {
	t.Helper()
	j := e.goSubmit(p, function, conventionGo, words(packed, uint64(token))+"\x01", 1, flagSealed)
	require.Positive(t, j)
	eventually(t, "the call", func() bool { return foreigntest.Held() == 1 })
	return j
}

func TestGoroutinesKeepMemory(t *testing.T) {
	e := newExchange(t, 4096)
	t.Run("until the tasks have run", func(t *testing.T) {
		p := goPool(t, 1)
		foreigntest.LetGo()
		defer foreigntest.Close()
		j := e.goSubmit(p, foreigntest.Hold, conventionGo, words(packed, 77)+"\x01\x02\x03", 3, flagSealed)
		require.Equal(t, int64(77), NextDone(p))
		require.Zero(t, Forget(j))
	})
	t.Run("until the call has ended, of a pool that was terminated", func(t *testing.T) {
		p := goPool(t, 1)
		j := e.hold(t, p, foreigntest.Hold, 78)
		require.Zero(t, Terminate(p))
		require.Equal(t, int64(78), NextDone(p), "the call was cancelled")
		require.Zero(t, NextDone(p))
		require.Zero(t, AwaitFinished(p, limit))
		require.Zero(t, Forget(j))
	})
	t.Run("which nobody is told who asks no more", func(t *testing.T) {
		p := goPool(t, 1)
		j := e.hold(t, p, foreigntest.Stay, 79)
		defer foreigntest.Close()
		require.Zero(t, Terminate(p))
		require.Zero(t, NextDone(p))
		require.Zero(t, AwaitFinished(p, limit))
		require.Equal(t, int64(1), Abandoned(p))
		size := Stats(p, e.handle)
		worker := e.memory[10*8 : size] // after the figures of the pool
		for i, want := range []uint64{1, 0, uint64(gopool.WorkerLost), 0, 1, 0} {
			require.Equal(t, want, binary.LittleEndian.Uint64(worker[8*i:]), i)
		}
		require.Equal(t, foreigntest.Code(foreigntest.Stay), worker[len(worker)-foreign.CodeSize:])
		foreigntest.LetGo()
		eventually(t, "the call to end", func() bool { return Abandoned(p) == 0 })
		require.Zero(t, NextDone(p))
		require.Zero(t, Forget(j))
	})
	t.Run("in NextDone's order: before its end, and not behind it", func(t *testing.T) {
		d := &doneJobs{}
		d.init()
		d.hold()
		d.push(1)
		d.pushToken(2)
		d.end(true)
		d.pushToken(3)
		require.Equal(t, []int64{2, 3}, d.tokens)
		require.Empty(t, d.list)
		require.False(t, d.over)
		d.close()
		d.pushToken(4)
		require.Equal(t, []int64{2, 3}, d.tokens)
		require.True(t, d.over)
	})
}

func TestGoroutinesAbandoned(t *testing.T) {
	e := newExchange(t, 4096)
	p := goPool(t, 1)
	j := e.goSubmit(p, foreigntest.Hold, conventionGo, "", 0, flagNotify)
	require.Zero(t, Limit(j, int64(10*time.Millisecond)))
	batch := words(packed, 79) + "\x01"
	copy(e.memory, batch)
	require.Zero(t, Add(j, e.handle, int64(len(batch)), 1, 0))
	require.Zero(t, Seal(j))
	segments := e.collect(t, j, 1)
	require.Equal(t, kindLost, segments[0].encoding)
	word := func(i int) int64 { return int64(binary.LittleEndian.Uint64([]byte(segments[0].data[8*i:]))) }
	require.Equal(t, []int64{gopool.UnknownExit, 1, int64(10 * time.Millisecond)}, []int64{word(0), word(1), word(2)})
	eventually(t, "the call to end, as it was cancelled", func() bool { return Abandoned(p) == 0 })
	got := []int64{NextDone(p), NextDone(p)}
	require.ElementsMatch(t, []int64{j, 79}, got)

	t.Run("and another takes its place", func(t *testing.T) {
		j := e.goSubmit(p, foreigntest.Double, conventionGo, words(ranged, 0, 0, 1), 10, flagSealed)
		require.NotEmpty(t, e.collect(t, j, 10))
	})
}

func TestGoroutinesClosed(t *testing.T) {
	p, e := goPool(t, 4), newExchange(t, 1<<16)
	j := e.goSubmit(p, foreigntest.Double, conventionGo, words(ranged, 0, 0, 1), 1000, flagSealed|flagNotify)
	require.Equal(t, int64(statusTimeout), AwaitFinished(p, 0))
	require.Zero(t, Close(p))
	require.Zero(t, AwaitFinished(p, -1))
	require.Equal(t, j, NextDone(p))
	require.Zero(t, NextDone(p))
	require.NotEmpty(t, e.collect(t, j, 1000))
}

func TestGoroutinesReleased(t *testing.T) {
	p, e := newNumber(), newExchange(t, 4096)
	require.Zero(t, NewPool(p, 1, 0, 0, 0))
	require.Zero(t, StartGoroutines(p, 1))
	j := e.hold(t, p, foreigntest.Hold, 80)
	require.Zero(t, Terminate(p))
	require.Zero(t, Release(p))
	require.Zero(t, waitDone(j, limit))
	require.Equal(t, int64(statusTerminated), Collect(j, 0, e.handle))
	require.Zero(t, Forget(j))
	eventually(t, "the call to end", func() bool { return foreigntest.Held() == 0 })
	require.Equal(t, int64(statusUnknown), Abandoned(p))
}

// eventually waits for what has no channel to tell it.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	require.Eventually(t, holds, limit*time.Millisecond, time.Millisecond, what)
}
