package gopool

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// stuck is a function of which task 0 holds until it is let go, whatever it is asked.
type stuck struct {
	*fakeRanges
	latch
	runs [8]atomic.Int32
}

func newStuck() *stuck {
	s := &stuck{latch: newLatch()}
	s.fakeRanges = newFakeRanges(func(_ *fakeCall, i int) (int, error) {
		s.runs[i].Add(1)
		if i == 0 {
			s.hold()
		}
		return 2 * i, nil
	})
	return s
}

// without0 returns the results of all tasks but that which is stuck.
func without0(count int) map[int]int {
	m := doubled(count)
	delete(m, 0)
	return m
}

func TestRunnersRecall(t *testing.T) {
	t.Run("tasks behind a long one go to others", func(t *testing.T) {
		p, _ := runners(t, 2, Options{})
		s := newStuck()
		f := timed(p, 10*time.Microsecond) // so that they are one range
		f.Value = s
		j := submit(t, p, f, 8, 8)
		await(t, s.held, "task 0")
		require.True(t, j.Wait(within(t), 7))
		results, _, _ := outcomesOf(t, j)
		require.Equal(t, without0(8), results)
		close(s.release)
		require.True(t, j.Wait(within(t), 8))
		for i := range s.runs {
			require.Equal(t, int32(1), s.runs[i].Load(), "task %d", i)
		}
	})
}

// recalled submits 8 tasks, of which that with the index at holds the only worker, has the
// pool recall what it says meanwhile, and then lets the worker go.
func recalled(t *testing.T, at int, fails bool, from ...uint64) (results map[int]int, failed map[int]string, runs [8]int32) {
	t.Helper()
	p, _ := runners(t, 1, Options{})
	l := newLatch()
	var begun [8]atomic.Int32
	f := timed(p, 10*time.Microsecond)
	f.Value = newFakeRanges(func(_ *fakeCall, i int) (int, error) {
		if begun[i].Add(1); i == at && begun[i].Load() == 1 {
			l.hold()
			if fails {
				return 0, errors.New("no")
			}
		}
		return 2 * i, nil
	})
	j := submit(t, p, f, 8, 8)
	await(t, l.held, "the task")
	for _, number := range from {
		locked(p, func() {
			require.True(t, p.members[0].recallFrom(number))
			p.watch.need(p.members[0])
		})
	}
	close(l.release)
	require.True(t, j.Wait(within(t), 9))
	results, failed, _ = outcomesOf(t, j)
	for i := range begun {
		runs[i] = begun[i].Load()
	}
	return results, failed, runs
}

func TestRunnersRecallAgain(t *testing.T) {
	once := [8]int32{1, 1, 1, 1, 1, 1, 1, 1}
	t.Run("a task that the call has begun is asked for", func(t *testing.T) {
		results, failed, runs := recalled(t, 1, true, 2)
		require.Equal(t, map[int]string{1: "no"}, failed)
		require.Len(t, results, 7)
		require.Equal(t, once, runs)
	})
	t.Run("from an earlier task on", func(t *testing.T) {
		results, _, runs := recalled(t, 0, false, 6, 3)
		require.Equal(t, doubled(8), results)
		require.Equal(t, once, runs)
	})
}
