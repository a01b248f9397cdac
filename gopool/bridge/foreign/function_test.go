package foreign

import (
	"bytes"
	"math"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/gopool/gopool/gopool"
	"github.com/gopool/gopool/gopool/bridge/foreign/foreigntest"
	"github.com/gopool/gopool/gopool/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// function returns one of package foreigntest.
func function(t testing.TB, number int) *Function {
	t.Helper()
	f, err := NewFunction(foreigntest.Code(number), false)
	require.NoError(t, err)
	return f
}

// lastCancelled is a worker that no other test has. In package foreigntest one that was
// cancelled stays so, also for the next run of the test.
var lastCancelled int64 = 60_000

// call is a range of a batch, with memory that is not Go's.
func call(t testing.TB, batch []byte, tasks, offset, count int) *gopool.Range {
	t.Helper()
	data, err := NewItems(batch, tasks)
	require.NoError(t, err)
	memory, err := unix.Mmap(-1, 0, 1<<14, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, unix.Munmap(memory)) })
	r := &gopool.Range{
		Worker: 1, Data: data, Offset: offset, Count: count, Sequence: 100,
		Started:  (*atomic.Uint64)(unsafe.Pointer(&memory[0])),
		Recalled: (*atomic.Uint64)(unsafe.Pointer(&memory[8])),
		Lengths:  memory[16 : 16+8*count], Out: memory[1<<13:],
	}
	r.Recalled.Store(math.MaxUint64)
	return r
}

func TestFunction(t *testing.T) {
	t.Run("runs any range of columns and of ranges", func(t *testing.T) {
		for _, batch := range [][]byte{items(kindInts, 0, words(5, 6, 7, 8)...), items(kindRange, 0, words(5, 1)...)} {
			r := call(t, batch, 4, 1, 2)
			o := function(t, foreigntest.Double).Run(r)
			require.NoError(t, o.Check())
			require.Equal(t, wire.Outcomes{Count: 2, Encoding: wire.Ints, Data: words(12, 14)}, o)
			require.Equal(t, uint64(101), r.Started.Load())
		}
	})
	t.Run("runs none from the one on that was recalled", func(t *testing.T) {
		r := call(t, items(kindRange, 0, words(0, 1)...), 4, 0, 4)
		r.Recalled.Store(102)
		require.Equal(t, 2, function(t, foreigntest.Double).Run(r).Count)
		require.Equal(t, uint64(102), r.Started.Load())
	})
	t.Run("returns records with their marks", func(t *testing.T) {
		o := function(t, foreigntest.Echo).Run(call(t, items(kindPacked, 0, 1, 0, 3), 3, 1, 2))
		require.NoError(t, o.Check())
		require.Equal(t, words(math.MinInt64|1, 1), o.Lengths)
		require.Equal(t, []byte{0, 3}, o.Data)
	})
	t.Run("returns what had no room", func(t *testing.T) {
		o := function(t, foreigntest.Large).Run(call(t, items(kindPacked, 0, 1), 1, 0, 1))
		require.NoError(t, o.Check())
		require.Equal(t, make([]byte, foreigntest.LargeSize), o.Data)
	})
	t.Run("gives back what was lent", func(t *testing.T) {
		f := function(t, foreigntest.Lend)
		o := f.Run(call(t, items(kindPacked, 0, 1, 2, 3), 3, 0, 3))
		require.NoError(t, o.Check())
		for i, loan := range o.Loans() {
			require.Equal(t, 1, foreigntest.References(i+1))
			f.GiveBack(loan.ID)
		}
		for token := 1; token <= 3; token++ {
			eventually(t, func() bool { return foreigntest.References(token) == 0 })
		}
	})
	t.Run("is cancelled by the worker that runs it", func(t *testing.T) {
		f := function(t, foreigntest.Hold)
		r := call(t, items(kindPacked, 0, 1), 1, 0, 1)
		lastCancelled++
		r.Worker = lastCancelled
		ended := make(chan wire.Outcomes)
		go func() { ended <- f.Run(r) }()
		eventually(t, func() bool { return foreigntest.Held() == 1 })
		f.Cancel(r.Worker)
		require.Equal(t, 1, (<-ended).Count)
	})
}

func TestFunctionRefused(t *testing.T) {
	code := foreigntest.Code(0)
	for name, code := range map[string][]byte{
		"another size":      code[:CodeSize-1],
		"no address of run": append(make([]byte, 8), code[8:]...),
		"no address at all": make([]byte, CodeSize),
		"one word too many": append(bytes.Clone(code), 0, 0, 0, 0, 0, 0, 0, 0),
	} {
		_, err := NewFunction(code, false)
		require.ErrorIs(t, err, wire.ErrMalformed, name)
	}
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	require.Eventually(t, holds, 20*time.Second, time.Millisecond)
}

func BenchmarkRun(b *testing.B) {
	f := function(b, foreigntest.Double)
	for name, count := range map[string]int{"1 task": 1, "512 tasks": 512} {
		b.Run(name, func(b *testing.B) {
			r := call(b, items(kindRange, 0, words(0, 1)...), count, 0, count)
			for b.Loop() {
				f.Run(r)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*count), "ns/task")
		})
	}
}
