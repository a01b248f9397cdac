package bridge

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRetry(t *testing.T) {
	p, e := newPool(t), newExchange(t, 4096)
	number, _ := attachThread(t, p)
	j := lastJob.Add(1)
	require.Zero(t, Submit(p, j, 0, 0, 0, 0, 0, 1, flagLocal, 0))
	require.Zero(t, Retry(j, 1, 10, 0))
	require.Zero(t, Add(j, 0, 0, 1, 0))
	require.Zero(t, Seal(j))
	require.Equal(t, int64(1), Pull(number, 0, 0))
	require.Equal(t, int64(1), Repeat(number, 1))
	require.Equal(t, int64(1), Pull(number, 1, 1000), "the task again")
	require.Zero(t, Repeat(number, 2))
	ended := make(chan int64)
	go func() { ended <- Pull(number, 1, 1000) }()
	require.Equal(t, kindLocal, e.collect(t, j, 1)[0].encoding)
	require.Zero(t, Terminate(p))
	require.Zero(t, <-ended)
	require.Zero(t, Leave(p, number))
	require.Equal(t, int64(statusUnknown), Repeat(number, 2))
	require.Equal(t, int64(statusUnknown), Retry(newNumber(), 1, 10, 0))
	finish(t, p)
}

func TestPriority(t *testing.T) {
	p := newPool(t)
	number, told := attachThread(t, p)
	var numbers [2]int64
	for priority := range numbers {
		numbers[priority] = lastJob.Add(1)
		require.Zero(t, Submit(p, numbers[priority], 0, 0, 0, 0, 0, 1, flagLocal, 0))
		require.Zero(t, Prioritize(numbers[priority], int64(priority)))
		require.Zero(t, Add(numbers[priority], 0, 0, 1, 0))
		require.Zero(t, Seal(numbers[priority]))
	}
	require.Equal(t, int64(1), Pull(number, 0, 0))
	_, job, _ := told()
	require.Equal(t, numbers[1], job)
	ended := make(chan int64)
	go func() { ended <- Pull(number, 1, 1000) }()
	require.Zero(t, Terminate(p))
	for <-ended > 0 {
		go func() { ended <- Pull(number, 1, 1000) }()
	}
	require.Zero(t, Leave(p, number))
	for _, j := range numbers {
		require.Zero(t, Forget(j))
	}
	finish(t, p)
}

func TestMaxPending(t *testing.T) {
	p := newNumber()
	require.Zero(t, NewPool(p, 1, 0, 2, 0))
	j := lastJob.Add(1)
	require.Zero(t, Submit(p, j, 0, 0, 0, 0, 0, 1, flagLocal, 0))
	require.Zero(t, Add(j, 0, 0, 2, 0))
	require.Zero(t, Admitted(j, -1))
	require.Equal(t, int64(held), Add(j, 0, 0, 1, 2))
	require.Equal(t, int64(statusTimeout), Admitted(j, 1))
	admitted := make(chan int64)
	go func() { admitted <- Admitted(j, -1) }()
	require.Zero(t, Terminate(p))
	require.Equal(t, int64(statusTerminated), <-admitted)
	require.Zero(t, Forget(j))
	require.Equal(t, int64(statusUnknown), Admitted(j, 1))
	finish(t, p)
}
