package gopool

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// ordered returns an open job that has count tasks out, and keeps order.
func ordered(t *testing.T, count int) (*Pool, *Job) {
	t.Helper()
	p, j := openJob(t)
	j.Order()
	require.NoError(t, j.Add(&Batch{Count: count}))
	locked(p, func() { j.carve(count) })
	return p, j
}

func TestOrder(t *testing.T) {
	deliver := func(p *Pool, j *Job, index, count int) {
		locked(p, func() { j.deliver(Segment{Index: index, Count: count}) })
	}
	t.Run("what comes early waits for its turn", func(t *testing.T) {
		p, j := ordered(t, 6)
		deliver(p, j, 5, 1)
		deliver(p, j, 1, 2)
		require.Empty(t, j.After(0))
		require.False(t, j.Wait(expired(t), 1))
		deliver(p, j, 0, 1)
		require.Equal(t, []Segment{{Index: 0, Count: 1}, {Index: 1, Count: 2}}, j.After(0))
		require.True(t, j.Wait(within(t), 3))
		require.False(t, j.Wait(expired(t), 4))
		deliver(p, j, 3, 2)
		require.Equal(t, []Segment{{Index: 3, Count: 2}, {Index: 5, Count: 1}}, j.After(2))
		j.Seal()
		require.True(t, j.Done())
	})
	t.Run("holds for any order of arrival", func(t *testing.T) {
		const tasks = 100
		for range 50 {
			p, j := ordered(t, tasks)
			var segments []Segment
			for index := 0; index < tasks; {
				count := 1 + rand.IntN(min(5, tasks-index))
				segments = append(segments, Segment{Index: index, Count: count})
				index += count
			}
			for _, i := range rand.Perm(len(segments)) {
				deliver(p, j, segments[i].Index, segments[i].Count)
			}
			require.Equal(t, segments, j.Take())
		}
	})
	t.Run("a task that is lost, or was none, has its place too", func(t *testing.T) {
		p, j := ordered(t, 2)
		require.NoError(t, j.AddLocal(2))
		locked(p, func() { j.deliver(Segment{Index: 1, Count: 1, Payload: Lost{}}) })
		deliver(p, j, 0, 1)
		require.Equal(t, []Segment{
			{Index: 0, Count: 1},
			{Index: 1, Count: 1, Payload: Lost{}},
			{Index: 2, Count: 1, Payload: Local{}},
		}, j.Take())
	})
	t.Run("what waits is forgotten with the rest", func(t *testing.T) {
		p, j := ordered(t, 3)
		deliver(p, j, 1, 1)
		j.Forget()
		deliver(p, j, 0, 1)
		require.Empty(t, j.Take())
		deliver(p, j, 2, 1)
		j.Seal()
		require.True(t, j.Done())
	})
	t.Run("when the pool ends, results up to the first gap are there", func(t *testing.T) {
		p, j := ordered(t, 3)
		deliver(p, j, 0, 1)
		deliver(p, j, 2, 1)
		p.Terminate()
		require.Equal(t, []Segment{{Index: 0, Count: 1}}, j.Take())
		require.ErrorIs(t, j.Err(), ErrTerminated)
	})
}
