package bridge

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExchange(t *testing.T) {
	t.Run("is the same memory on both sides", func(t *testing.T) {
		e := newExchange(t, 4096)
		copy(e.memory, "hello")
		memory, ok := exchanges.find(e.handle)
		require.True(t, ok)
		require.Len(t, memory, 4096)
		require.Equal(t, "hello", string(memory[:5]))
	})
	t.Run("can't be opened on what is no memory", func(t *testing.T) {
		require.Equal(t, int64(statusSystem), OpenExchange(newNumber(), -1, 4096))
		require.Equal(t, int64(statusSystem), OpenExchange(newNumber(), int64(memfd(t, 4096).Fd()), 0))
	})
	t.Run("can be closed once", func(t *testing.T) {
		handle := newNumber()
		require.Zero(t, OpenExchange(handle, int64(memfd(t, 4096).Fd()), 4096))
		require.Zero(t, CloseExchange(handle))
		require.Equal(t, int64(statusUnknown), CloseExchange(handle))
	})
}
