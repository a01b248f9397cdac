package gopool

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// ledger is what happened to the tasks of one job.
type ledger struct {
	job  *Job
	runs []atomic.Int32
}

// TestLedger lets everything happen at once and then balances the books: each
// task of a job that ended well ran once, and came once, as an outcome or as
// lost; a job that was terminated has no task twice. Tasks that are run again ran as
// often as they may before they came as lost.
func TestLedger(t *testing.T) {
	const submitters, jobs, tasks = 4, 10, 60
	for _, end := range []struct {
		name    string
		end     func(*Pool)
		retries int
		bound   int
	}{
		{"Close", (*Pool).Close, 0, 0},
		{"Terminate", (*Pool).Terminate, 0, 0},
		{"Close, tasks are run again", (*Pool).Close, 2, 0},
		{"Terminate, tasks are run again", (*Pool).Terminate, 2, 0},
		{"Close, tasks are run again and have to wait for room", (*Pool).Close, 1, 20},
		{"Terminate, tasks are run again and have to wait for room", (*Pool).Terminate, 1, 20},
	} {
		t.Run("with "+end.name+" while others submit, workers come and go", func(t *testing.T) {
			for range 10 {
				p := New(Options{MaxPending: end.bound})
				owner := keep(t, p, 3)
				var mu sync.Mutex
				var books []*ledger
				var all sync.WaitGroup
				for s := range submitters {
					all.Go(func() {
						for range jobs {
							l, err := submitLedger(p, tasks, s, end.retries)
							if err != nil {
								require.ErrorAs(t, err, new(*NotRunningError))
								return
							}
							mu.Lock()
							books = append(books, l)
							mu.Unlock()
							if s == 0 {
								l.job.Wait(t.Context(), tasks+1)
							}
						}
					})
				}
				all.Go(func() {
					for range submitters * jobs / 4 {
						_, _ = p.Attach(NewGoroutine(t.Context()))
						runtime.Gosched()
					}
					end.end(p)
				})
				all.Wait()
				end.end(p)
				join(t, p)
				await(t, owner, "Finished")
				for _, l := range books {
					l.balance(t, end.retries)
				}
				locked(p, func() { require.Zero(t, p.bound.open) })
			}
		})
	}
}

// submitLedger submits a job, of priority s if its tasks are run again. Each 20th task
// ends its worker.
func submitLedger(p *Pool, tasks, s, retries int) (*ledger, error) {
	l := &ledger{runs: make([]atomic.Int32, tasks)}
	f := p.NewFunction(TaskFunc(func(_ context.Context, data any, offset int) (any, error) {
		index := data.(int) + offset
		if l.runs[index].Add(1); index%20 == 19 && s == 1 {
			runtime.Goexit()
		}
		return index, nil
	}))
	defer p.Release(f)
	half := tasks / 2
	batches := []*Batch{{Data: 0, Count: half}, {Data: half, Count: tasks - half, Index: half}}
	if retries == 0 {
		job, err := p.Submit(f, 1+s, nil, true, batches...)
		l.job = job
		return l, err
	}
	job, err := p.Submit(f, 1+s, nil, false)
	if err != nil {
		return nil, err
	}
	l.job = job
	job.Retry(Retries{Limit: retries})
	job.Prioritize(s)
	for _, b := range batches {
		if job.Add(b) != nil { // the pool was terminated
			return l, nil
		}
		_ = job.Admitted(context.Background()) // as the job will tell
	}
	job.Seal()
	return l, nil
}

func (l *ledger) balance(t *testing.T, retries int) {
	require.True(t, l.job.Done())
	done, lost := settled(l.job)
	all := sum(done, lost)
	for i := range l.runs {
		ran := int(l.runs[i].Load())
		require.LessOrEqual(t, ran, 1+retries, "task %d ran %d times", i, ran)
		require.LessOrEqual(t, all[i], ran, "task %d was reported, and ran %d times", i, ran)
		if lost[i] > 0 {
			require.Equal(t, 1+retries, ran, "task %d was lost after %d runs", i, ran)
		}
		if l.job.Err() == nil {
			require.Equal(t, 1, all[i], "task %d came %d times", i, all[i])
		}
	}
}

// keep attaches goroutine workers and replaces those that go, until the pool
// has finished. The channel is closed then.
func keep(t *testing.T, p *Pool, n int) <-chan struct{} {
	attach := func() { _, _ = p.Attach(NewGoroutine(t.Context())) }
	for range n {
		attach()
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for {
			switch event := p.Next(); event.Kind {
			case WorkerGone:
				if p.Exited(event.Worker, 0) {
					attach()
				}
			case Finished:
				return
			}
		}
	}()
	return finished
}

// TestPageHandshake has a worker and the pool use one page at the same time:
// whatever the processors make of it, no task is both run and taken back.
func TestPageHandshake(t *testing.T) {
	const rounds, tasks = 2000, 500
	page := newPage(t)
	for round := range rounds {
		page.slot(slotStarted).Store(0)
		page.restore()
		var ran [tasks + 2]atomic.Bool
		skipped := uint64(tasks + 1) // first task that the worker passed over
		done := make(chan struct{})
		go func() {
			defer close(done)
			for n := uint64(1); n <= tasks; n++ {
				page.slot(slotStarted).Swap(n) // see page.recall for why it is no Store
				if page.slot(slotRecalled).Load() <= n {
					skipped = n
					return
				}
				ran[n].Store(true)
			}
		}()
		for page.started() < uint64(1+round%(tasks/2)) {
			runtime.Gosched()
		}
		from := page.started() + 1
		page.recall(from)
		first := max(from, page.started()+1)
		<-done
		require.LessOrEqual(t, first, uint64(tasks+1))
		for n := first; n <= tasks; n++ {
			if ran[n].Load() { // much faster than require
				require.Fail(t, "run twice", "task %d was taken back from %d on, and ran", n, first)
			}
		}
		require.GreaterOrEqual(t, skipped, from)
		require.GreaterOrEqual(t, skipped, first-1, "the worker decides about the last one only")
	}
}
