package bridge

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTable(t *testing.T) {
	t.Run("finds what was put, until it is dropped", func(t *testing.T) {
		var rows table[string]
		_, ok := rows.find(1)
		require.False(t, ok)
		handle := newNumber()
		_, ok = rows.find(handle)
		require.False(t, ok, "reserved only")
		rows.put(handle, "row")
		row, ok := rows.find(handle)
		require.True(t, ok)
		require.Equal(t, "row", row)
		require.Equal(t, 1, rows.size())
		row, ok = rows.drop(handle)
		require.True(t, ok)
		require.Equal(t, "row", row)
		_, ok = rows.drop(handle)
		require.False(t, ok)
		require.Zero(t, rows.size())
	})
	t.Run("never gives a number twice", func(t *testing.T) {
		var rows table[int]
		var mu sync.Mutex
		seen := map[int64]bool{}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 100 {
					handle := newNumber()
					rows.put(handle, 0)
					rows.drop(handle)
					mu.Lock()
					seen[handle] = true
					mu.Unlock()
				}
			})
		}
		all.Wait()
		require.Len(t, seen, 800)
		require.NotContains(t, seen, int64(0), "0 is no handle")
	})
}
