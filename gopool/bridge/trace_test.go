package bridge

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// openFile returns a descriptor of a file that is to become Go's.
func openFile(t *testing.T, path string) int64 {
	t.Helper()
	fd, err := unix.Open(path, unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
	require.NoError(t, err)
	return int64(fd)
}

func TestTrace(t *testing.T) {
	p, e := newPool(t), newExchange(t, 1<<16)
	w := attach(t, p)
	t.Run("asks for the name of each function, once", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "trace.json")
		number := newNumber()
		require.Zero(t, StartTrace(p, number, openFile(t, path)))
		spare := openFile(t, path)
		require.Equal(t, int64(1), StartTrace(p, newNumber(), spare))
		require.NoError(t, unix.Close(int(spare)))

		j := e.submit(p, "code", "batch", 2, 2, flagSealed)
		first, _ := w.grant()
		w.report(first, "a", "b")
		require.Zero(t, waitDone(j, limit))
		e.collect(t, j, 2)
		size := NextUnnamed(number, e.handle, 0)
		require.Equal(t, []uint64{0, 0, 4}, e.words(0, 3))
		require.Equal(t, "code", string(e.memory[24:size]))
		require.Zero(t, StopTrace(number))
		require.Zero(t, NextUnnamed(number, e.handle, int64(copy(e.memory, "name"))))
		require.Equal(t, int64(statusUnknown), NextUnnamed(number, e.handle, 0))
		require.Equal(t, int64(statusUnknown), StopTrace(number))

		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, json.Valid(text))
		require.Contains(t, string(text), `"name ×2"`)
	})
	t.Run("says what kept it from being written", func(t *testing.T) {
		number := newNumber()
		require.Zero(t, StartTrace(p, number, openFile(t, "/dev/full")))
		require.Zero(t, StopTrace(number))
		require.Equal(t, int64(statusSystem), NextUnnamed(number, e.handle, 0))
		require.Equal(t, uint64(unix.ENOSPC), e.words(0, 1)[0])
	})
	t.Run("is refused by a pool that was terminated, whose descriptor it leaves", func(t *testing.T) {
		require.Zero(t, Terminate(p))
		fd := openFile(t, "/dev/null")
		require.Equal(t, int64(statusNotRunning), StartTrace(p, newNumber(), fd))
		require.NoError(t, unix.Close(int(fd)))
		finish(t, p, w)
	})
}
