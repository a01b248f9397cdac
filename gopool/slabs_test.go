package gopool

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/gopool/gopool/gopool/wire"
)

// regionFile returns the descriptor of a file for a region.
func regionFile(t *testing.T, size int64) int {
	t.Helper()
	fd, err := unix.MemfdCreate("test-region", unix.MFD_CLOEXEC)
	require.NoError(t, err)
	require.NoError(t, unix.Ftruncate(fd, size))
	t.Cleanup(func() { require.NoError(t, unix.Close(fd)) })
	return fd
}

// openRegion returns a region that is closed when the test ends.
func openRegion(t *testing.T) *Region {
	t.Helper()
	r, err := OpenRegion(regionFile(t, headerSize+PageSize))
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}

// sending is what a slab's owner writes into the courier's word.
const sending = 1 << 32

// send does what a slab's owner does: name it in a message.
func send(r *Region, slab uint64) {
	r.courier(slab).Store(sending)
	r.word(rowsUsed).Store(max(r.word(rowsUsed).Load(), slab+1))
}

// couriers returns the words of the first n slabs.
func couriers(r *Region, n int) []uint64 {
	words := make([]uint64, n)
	for i := range words {
		words[i] = r.courier(uint64(i)).Load()
	}
	return words
}

// lentRecord is what names a slab of so many bytes.
func lentRecord(slab, size uint64) string {
	var record []byte
	for _, word := range []uint64{7, slab, headerSize, size, size} {
		record = binary.LittleEndian.AppendUint64(record, word)
	}
	return string(record)
}

// lentOutcomes are outcomes of which those that are not negative are in a slab.
func lentOutcomes(slabs ...int) wire.Outcomes {
	o := wire.Outcomes{First: 1, Count: len(slabs), Encoding: wire.Stream}
	for _, slab := range slabs {
		record, mark := "small", uint64(0)
		if slab >= 0 {
			record, mark = lentRecord(uint64(slab), 1000), wire.LentBit
		}
		o.Lengths = binary.LittleEndian.AppendUint64(o.Lengths, uint64(len(record))|mark)
		o.Data = append(o.Data, record...)
	}
	return o
}

// mapped tells how often the files of regions are mapped.
func mapped(t *testing.T) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	require.NoError(t, err)
	return strings.Count(string(maps), "memfd:test-region")
}

func TestRegion(t *testing.T) {
	t.Run("stays mapped until the last message that names a slab is gone", func(t *testing.T) {
		before := mapped(t)
		r, err := OpenRegion(regionFile(t, headerSize+PageSize))
		require.NoError(t, err)
		send(r, 0)
		r.Take(0)
		r.Mention(1)
		user := r.retain()
		r.Close()
		user.Close()
		require.Equal(t, before+1, mapped(t))
		r.GiveBack(0)
		require.Equal(t, before+1, mapped(t))
		r.Unmention(1)
		require.Equal(t, before, mapped(t))
	})
	t.Run("is none where there is no room for slabs", func(t *testing.T) {
		r, err := OpenRegion(regionFile(t, PageSize))
		require.NoError(t, err)
		require.Nil(t, r)
		require.Nil(t, r.retain())
		r.bury(1)
		r.Close()
	})
	t.Run("of no file is an error", func(t *testing.T) {
		_, err := OpenRegion(-1)
		require.ErrorIs(t, err, unix.EBADF)
	})
	t.Run("of a file that can't be mapped is an error", func(t *testing.T) {
		name := t.TempDir() + "/region"
		require.NoError(t, os.WriteFile(name, nil, 0o600))
		require.NoError(t, os.Truncate(name, headerSize+1))
		f, err := os.Open(name) // for reading only
		require.NoError(t, err)
		defer f.Close()
		_, err = OpenRegion(int(f.Fd()))
		require.ErrorIs(t, err, unix.EACCES)
	})
}

func TestCourier(t *testing.T) {
	t.Run("is what the owner wrote until the message is here, and then until it is given back", func(t *testing.T) {
		r := openRegion(t)
		for slab := range uint64(3) {
			send(r, slab)
		}
		r.Take(1)
		require.Equal(t, []uint64{sending, 1, sending}, couriers(r, 3))
		r.GiveBack(1)
		require.Equal(t, []uint64{sending, 0, sending}, couriers(r, 3))
	})
	t.Run("counts the messages that mention a slab", func(t *testing.T) {
		r := openRegion(t)
		for range 3 {
			r.Mention(0)
		}
		for left := range uint64(3) {
			require.Equal(t, []uint64{3 - left}, couriers(r, 1))
			r.Unmention(0)
		}
		require.Equal(t, []uint64{0}, couriers(r, 1))
	})
	t.Run("has a place for the last slab there can be", func(t *testing.T) {
		r := openRegion(t)
		r.Take(maxSlabs - 1)
		r.holder(maxSlabs - 1).Store(9)
		require.Zero(t, r.memory[heldStart])
		require.Zero(t, r.word(rowsUsed).Load())
		r.GiveBack(maxSlabs - 1)
	})
}

func TestBuryHolder(t *testing.T) {
	r := openRegion(t)
	for slab, pid := range []uint64{5, 6, 0, 5} {
		send(r, uint64(slab))
		r.holder(uint64(slab)).Store(pid)
	}
	r.bury(5)
	for slab, want := range []uint64{0, 6, 0, 0} {
		require.Equal(t, want, r.holder(uint64(slab)).Load(), "only what the process held is taken from it")
	}
	require.Equal(t, []uint64{sending, sending, sending, sending}, couriers(r, 4), "messages go on")
	r.word(rowsUsed).Store(1 << 60)
	r.bury(6) // a number that a broken process wrote is not believed
	require.Zero(t, r.holder(1).Load())
}

func TestBorrow(t *testing.T) {
	r := openRegion(t)
	t.Run("nothing where all is in the outcomes", func(t *testing.T) {
		for _, o := range []wire.Outcomes{lentOutcomes(-1, -1), {Count: 2, Data: []byte("ab")}, {}} {
			l, err := borrow(nil, o)
			require.NoError(t, err)
			require.Nil(t, l)
			require.Zero(t, l.take(0, 2))
			l.giveBack(0, 2)
		}
	})
	t.Run("segments have the slabs of their own outcomes", func(t *testing.T) {
		l, err := borrow(r, lentOutcomes(0, -1, 1, 2))
		require.NoError(t, err)
		require.Equal(t, 2000, l.take(2, 2))
		require.Equal(t, []uint64{0, 1, 1}, couriers(r, 3))
		require.Equal(t, 1000, l.take(0, 2))
		l.giveBack(2, 1)
		require.Equal(t, []uint64{1, 0, 1}, couriers(r, 3))
		l.giveBack(3, 1)
		l.giveBack(0, 2)
		require.Equal(t, []uint64{0, 0, 0}, couriers(r, 3))
		require.EqualValues(t, 1, r.users.Load())
	})
	t.Run("a worker that has no such slab is not believed", func(t *testing.T) {
		for _, l := range []struct {
			region *Region
			slab   int
		}{{nil, 0}, {r, maxSlabs}, {r, 1 << 40}} {
			_, err := borrow(l.region, lentOutcomes(-1, l.slab))
			require.ErrorIs(t, err, wire.ErrMalformed)
		}
	})
}

// lentJob is an open job of count tasks that are out, and a region for their outcomes.
func lentJob(t *testing.T, count int) (*Pool, *Job, *Region) {
	t.Helper()
	p, j := openJob(t)
	require.NoError(t, j.Add(&Batch{Count: count}))
	locked(p, func() { j.carve(count) })
	return p, j, openRegion(t)
}

// deliverLent delivers the outcome of the tasks from index on, in those slabs.
func deliverLent(t *testing.T, p *Pool, j *Job, r *Region, index int, slabs ...int) {
	t.Helper()
	for _, slab := range slabs {
		send(r, uint64(slab))
	}
	o := lentOutcomes(slabs...)
	l, err := borrow(r, o)
	require.NoError(t, err)
	locked(p, func() { j.deliver(Segment{Index: index, Count: o.Count, Payload: o, loans: l}) })
}

func TestDiscard(t *testing.T) {
	t.Run("of what was taken", func(t *testing.T) {
		p, j, r := lentJob(t, 3)
		deliverLent(t, p, j, r, 0, 0)
		deliverLent(t, p, j, r, 1, 1, 2)
		for range 2 {
			require.Len(t, j.After(1), 1, "it may be asked for again")
			require.Equal(t, []uint64{0, 1, 1}, couriers(r, 3))
		}
		require.Empty(t, j.After(2))
		require.Equal(t, []uint64{0, 0, 0}, couriers(r, 3))
	})
	t.Run("of what Take returns", func(t *testing.T) {
		p, j, r := lentJob(t, 1)
		deliverLent(t, p, j, r, 0, 0)
		require.Len(t, j.Take(), 1)
		require.Equal(t, []uint64{0}, couriers(r, 1))
	})
	t.Run("of what is forgotten, and of what comes then", func(t *testing.T) {
		p, j, r := lentJob(t, 3)
		deliverLent(t, p, j, r, 0, 0)
		j.Forget()
		require.Equal(t, []uint64{0}, couriers(r, 1))
		deliverLent(t, p, j, r, 1, 1, 2)
		require.Equal(t, []uint64{0, 0, 0}, couriers(r, 3))
		j.Forget()
	})
	t.Run("of what waits for its turn", func(t *testing.T) {
		p, j := ordered(t, 4)
		r := openRegion(t)
		deliverLent(t, p, j, r, 2, 2, 3)
		deliverLent(t, p, j, r, 0, 0)
		require.Len(t, j.After(1), 0)
		require.Equal(t, []uint64{0, 0, 1, 1}, couriers(r, 4))
		j.Forget()
		require.Equal(t, []uint64{0, 0, 0, 0}, couriers(r, 4))
		deliverLent(t, p, j, r, 1, 1)
		require.Equal(t, []uint64{0, 0, 0, 0}, couriers(r, 4))
	})
	t.Run("of what comes when the pool has ended", func(t *testing.T) {
		p, j, r := lentJob(t, 2)
		deliverLent(t, p, j, r, 0, 0)
		p.Terminate()
		deliverLent(t, p, j, r, 1, 1)
		require.Equal(t, []uint64{1, 0}, couriers(r, 2), "what was there before can still be read")
		j.Forget()
		require.Equal(t, []uint64{0, 0}, couriers(r, 2))
	})
	t.Run("of what a segment has and not of what others have", func(t *testing.T) {
		p, j, r := lentJob(t, 3)
		o := lentOutcomes(0, 1, 2)
		l, err := borrow(r, o)
		require.NoError(t, err)
		locked(p, func() {
			j.deliver(Segment{Index: 0, Count: 1, Payload: o, loans: l})
			j.deliver(Segment{Index: 1, Count: 2, Skip: 1, Payload: o, loans: l})
		})
		require.Equal(t, []uint64{1, 1, 1}, couriers(r, 3))
		j.After(1)
		require.Equal(t, []uint64{0, 1, 1}, couriers(r, 3))
		j.Forget()
		require.Equal(t, []uint64{0, 0, 0}, couriers(r, 3))
	})
	t.Run("of what came twice, once", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		j := submit(t, p, p.NewFunction(nil), 2, 2)
		g := f.one(t)
		r := openRegion(t)
		o := lentOutcomes(0, 1)
		l, err := borrow(r, o)
		require.NoError(t, err)
		outcomes := Outcomes{First: g.Sequence, Count: 2, Payload: o, loans: l}
		require.NoError(t, f.reporter.Outcomes(outcomes))
		require.NoError(t, f.reporter.Outcomes(outcomes))
		require.EqualValues(t, 3, r.users.Load())
		j.Take()
		require.Equal(t, []uint64{0, 0}, couriers(r, 2))
		require.EqualValues(t, 1, r.users.Load())
	})
}

func TestOutcomesInSlabs(t *testing.T) {
	// lender returns a process with a region, and what it shares with the worker.
	lender := func(t *testing.T) (*process, page) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		t.Cleanup(func() { _ = unix.Close(fds[1]) })
		fd := regionFile(t, headerSize+PageSize)
		w, err := NewProcess(fds[0], fd, os.Getpid(), nil)
		require.NoError(t, err)
		t.Cleanup(w.Release)
		mine, err := mapPage(fd)
		require.NoError(t, err)
		t.Cleanup(mine.release)
		return w.(*process), mine
	}
	// publish puts one outcome into the outbox.
	publish := func(p page, length uint64, record string) {
		p.slot(slotFirst).Store(1)
		p.slot(slotEncoding).Store(uint64(wire.Stream))
		binary.LittleEndian.PutUint64(p.memory[lengthsStart:], length)
		copy(p.memory[dataStart:], record)
		p.slot(slotPublished).Store(1<<32 | uint64(len(record)))
	}
	t.Run("that a worker had not sent are found with their slabs", func(t *testing.T) {
		w, mine := lender(t)
		record := lentRecord(3, 500)
		publish(mine, uint64(len(record))|wire.LentBit, record)
		o, ok := w.Harvest()
		require.True(t, ok)
		require.Equal(t, []wire.Loan{{Outcome: 0, ID: 3, Size: 500}}, o.loans.list)
	})
	t.Run("that make no sense are none", func(t *testing.T) {
		w, mine := lender(t)
		for _, bad := range []struct {
			length uint64
			record string
		}{
			{4 | wire.LentBit, "none"},
			{40 | wire.LentBit, "short"},
			{40 | wire.LentBit, lentRecord(maxSlabs, 5)},
		} {
			publish(mine, bad.length, bad.record)
			_, ok := w.Harvest()
			require.False(t, ok)
		}
	})
	t.Run("that make no sense end the worker that sends them", func(t *testing.T) {
		w, _ := lender(t)
		for _, o := range []wire.Outcomes{
			lentOutcomes(maxSlabs),
			{First: 1, Count: 1, Encoding: wire.Stream, Data: []byte("none"), Lengths: binary.LittleEndian.AppendUint64(nil, 4|wire.LentBit)},
		} {
			frame := wire.Frame{Kind: wire.Results, Aux: uint32(wire.Stream), Payload: wire.AppendOutcomes(nil, o)[16:]}
			require.ErrorIs(t, w.handle(frame, nil), wire.ErrMalformed)
		}
	})
	t.Run("of one without slabs as well", func(t *testing.T) {
		socket, shared, peer := processEnds(t)
		w, err := NewProcess(socket, shared, os.Getpid(), nil)
		require.NoError(t, err)
		t.Cleanup(w.Release)
		frame := wire.Frame{Kind: wire.Results, Aux: uint32(wire.Stream), Payload: wire.AppendOutcomes(nil, lentOutcomes(0))[16:]}
		require.ErrorIs(t, w.(*process).handle(frame, nil), wire.ErrMalformed)
		require.NoError(t, unix.Close(peer))
	})
}

func TestReleaseOfAWorker(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(fds[1])
	args := openRegion(t)
	before := mapped(t)
	w, err := NewProcess(fds[0], regionFile(t, headerSize+PageSize), os.Getpid(), args)
	require.NoError(t, err)
	send(args, 0)
	args.holder(0).Store(uint64(os.Getpid()))
	require.EqualValues(t, 2, args.users.Load())
	w.Release()
	require.Zero(t, args.holder(0).Load(), "what it held of the caller's is free")
	require.EqualValues(t, 1, args.users.Load())
	require.Equal(t, before, mapped(t))
}
