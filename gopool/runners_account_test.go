package gopool

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// account is what was run of a job, told by the tasks and not by the pool.
type account struct {
	job     *Job
	f       *fakeRanges
	plan    []deed
	begun   []atomic.Int32
	settled atomic.Int32  // batches
	hangs   chan struct{} // closed when a task does
	hung    sync.Once
}

// deed is what a task does.
type deed int

const (
	succeed deed = iota
	linger       // a little
	fail
	lend
	hang // until it is cancelled
)

// newAccount plans so many tasks, of which one hangs if that is told.
func newAccount(count int, random *rand.Rand, hangs bool) *account {
	l := &account{plan: make([]deed, count), begun: make([]atomic.Int32, count), hangs: make(chan struct{})}
	for i := range l.plan {
		switch n := random.IntN(100); {
		case n < 2:
			l.plan[i] = linger
		case n < 4:
			l.plan[i] = fail
		case n < 10:
			l.plan[i] = lend
		}
	}
	if hangs {
		l.plan[random.IntN(count)] = hang
	}
	l.f = newFakeRanges(l.run)
	return l
}

func (l *account) run(c *fakeCall, i int) (int, error) {
	l.begun[i].Add(1)
	switch l.plan[i] {
	case linger:
		for begin := time.Now(); time.Since(begin) < 300*time.Microsecond; {
		}
	case fail:
		return 0, errors.New("planned")
	case lend:
		return 0, errLent
	case hang:
		l.hung.Do(func() { close(l.hangs) })
		<-c.Done()
		return 0, errors.New("cancelled")
	}
	return 2 * i, nil
}

// audit compares it with what the job says has become of its tasks.
func (l *account) audit(t *testing.T) {
	t.Helper()
	j := l.job
	results, failed, lost := outcomesOf(t, j)
	if j.Err() == nil {
		require.Len(t, l.plan, len(results)+len(failed)+len(lost))
	}
	for i := range l.plan {
		begun := l.begun[i].Load()
		require.LessOrEqual(t, begun, int32(1), "task %d ran twice", i)
		if j.Err() == nil {
			require.Equal(t, int32(1), begun, "task %d did not run", i)
		}
	}
	for i, result := range results {
		want := 2 * i
		if l.plan[i] == lend {
			want = -1
		}
		require.Equal(t, want, result)
	}
	for i := range failed {
		require.Equal(t, fail, l.plan[i])
	}
	for i := range lost {
		require.Equal(t, hang, l.plan[i], "task %d was lost for nothing", i)
	}
}

func TestRunnersKeepAccount(t *testing.T) {
	p, r := runners(t, 6, Options{})
	var callers sync.WaitGroup
	var accounts [40]*account
	for i := range accounts {
		random := rand.New(rand.NewPCG(1, uint64(i)))
		kind := i % 4 // 1: with a limit; 2: cancelled; 3: cancelled with what runs
		l := newAccount(200+random.IntN(2000), random, kind == 1 || kind == 3)
		accounts[i] = l
		enough := random.IntN(len(l.plan)) // outcomes, before it is cancelled
		j, err := p.Submit(p.NewFunction(l.f), 1, nil, false)
		require.NoError(t, err)
		l.job = j
		callers.Go(func() {
			if kind == 1 {
				j.Limit(2 * time.Second) // more than a busy machine keeps a task that is short
			}
			for at := 0; at < len(l.plan); at += 500 {
				b := &Batch{Count: min(500, len(l.plan)-at), Index: at, Data: at, Settled: func() { l.settled.Add(1) }}
				if j.Add(b) != nil {
					b.Settled()
				}
			}
			j.Seal()
			switch kind {
			case 2:
				j.Wait(t.Context(), enough)
				j.Cancel(false)
			case 3:
				<-l.hangs
				j.Cancel(true)
			}
			j.Wait(t.Context(), len(l.plan)+1)
		})
	}
	callers.Wait()
	for _, l := range accounts {
		l.audit(t)
	}
	gone(t, r)
	p.Terminate()
	join(t, p)
	for _, l := range accounts {
		require.Equal(t, int32((len(l.plan)+499)/500), l.settled.Load())
		for _, references := range l.f.references() {
			require.Zero(t, references)
		}
	}
}
