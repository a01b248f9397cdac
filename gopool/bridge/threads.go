package bridge

import (
	"errors"
	"time"

	"github.com/gopool/gopool/gopool"
)

// thread is a thread of Python's that runs tasks.
type thread struct {
	*gopool.Puller
	worker int
}

var threads table[thread]

// AttachThread adds a thread of Python's, which has mapped the page behind the
// descriptor page and is to be known by number from now on.
func AttachThread(handle, number, page int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		puller, err := gopool.NewPuller(int(page))
		if err != nil {
			return statusSystem
		}
		id, err := p.Pool.Attach(puller)
		if err != nil {
			return statusOf(err)
		}
		threads.put(number, thread{puller, id})
		return 0
	})
}

// withThread calls f with the thread, if there is one.
func withThread(number int64, f func(thread) int64) int64 {
	return guard(func() int64 {
		t, ok := threads.find(number)
		if !ok {
			return statusUnknown
		}
		return f(t)
	})
}

// Pull reports the grant that it returned last to this thread, of which the
// first ran tasks were run in elapsed ns, and blocks for the next. It returns
// how many tasks that has, and writes into the page, from gopool.Told on: the
// number of the first of them, the number of the job, and the first index in
// that. If it returns 0, the thread has to Leave.
func Pull(number, ran, elapsed int64) int64 {
	return withThread(number, func(t thread) int64 {
		grant, ok := t.Puller.Pull(int(ran), time.Duration(elapsed))
		if !ok {
			return 0
		}
		index := grant.Batch.Index + grant.Offset
		t.Tell(grant.Sequence, uint64(grant.Batch.Data.(int64)), uint64(index))
		return int64(grant.Count)
	})
}

// Repeat says that the thread's task with this number raised what its job may be run
// again for. It returns 1 if it will be: the task has no outcome then, although it was run.
func Repeat(number, task int64) int64 {
	return withThread(number, func(t thread) int64 { return truth(t.Puller.Repeat(uint64(task))) })
}

// Idle returns 1 if the thread waits for tasks or is about to.
func Idle(number int64) int64 {
	return withThread(number, func(t thread) int64 { return truth(t.Puller.Idle()) })
}

// Fail says that the thread could not get ready: the reason is in the first
// size bytes of the exchange. It has to Leave.
func Fail(number, exchange, size int64) int64 {
	return withThread(number, func(t thread) int64 {
		memory, ok := exchanges.find(exchange)
		if !ok {
			return statusUnknown
		}
		t.Puller.Fail(errors.New(string(memory[:size])))
		return 0
	})
}

// Leave says that the thread runs no task any more. It returns 1 if another is
// wanted in its place.
func Leave(handle, number int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		t, ok := threads.drop(number)
		if !ok {
			return statusUnknown
		}
		return truth(p.Pool.Exited(t.worker, 0))
	})
}
