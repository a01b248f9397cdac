package bridge

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRoom(t *testing.T) {
	p, e := newPool(t), newExchange(t, 4096)
	w := attach(t, p)
	j := e.submit(p, "f", "", 0, 1, 0)
	require.Equal(t, int64(math.MaxInt32), Room(j, 0, 0, 0))
	require.Equal(t, int64(2), Room(j, 1<<20, 2, 0))
	require.Zero(t, Add(j, e.handle, 1, 1, 0))
	require.Zero(t, AddLocal(j, 1))
	result := make(chan int64, 1)
	go func() { result <- Room(j, 0, 2, 0) }()
	require.Zero(t, Use(j, 1))
	require.Equal(t, int64(1), <-result)
	require.Equal(t, int64(2), Room(j, 0, 2, 2), "it notes what was used as well")
	go func() { result <- Room(j, 1, 0, 2) }()
	require.Zero(t, Drain(p))
	require.Equal(t, int64(math.MaxInt32), <-result)
	first, _ := w.grant()
	w.report(first, "y")
	require.Zero(t, Seal(j))
	require.Equal(t, int64(statusSystem), Room(j, 0, 0, 2))
	require.Equal(t, int64(statusSystem), AddLocal(j, 2))
	require.Zero(t, waitDone(j, limit))
	got := e.collect(t, j, 2)
	require.Equal(t, kindLocal, got[0].encoding)
	require.Equal(t, 1, got[0].index)
	require.Equal(t, int64(statusUnknown), Room(j, 0, 0, 2))
	require.Equal(t, int64(statusUnknown), Use(j, 2))
	require.Equal(t, int64(statusUnknown), AddLocal(j, 2))
	require.Equal(t, int64(statusUnknown), Neglect(j))
	finish(t, p, w)
	require.Equal(t, int64(statusUnknown), Drain(p))
}

func TestRoomEndsWithThePool(t *testing.T) {
	p, e := newPool(t), newExchange(t, 4096)
	j := e.submit(p, "f", "x", 1, 1, 0)
	result := make(chan int64, 1)
	go func() { result <- Room(j, 1, 0, 0) }()
	require.Zero(t, Terminate(p))
	require.Equal(t, int64(statusTerminated), <-result)
	require.Equal(t, int64(statusTerminated), AddLocal(j, 1))
	require.Zero(t, Forget(j))
	finish(t, p)
}

func TestNeglect(t *testing.T) {
	p, e := newPool(t), newExchange(t, 4096)
	w := attach(t, p)
	j := e.submit(p, "f", "x", 1, 1, 0)
	first, _ := w.grant()
	require.Zero(t, Neglect(j))
	w.report(first, "y")
	require.Zero(t, Add(j, e.handle, 1, 1, 1), "more tasks can be added, and run")
	first, _ = w.grant()
	w.report(first, "y")
	require.Zero(t, Seal(j))
	require.Zero(t, waitDone(j, limit))
	require.Zero(t, Collect(j, 0, e.handle), "nothing is there")
	require.Zero(t, Forget(j))
	finish(t, p, w)
}

func TestOrdered(t *testing.T) {
	p, e := newPool(t), newExchange(t, 4096)
	w := attach(t, p)
	j := e.submit(p, "f", "", 0, 1, flagOrdered)
	require.Zero(t, AddLocal(j, 1))
	require.Zero(t, Collect(j, 0, e.handle), "it is not its turn")
	require.Zero(t, Add(j, e.handle, 1, 1, 0))
	first, _ := w.grant()
	w.report(first, "y")
	require.Zero(t, Seal(j))
	require.Zero(t, waitDone(j, limit))
	got := e.collect(t, j, 2)
	require.Equal(t, []int{0, 1}, []int{got[0].index, got[1].index})
	finish(t, p, w)
}
