package gopool

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool/wire"
)

// noRoom says that a job has none, by asking without waiting.
func noRoom(t *testing.T, j *Job, bytes, tasks int) {
	t.Helper()
	free, err := j.Room(expired(t), bytes, tasks)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, free)
}

func room(t *testing.T, j *Job, bytes, tasks int) int {
	t.Helper()
	free, err := j.Room(within(t), bytes, tasks)
	require.NoError(t, err)
	return free
}

type roomResult struct {
	free int
	err  error
}

// roomWaiter asks for room in a goroutine that is certain to wait.
func roomWaiter(t *testing.T, j *Job, bytes, tasks int) <-chan roomResult {
	t.Helper()
	return waiter(t, j, func(ctx context.Context) roomResult {
		free, err := j.Room(ctx, bytes, tasks)
		return roomResult{free, err}
	})
}

// waiter asks for something that a job's stock has to change for, in a goroutine
// that is certain to wait.
func waiter[T any](t *testing.T, j *Job, ask func(context.Context) T) <-chan T {
	t.Helper()
	result := make(chan T, 1)
	ctx := within(t)
	go func() { result <- ask(ctx) }()
	eventually(t, "a waiter", func() bool {
		waits := false
		locked(j.pool, func() { waits = j.stock.changed != nil })
		return waits || len(result) > 0
	})
	require.Empty(t, result)
	return result
}

// arriveSized delivers count outcomes of so many bytes in all.
func arriveSized(p *Pool, j *Job, index, count, bytes int) {
	payload := wire.Outcomes{Count: count, Data: make([]byte, bytes)}
	locked(p, func() {
		j.carve(count)
		j.deliver(Segment{Index: index, Count: count, Payload: payload})
	})
}

func TestRoomForTasks(t *testing.T) {
	t.Run("is what was added and not used", func(t *testing.T) {
		p, j := openJob(t)
		require.Equal(t, math.MaxInt, room(t, j, 0, 0), "without a bound")
		require.Equal(t, 3, room(t, j, 0, 3))
		arrive(p, j, 2)
		require.Equal(t, 1, room(t, j, 0, 3))
		require.NoError(t, j.AddLocal(2))
		noRoom(t, j, 0, 3)
		j.Take()
		noRoom(t, j, 0, 3)
		j.Use(2)
		require.Equal(t, 2, room(t, j, 0, 3))
		j.Use(1)
		require.Equal(t, 2, room(t, j, 0, 3), "who comes late has nothing new to say")
	})
	t.Run("comes when more is used", func(t *testing.T) {
		p, j := openJob(t)
		arrive(p, j, 5)
		result := roomWaiter(t, j, 0, 3)
		j.Use(1)
		require.Empty(t, result)
		j.Use(4)
		require.Equal(t, roomResult{2, nil}, await(t, result, "Room"))
	})
}

func TestRoomForBytes(t *testing.T) {
	const data = 100 * overhead
	t.Run("arguments count until they are settled, outcomes until they are taken", func(t *testing.T) {
		p, j := openJob(t)
		require.NoError(t, j.Add(&Batch{Data: make([]byte, data), Count: 10}))
		noRoom(t, j, data, 0)
		room(t, j, data+2*overhead, 0)
		arriveSized(p, j, 0, 5, data/10)
		// Half of the arguments, and the outcome.
		noRoom(t, j, data*6/10, 0)
		room(t, j, data*6/10+3*overhead, 0)
		arriveSized(p, j, 5, 5, 0)
		require.Zero(t, j.stock.arguments)
		j.After(1)
		room(t, j, 2*overhead, 0)
		j.After(2)
		require.Equal(t, 1, room(t, j, 1, 0))
	})
	t.Run("tasks on their way count as the outcomes that they will be", func(t *testing.T) {
		p, j := openJob(t)
		require.Equal(t, trial, room(t, j, 1<<30, 0), "whose size is not known at first")
		require.NoError(t, j.AddLocal(0))
		require.NoError(t, j.Add(&Batch{Count: trial - 1, Index: 1}))
		require.Equal(t, 1, room(t, j, 1<<30, 0))
		require.NoError(t, j.Add(&Batch{Count: 1, Index: trial}))
		result := roomWaiter(t, j, data*trial, 0)
		arriveSized(p, j, 1, 1, data-overhead)
		require.Empty(t, result, "all of it will be taken by outcomes")
		require.Equal(t, 10, room(t, j, data*(trial+10), 0))
		j.After(2)
		require.Equal(t, roomResult{1, nil}, await(t, result, "Room"))
	})
	t.Run("what segments share counts once", func(t *testing.T) {
		p, j := openJob(t)
		require.NoError(t, j.Add(&Batch{Count: 4}))
		payload := wire.Outcomes{Count: 4, Data: make([]byte, data)}
		locked(p, func() {
			j.deliver(Segment{Count: 1, Payload: payload})
			j.deliver(Segment{Index: 1, Count: 3, Skip: 1, Payload: payload})
		})
		require.Equal(t, data+2*overhead, j.stock.results)
	})
	t.Run("comes with each outcome that is settled or taken", func(t *testing.T) {
		p, j := openJob(t)
		require.NoError(t, j.Add(&Batch{Data: make([]byte, data), Count: 2}))
		result := roomWaiter(t, j, data*3/4, 0)
		arriveSized(p, j, 0, 1, 0)
		require.NoError(t, await(t, result, "Room").err)
		arriveSized(p, j, 1, 1, data)
		result = roomWaiter(t, j, data, 0)
		j.After(1)
		require.Empty(t, result)
		j.After(2)
		require.NoError(t, await(t, result, "Room").err)
	})
	t.Run("outcomes that wait for their turn count too", func(t *testing.T) {
		p, j := ordered(t, 2)
		locked(p, func() {
			j.deliver(Segment{Index: 1, Count: 1, Payload: wire.Outcomes{Count: 1, Data: make([]byte, data)}})
		})
		noRoom(t, j, data, 0)
	})
}

func TestRoomWithoutEnd(t *testing.T) {
	for name, end := range map[string]func(*Pool, *Job){
		"once the results are forgotten": func(_ *Pool, j *Job) { j.Forget() },
		"once the pool is drained":       func(p *Pool, _ *Job) { p.Drain() },
	} {
		t.Run(name, func(t *testing.T) {
			p, j := openJob(t)
			arrive(p, j, 5)
			result := roomWaiter(t, j, 1, 1)
			end(p, j)
			require.Equal(t, roomResult{math.MaxInt, nil}, await(t, result, "Room"))
			arrive(p, j, 5)
			require.Equal(t, math.MaxInt, room(t, j, 1, 1))
		})
	}
}

func TestRoomOfAJobThatTakesNoMore(t *testing.T) {
	t.Run("fails when the pool is terminated", func(t *testing.T) {
		p, j := openJob(t)
		arrive(p, j, 5)
		result := roomWaiter(t, j, 1, 1)
		p.Terminate()
		require.ErrorIs(t, await(t, result, "Room").err, ErrTerminated)
		require.ErrorIs(t, j.AddLocal(5), ErrTerminated)
	})
	t.Run("fails when it was sealed", func(t *testing.T) {
		_, j := openJob(t)
		j.Seal()
		_, err := j.Room(within(t), 0, 0)
		require.EqualError(t, err, "job is sealed")
		require.EqualError(t, j.AddLocal(0), "job is sealed")
	})
	t.Run("ends with the context", func(t *testing.T) {
		p, j := openJob(t)
		arrive(p, j, 1)
		noRoom(t, j, 0, 1)
	})
}

func TestAddLocal(t *testing.T) {
	p, j := openJob(t)
	require.NoError(t, j.AddLocal(0))
	require.True(t, j.Wait(within(t), 1))
	require.Equal(t, []Segment{{Count: 1, Payload: Local{}}}, j.Take())
	require.False(t, j.Done())
	arrive(p, j, 1)
	j.Seal()
	require.True(t, j.Done())
}

// TestFeed feeds a job that goroutines run while it is consumed: the bound
// holds, and no wait for room is without an end.
func TestFeed(t *testing.T) {
	const tasks, bound = 2000, 5
	p := goroutines(t, 3)
	f := p.NewFunction(TaskFunc(func(_ context.Context, data any, _ int) (any, error) { return data, nil }))
	defer p.Release(f)
	j, err := p.Submit(f, 1, nil, false)
	require.NoError(t, err)
	j.Order()
	fed := make(chan error, 1)
	ctx := within(t)
	go func() {
		defer j.Seal()
		for i := range tasks {
			if _, err := j.Room(ctx, 0, bound); err != nil {
				fed <- err
				return
			}
			_ = j.Add(&Batch{Data: i, Count: 1, Index: i})
		}
		fed <- nil
	}()
	for next := 0; next < tasks; {
		require.True(t, j.Wait(ctx, 1))
		for _, s := range j.Take() {
			require.Equal(t, next, s.Index)
			require.Equal(t, next, s.Payload.([]Outcome)[s.Skip].Value)
			next += s.Count
		}
		locked(p, func() { require.LessOrEqual(t, j.stock.added, next+bound) })
		j.Use(next)
	}
	require.NoError(t, await(t, fed, "the feeder"))
	require.True(t, j.Wait(ctx, 1))
	require.True(t, j.Done())
}

func TestRoomForArguments(t *testing.T) {
	const data = 100 * overhead
	argumentsWaiter := func(t *testing.T, j *Job, bytes int) <-chan error {
		return waiter(t, j, func(ctx context.Context) error { return j.RoomForArguments(ctx, bytes) })
	}
	t.Run("is there while tasks that are not settled have less", func(t *testing.T) {
		p, j := openJob(t)
		require.NoError(t, j.RoomForArguments(within(t), 1))
		require.NoError(t, j.Add(&Batch{Data: make([]byte, overhead), Size: data - 2*overhead, Count: 2}))
		require.NoError(t, j.RoomForArguments(within(t), data+1))
		require.ErrorIs(t, j.RoomForArguments(expired(t), data), context.Canceled)
		result := argumentsWaiter(t, j, data/2+1)
		arriveSized(p, j, 0, 1, 1<<30) // outcomes do not count
		require.NoError(t, await(t, result, "RoomForArguments"))
		arriveSized(p, j, 1, 1, 1<<30)
		require.NoError(t, j.RoomForArguments(within(t), 1))
	})
	t.Run("is not made by forgetting, as the tasks still run", func(t *testing.T) {
		p, j := openJob(t)
		require.NoError(t, j.Add(&Batch{Size: data, Count: 1}))
		j.Forget()
		result := argumentsWaiter(t, j, data)
		arriveSized(p, j, 0, 1, 0)
		require.NoError(t, await(t, result, "RoomForArguments"))
	})
	t.Run("is refused by a job that takes no more", func(t *testing.T) {
		p, j := openJob(t)
		require.NoError(t, j.Add(&Batch{Size: data, Count: 1}))
		result := argumentsWaiter(t, j, data)
		p.Terminate()
		require.ErrorIs(t, await(t, result, "RoomForArguments"), ErrTerminated)
		_, sealed := openJob(t)
		sealed.Seal()
		require.EqualError(t, sealed.RoomForArguments(within(t), data), "job is sealed")
	})
}

func TestRoomCountsWhatIsElsewhere(t *testing.T) {
	p, j := openJob(t)
	r := openRegion(t)
	require.NoError(t, j.Add(&Batch{Size: 1 << 20, Count: 1}))
	noRoom(t, j, 1<<20, 0)
	locked(p, func() { j.carve(1) })
	deliverLent(t, p, j, r, 0, 0)
	noRoom(t, j, 1000+overhead, 0)
	j.After(1)
	room(t, j, 1000+overhead, 0)
}
