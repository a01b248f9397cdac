package gopool

import (
	"bytes"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProcessLoss(t *testing.T) {
	// survive runs a job of a function that does its worst in task 3 of 6, all
	// granted together, and expects the others' results all the same.
	survive := func(t *testing.T, c *crew, function string) Lost {
		t.Helper()
		results, lost := c.wait(c.submit(function, 6, 0, 2, 4, 1, 5, 6))
		require.Equal(t, map[int]string{0: "\x00", 1: "\x02", 2: "\x04", 4: "\x05", 5: "\x06"}, results)
		require.Len(t, lost, 1)
		require.Contains(t, lost, 3)
		return lost[3]
	}
	for name, exit := range map[string]int{"die": -9, "exit": 3, "rubbish": -9, "lie": -9} {
		t.Run("in a task only that is lost: "+name, func(t *testing.T) {
			c := newCrew(t, 1, "serve", Options{})
			require.Equal(t, Lost{Worker: 1, Exit: exit}, survive(t, c, name))
			results, _ := c.wait(c.submit("echo", 1, 8))
			require.Equal(t, map[int]string{0: "\b"}, results, "the replacement works")
		})
	}
	t.Run("an idle worker is replaced, and nothing is lost", func(t *testing.T) {
		c := newCrew(t, 1, "serve", Options{})
		c.wait(c.submit("echo", 1, 0))
		c.kill()
		results, lost := c.wait(c.submit("echo", 1, 2))
		require.Equal(t, map[int]string{0: "\x02"}, results)
		require.Empty(t, lost)
	})
	t.Run("that a worker ended right after its report is noticed", func(t *testing.T) {
		c := newCrew(t, 1, "serve", Options{})
		for n := range 30 {
			results, lost := c.wait(c.submit("leave", 1, 2))
			require.Equal(t, map[int]string{0: "\x02"}, results)
			require.Empty(t, lost)
			eventually(t, "a replacement", func() bool {
				c.mu.Lock()
				defer c.mu.Unlock()
				return len(c.exits) == n+1 && len(c.workers) == 1
			})
		}
	})
	t.Run("without a death watch the end of file tells", func(t *testing.T) {
		c := newCrew(t, 1, "unwatched", Options{})
		require.Equal(t, Lost{Worker: 1, Exit: -9}, survive(t, c, "die"))
		c.kill()
		results, lost := c.wait(c.submit("echo", 1, 2))
		require.Equal(t, map[int]string{0: "\x02"}, results, "when there is something to expect")
		require.Empty(t, lost)
		_, err := c.pool.Call(c.pool.NewFunction(Code{Bytes: []byte("echo")}), &Batch{Data: []byte{3}, Count: 1}, time.Now().Add(limit))
		require.NoError(t, err)
		c.pool.Close()
		join(t, c.pool)
	})
	t.Run("a child that holds the socket open does not hide the end", func(t *testing.T) {
		c := newHeldCrew(t)
		require.Equal(t, Lost{Worker: 1, Exit: -9}, survive(t, c, "bequeath"))
	})
	t.Run("workers that fail to start break the pool, and name the reason", func(t *testing.T) {
		c := newCrew(t, 1, "fails", Options{})
		j := c.submit("echo", 1, 0)
		require.True(t, j.Wait(within(t), 1))
		require.EqualError(t, j.Err(), "pool is broken: no such luck")
		join(t, c.pool)
		require.Equal(t, []int{1, 1, 1}, c.exits)
	})
	t.Run("MaxChunks replaces them, one after the other", func(t *testing.T) {
		c := newCrew(t, 1, "serve", Options{MaxChunks: 2})
		results, lost := c.wait(c.submit("echo", 1, 0, 2, 3, 4, 5, 6))
		require.Len(t, results, 6)
		require.Empty(t, lost)
		locked(c.pool, func() { require.GreaterOrEqual(t, c.pool.lastMember, 3) })
	})
	t.Run("a worker may retire by itself, whatever it was granted meanwhile", func(t *testing.T) {
		c := newCrew(t, 2, "serve", Options{})
		results, lost := c.wait(c.submit("retire", 2, bytes.Repeat([]byte{3}, 40)...))
		require.Len(t, results, 40)
		require.Empty(t, lost)
		locked(c.pool, func() { require.GreaterOrEqual(t, c.pool.lastMember, 3) })
	})
}

// newHeldCrew is newCrew of one worker that may have a child, which ends, and
// is waited for, before the test does.
func newHeldCrew(t *testing.T) *crew {
	hold, letGo, err := os.Pipe()
	require.NoError(t, err)
	held, isHeld, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() {
		for _, f := range []*os.File{hold, letGo, isHeld} {
			require.NoError(t, f.Close())
		}
		_, err := io.Copy(io.Discard, held)
		require.NoError(t, err)
		require.NoError(t, held.Close())
	})
	return newCrew(t, 1, "serve", Options{}, hold, isHeld)
}
