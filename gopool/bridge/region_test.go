package bridge

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/gopool/gopool/gopool"
	"github.com/gopool/gopool/gopool/wire"
)

// argumentRegion is the region of this process, and this side's view of it.
type argumentRegion struct {
	t      *testing.T
	memory []byte
}

func newRegion(t *testing.T) argumentRegion {
	t.Helper()
	const size = 1<<20 + gopool.PageSize
	f := memfd(t, size)
	memory, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	require.NoError(t, err)
	require.Zero(t, OpenRegion(int64(f.Fd())))
	t.Cleanup(func() {
		require.Zero(t, CloseRegion())
		require.NoError(t, unix.Munmap(memory))
	})
	return argumentRegion{t, memory}
}

// couriers returns the words of the first n slabs.
func (r argumentRegion) couriers(n int) []uint64 {
	words := make([]uint64, n)
	for i := range words {
		words[i] = binary.NativeEndian.Uint64(r.memory[gopool.PageSize+16*i:])
	}
	return words
}

// words encodes what names slabs.
func words(words ...uint64) string {
	var b []byte
	for _, w := range words {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return string(b)
}

func TestReceive(t *testing.T) {
	lent := words(0, 1, 1<<20, 500, 500)
	for _, c := range []struct {
		name             string
		message          string
		mentioning, lent bool
		taken            []uint64
		size             int
	}{
		{"nothing", "", false, false, []uint64{0, 0, 0}, 0},
		{"what it is in", lent, false, true, []uint64{0, 1, 0}, 500},
		{"what it mentions", words(2, 0, 2) + "pickle", true, false, []uint64{1, 0, 1}, 0},
		{"both", words(2, 0, 2) + lent, true, true, []uint64{1, 1, 1}, 500},
		{"mentions of nothing", words(0) + lent, true, true, []uint64{0, 1, 0}, 500},
	} {
		t.Run("takes "+c.name, func(t *testing.T) {
			r := newRegion(t)
			giveBack, size := receive([]byte(c.message), c.mentioning, c.lent)
			require.Equal(t, c.size, size)
			require.Equal(t, c.taken, r.couriers(3))
			if giveBack == nil {
				require.False(t, c.mentioning || c.lent)
				return
			}
			again, _ := receive([]byte(words(1, 2)), true, false)
			giveBack()
			require.Equal(t, []uint64{0, 0, 1}, r.couriers(3))
			again()
			require.Equal(t, []uint64{0, 0, 0}, r.couriers(3))
		})
	}
	t.Run("and gives back to the region from which it came", func(t *testing.T) {
		first := newRegion(t)
		giveBack, _ := receive([]byte(lent), false, true)
		second := newRegion(t)
		taken, _ := receive([]byte(lent), false, true)
		giveBack()
		require.Equal(t, []uint64{0, 0}, first.couriers(2))
		require.Equal(t, []uint64{0, 1}, second.couriers(2))
		require.Zero(t, CloseRegion())
		taken()
		require.Equal(t, []uint64{0, 0}, second.couriers(2))
	})
}

func TestOpenRegion(t *testing.T) {
	require.Equal(t, int64(statusSystem), OpenRegion(-1))
	require.Zero(t, CloseRegion())
}

// TestLentTasks sends a function and arguments that are in slabs, from the call to
// the end of each.
func TestLentTasks(t *testing.T) {
	const streamed = 1
	argument := func(slab uint64) string { return string([]byte{batchLent}) + words(0, slab, 1<<20, 500, 500) }
	function := words(0, 0, 1<<20, 900, 900)
	submit := func(p int64, e exchange, batch string, flags int64) (job, status int64) {
		copy(e.memory, function+batch)
		job = lastJob.Add(1)
		count := min(1, int64(len(batch)))
		return job, Submit(p, job, e.handle, int64(len(function)), conventionLent, int64(len(batch)), count, 1, flags, 0)
	}
	t.Run("give back when they are settled, and when the job ends", func(t *testing.T) {
		r, p, e := newRegion(t), newPool(t), newExchange(t, 4096)
		w := attach(t, p)
		j, status := submit(p, e, argument(1), 0)
		require.Zero(t, status)
		require.Equal(t, uint32(conventionLent), w.next(wire.Function).aux)
		first, _ := w.grant()
		copy(e.memory, argument(2))
		require.Zero(t, Add(j, e.handle, int64(len(argument(2))), 1, 1))
		require.Equal(t, []uint64{1, 1, 1}, r.couriers(3))
		w.report(first, "a")
		first, _ = w.grant()
		require.Equal(t, []uint64{1, 0, 1}, r.couriers(3))
		w.report(first, "b")
		require.Equal(t, int64(statusTimeout), Wait(j, 0, 3, 0))
		require.Zero(t, Wait(j, 0, 2, limit))
		require.Equal(t, []uint64{1, 0, 0}, r.couriers(3), "there may be more tasks")
		require.Zero(t, Forget(j))
		require.Equal(t, []uint64{0, 0, 0}, r.couriers(3))
		finish(t, p, w)
	})
	t.Run("give back what is refused", func(t *testing.T) {
		r, p, e := newRegion(t), newPool(t), newExchange(t, 4096)
		j, status := submit(p, e, argument(1), flagSealed)
		require.Zero(t, status)
		copy(e.memory, argument(2))
		require.Equal(t, int64(statusSystem), Add(j, e.handle, int64(len(argument(2))), 1, 1))
		require.Equal(t, []uint64{1, 1, 0}, r.couriers(3))
		require.Zero(t, Terminate(p))
		require.Equal(t, []uint64{0, 0, 0}, r.couriers(3), "nobody was sent anything")
		_, status = submit(p, e, argument(1), flagSealed)
		require.Negative(t, status)
		_, status = submit(p, e, "", flagSealed)
		require.Negative(t, status)
		require.Equal(t, []uint64{0, 0, 0}, r.couriers(3))
		require.Zero(t, Forget(j))
		finish(t, p)
	})
	t.Run("give back what they mention", func(t *testing.T) {
		r, p, e := newRegion(t), newPool(t), newExchange(t, 4096)
		w := attach(t, p)
		mark := string([]byte{streamed | batchMentioning})
		j := e.submit(p, "f", mark+words(2, 0, 2)+"rest", 1, 1, flagSealed)
		first, _ := w.grant()
		require.Equal(t, []uint64{1, 0, 1}, r.couriers(3))
		w.report(first, "a")
		require.Zero(t, waitDone(j, limit))
		require.Equal(t, []uint64{0, 0, 0}, r.couriers(3))
		require.Zero(t, Forget(j))
		finish(t, p, w)
	})
}

func TestTrimSoon(t *testing.T) {
	p := newPool(t)
	w := attach(t, p)
	require.Zero(t, TrimSoon())
	require.Equal(t, gopool.Trim, gopool.EventKind(NextEvent(p)>>32))
	w.next(wire.Trim)
	w.send(wire.AppendTrimmed(nil))
	require.Equal(t, gopool.Trim, gopool.EventKind(NextEvent(p)>>32))
	finish(t, p, w)
}

func TestCloseSoon(t *testing.T) {
	fd, err := unix.MemfdCreate("gopool", 0)
	require.NoError(t, err)
	require.Zero(t, CloseSoon(int64(fd)))
	require.Eventually(t, func() bool {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		return err == unix.EBADF
	}, time.Minute, time.Millisecond)
}
