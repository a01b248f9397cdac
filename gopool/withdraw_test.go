package gopool

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWithdraw(t *testing.T) {
	t.Run("a task that was taken back never runs", func(t *testing.T) {
		for index := range 4 {
			p, j := openJob(t)
			settled := 0
			require.NoError(t, j.Add(&Batch{Count: 4, Settled: func() { settled++ }}))
			require.True(t, j.Queued(index))
			require.True(t, j.Withdraw(index))
			require.False(t, j.Withdraw(index), "once")
			require.False(t, j.Queued(index))
			f := attachFakes(t, p, 1)[0]
			t.Cleanup(func() { f.reporter.Exited(0) }) // before the pool ends
			j.Seal()
			var ran []int
			for !j.Done() {
				for _, g := range f.take() {
					for i := range g.Count {
						ran = append(ran, g.index()+i)
					}
					f.finish(t, g, time.Millisecond)
				}
			}
			require.Len(t, ran, 3)
			require.NotContains(t, ran, index)
			require.Equal(t, 1, settled, "its arguments are let go with the others")
		}
	})
	t.Run("a job whose last task was taken back is done", func(t *testing.T) {
		_, j := openJob(t)
		require.NoError(t, j.Add(&Batch{Count: 1}))
		j.Seal()
		require.True(t, j.Withdraw(0))
		require.True(t, j.Done())
		require.NoError(t, j.Err())
		require.Empty(t, j.Take())
	})
	t.Run("not one that a worker has, nor one that there is not", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		j := submit(t, p, p.NewFunction(nil), 1, 3)
		g := f.one(t)
		require.False(t, j.Queued(g.index()))
		require.False(t, j.Withdraw(g.index()))
		require.False(t, j.Withdraw(3))
		require.True(t, j.Withdraw(2))
		f.finish(t, g, time.Millisecond)
		f.finish(t, f.one(t), time.Millisecond)
		require.True(t, j.Done())
	})
	t.Run("nor one of a pool that was terminated", func(t *testing.T) {
		p, j := openJob(t)
		require.NoError(t, j.Add(&Batch{Count: 1}))
		p.Terminate()
		require.False(t, j.Withdraw(0))
	})
}

// Callers take tasks back while workers get them: each task runs or is taken back.
func TestWithdrawBeside(t *testing.T) {
	const tasks = 300
	p := New(Options{})
	f := attachFakes(t, p, 1)[0]
	endPool(t, p, f)
	j := submit(t, p, p.NewFunction(nil), 1, tasks)
	var back sync.Map
	var callers sync.WaitGroup
	for range 2 {
		callers.Go(func() {
			for i := tasks - 1; i > 0; i -= 2 {
				if j.Withdraw(i) {
					_, twice := back.LoadOrStore(i, true)
					require.False(t, twice)
				}
			}
		})
	}
	ran := 0
	for !j.Done() {
		for _, g := range f.take() {
			for i := range g.Count {
				_, taken := back.Load(g.index() + i)
				require.False(t, taken)
			}
			ran += g.Count
			f.finish(t, g, time.Millisecond)
		}
	}
	callers.Wait()
	count := 0
	back.Range(func(any, any) bool { count++; return true })
	require.Equal(t, tasks, ran+count)
}

// index returns that of the first task in its job.
func (g Grant) index() int { return g.Batch.Index + g.Offset }
