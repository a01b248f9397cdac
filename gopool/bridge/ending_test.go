package bridge

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool"
)

func TestLimit(t *testing.T) {
	p, e := newPool(t), newExchange(t, 4096)
	w := attach(t, p)
	j := e.submit(p, "f", "", 0, 1, 0)
	require.Zero(t, Limit(j, int64(5*time.Millisecond)))
	copy(e.memory, "x")
	require.Zero(t, Add(j, e.handle, 1, 1, 0))
	require.Zero(t, Seal(j))
	first, _ := w.grant()
	w.start(first)
	require.Equal(t, int64(gopool.Kill)<<32|w.number, NextEvent(p))
	require.NoError(t, w.socket.Close())
	require.Equal(t, int64(gopool.WorkerGone)<<32|w.number, NextEvent(p))
	require.Equal(t, int64(1), Exited(p, w.number, -9))
	got := e.collect(t, j, 1)
	require.Equal(t, kindLost, got[0].encoding)
	require.EqualValues(t, 5*time.Millisecond, binary.LittleEndian.Uint64([]byte(got[0].data[16:])))
	require.Equal(t, int64(statusUnknown), Limit(j, 1))
	finish(t, p)
	for range w.frames {
	}
}

func TestCancel(t *testing.T) {
	p, e := newPool(t), newExchange(t, 4096)
	w := attach(t, p)
	j := e.submit(p, "f", "xx", 2, 1, 0)
	first, _ := w.grant()
	require.Equal(t, int64(1), Cancel(j, 0))
	require.Zero(t, Cancel(j, 0))
	require.Equal(t, int64(statusCancelled), collect(j, 0, 1, limit, e.handle))
	require.Equal(t, int64(statusCancelled), Add(j, e.handle, 1, 1, 2))
	require.Equal(t, int64(statusCancelled), Room(j, 1, 1, 0))
	w.report(first, "y")
	require.Zero(t, Forget(j))
	require.Equal(t, int64(statusUnknown), Cancel(j, 0))
	finish(t, p, w)
}

func TestCancelTask(t *testing.T) {
	p, w := newBriefPool(t)
	c := openTray(t, p)
	c.put(1, "one")
	require.Equal(t, int64(1), Ring(c.job, 1))
	first, _ := w.grant()
	c.put(2, "two")
	require.Zero(t, CancelTask(c.job, 3, 0), "there is no such call")
	require.Equal(t, int64(1), CancelTask(c.job, 2, 0), "though nobody had looked into the tray")
	require.Equal(t, int64(1), Ring(c.job, 2), "it was taken")
	w.start(first)
	w.reportBrief(first, 1)
	require.Zero(t, Wait(c.job, 0, 1, limit))
	require.Zero(t, Forget(c.job))
	finish(t, p, w)
}
