package bridge

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool"
)

// attachThread adds a thread, and returns its number and what Pull tells it.
func attachThread(t *testing.T, p int64) (number int64, told func() (first, job, index int64)) {
	t.Helper()
	page := memfd(t, gopool.PageSize)
	number = newNumber()
	require.Zero(t, AttachThread(p, number, int64(page.Fd())))
	return number, func() (first, job, index int64) {
		b := make([]byte, 24)
		_, err := page.ReadAt(b, gopool.Told)
		require.NoError(t, err)
		word := func(i int) int64 { return int64(binary.NativeEndian.Uint64(b[8*i:])) }
		return word(0), word(1), word(2)
	}
}

func TestThreads(t *testing.T) {
	p, e := newPool(t), newExchange(t, 4096)
	number, told := attachThread(t, p)
	j := lastJob.Add(1)
	require.Zero(t, Submit(p, j, 0, 0, 0, 0, 2, 2, flagLocal, 0))
	require.Zero(t, Add(j, 0, 0, 1, 2))
	require.Zero(t, Seal(j))

	require.Equal(t, int64(2), Pull(number, 0, 0))
	first, job, index := told()
	require.Equal(t, []int64{1, j, 0}, []int64{first, job, index})
	require.Zero(t, Idle(number))
	require.Equal(t, int64(1), Pull(number, 2, 1000))
	first, job, index = told()
	require.Equal(t, []int64{3, j, 2}, []int64{first, job, index})

	ended := make(chan int64)
	go func() { ended <- Pull(number, 1, 1000) }()
	segments := e.collect(t, j, 3)
	require.Len(t, segments, 2)
	for i, s := range segments {
		require.Equal(t, segment{2 * i, 2 - i, 0, kindLocal, []byte{}, ""}, s)
	}
	require.Zero(t, Terminate(p))
	require.Zero(t, <-ended)
	require.Equal(t, int64(1), Idle(number))
	require.Zero(t, Leave(p, number))
	require.Equal(t, int64(statusUnknown), Leave(p, number))
	finish(t, p)
}

func TestThreadsThatFail(t *testing.T) {
	p, e := newPool(t), newExchange(t, 4096)
	for want := range 3 {
		number, _ := attachThread(t, p)
		copy(e.memory, "no")
		require.Equal(t, int64(statusUnknown), Fail(number, 1<<40, 2))
		require.Zero(t, Fail(number, e.handle, 2))
		require.Equal(t, truth(want < 2), Leave(p, number))
	}
	require.Equal(t, int64(2), Cause(p, e.handle))
	page := memfd(t, gopool.PageSize)
	require.Equal(t, int64(statusBroken), AttachThread(p, newNumber(), int64(page.Fd())))
	finish(t, p)
}

func TestThreadsUnknown(t *testing.T) {
	const none = 1 << 40
	for name, status := range map[string]int64{
		"AttachThread": AttachThread(none, 1, -1),
		"Pull":         Pull(none, 0, 0),
		"Idle":         Idle(none),
		"Fail":         Fail(none, 1, 0),
		"Leave":        Leave(none, 1),
	} {
		require.Equal(t, int64(statusUnknown), status, name)
	}
	p := newPool(t)
	require.Equal(t, int64(statusSystem), AttachThread(p, 1, -1))
	require.Equal(t, int64(statusUnknown), Leave(p, none))
	finish(t, p)
}
