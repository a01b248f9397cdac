package gopool

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func pendingJob(batches ...int) *Job {
	j := &Job{}
	for _, count := range batches {
		j.pending = append(j.pending, span{&Batch{Count: count}, 0, count})
		j.waiting += count
	}
	return j
}

func TestQueue(t *testing.T) {
	t.Run("is empty at first", func(t *testing.T) {
		var q queue
		require.Nil(t, q.head())
	})
	t.Run("jobs take turns", func(t *testing.T) {
		var q queue
		a, b, c := pendingJob(9), pendingJob(9), pendingJob(9)
		q.push(a)
		q.push(b)
		var order []*Job
		for range 3 {
			order = append(order, q.head())
			q.rotate()
		}
		q.push(c)
		for range 3 {
			order = append(order, q.head())
			q.rotate()
		}
		require.Equal(t, []*Job{a, b, a, b, a, c}, order)
	})
	t.Run("the one that has just had its turn comes after a new one", func(t *testing.T) {
		var q queue
		a, b, c := pendingJob(9), pendingJob(9), pendingJob(9)
		q.push(a)
		q.rotate()
		q.push(b)
		q.push(c)
		require.Equal(t, []*Job{b, a, c}, q.jobs, "the turn of c is in the round after a's")
	})
	t.Run("a job may keep its turn until it has nothing to hand out", func(t *testing.T) {
		var q queue
		a, b := pendingJob(1, 1), pendingJob(1)
		a.keepsTurn = true
		q.push(a)
		q.push(b)
		q.rotate()
		require.Same(t, a, q.head())
		a.pending = nil
		q.rotate()
		require.Same(t, b, q.head())
	})
	t.Run("one that keeps its turn stays before a new one also when it had nothing for a while", func(t *testing.T) {
		var q queue
		a, b := pendingJob(1), pendingJob(1)
		a.keepsTurn = true
		q.push(a)
		pending := a.pending
		a.pending = nil
		q.rotate()
		a.pending = pending
		q.push(a)
		q.push(b)
		require.Equal(t, []*Job{a, b}, q.jobs)
	})
	t.Run("one whose tasks come back is the first, and once", func(t *testing.T) {
		var q queue
		a, b := pendingJob(1), pendingJob(1)
		q.push(a)
		q.putBack(b)
		q.putBack(a)
		q.putBack(b)
		require.Equal(t, []*Job{b, a}, q.jobs)
	})
	t.Run("a job is in the queue once however often it is pushed", func(t *testing.T) {
		var q queue
		j := pendingJob(1)
		q.push(j)
		q.push(j)
		require.Len(t, q.jobs, 1)
	})
	t.Run("a job without tasks to hand out is passed over and may come back", func(t *testing.T) {
		var q queue
		a, b := pendingJob(1), pendingJob(1)
		q.push(pendingJob())
		require.Nil(t, q.head())
		q.push(a)
		q.push(b)
		tasks := a.pending
		a.pending = nil
		require.Same(t, b, q.head())
		a.pending = tasks
		q.push(a)
		q.rotate()
		require.Same(t, a, q.head())
	})
	t.Run("jobs of the highest priority take turns, the others wait", func(t *testing.T) {
		var q queue
		low, a, b, high := pendingJob(9), pendingJob(9), pendingJob(9), pendingJob(9)
		low.priority, high.priority = -1, 2
		for _, j := range []*Job{low, a, b} {
			q.push(j)
		}
		var order []*Job
		turn := func() {
			order = append(order, q.head())
			q.rotate()
		}
		turn()
		turn()
		q.push(high)
		turn()
		turn()
		high.pending = nil
		turn()
		turn()
		a.pending, b.pending = nil, nil
		turn()
		require.Equal(t, []*Job{a, b, high, high, a, b, low}, order)
	})
	t.Run("one that has just had its turn comes after a new one of its priority only", func(t *testing.T) {
		var q queue
		high, low, next := pendingJob(9), pendingJob(9), pendingJob(9)
		high.priority, next.priority = 1, 1
		q.push(high)
		q.rotate()
		q.push(low)
		require.Equal(t, []*Job{high, low}, q.jobs)
		q.push(next)
		require.Equal(t, []*Job{next, high, low}, q.jobs)
	})
	t.Run("one whose tasks come back is the first of its priority", func(t *testing.T) {
		var q queue
		high, a, b := pendingJob(1), pendingJob(1), pendingJob(1)
		high.priority = 1
		q.push(high)
		q.push(a)
		q.putBack(b)
		require.Equal(t, []*Job{high, b, a}, q.jobs)
	})
	t.Run("clear lets all jobs be pushed again", func(t *testing.T) {
		var q queue
		j := pendingJob(1)
		q.push(j)
		q.clear()
		require.Nil(t, q.head())
		q.push(j)
		require.Same(t, j, q.head())
	})
}
