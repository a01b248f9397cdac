package gopool

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCrowd(t *testing.T) {
	skipUnwatchable(t)
	const workers, cores, tasks = 6, 2, 100_000
	crowd := func(t *testing.T) (*Pool, []*fakeWorker) {
		p := New(Options{})
		fakes := attachFakes(t, p, workers)
		endPool(t, p, fakes...)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.cores = cores
		return p, fakes
	}
	// granted returns which of the fakes have had a grant.
	granted := func(fakes []*fakeWorker) (n []int) {
		for i, f := range fakes {
			f.mu.Lock()
			if len(f.grants) > 0 {
				n = append(n, i)
			}
			f.mu.Unlock()
		}
		return n
	}
	t.Run("quick calls wake no more workers than there are cores", func(t *testing.T) {
		p, fakes := crowd(t)
		locked(p, func() { p.watch.armed = true }) // looks when it is told to
		j := submit(t, p, timed(p, time.Microsecond), 1, tasks)
		var held [cores][]Grant
		for !j.Done() {
			for i, f := range fakes[:cores] {
				held[i] = append(held[i], f.take()...)
				if len(held[i]) == 0 {
					continue
				}
				f.finish(t, held[i][0], time.Microsecond)
				held[i] = held[i][1:]
			}
			locked(p, func() {
				for _, m := range p.members {
					p.watch.inspect(m)
				}
				p.handOut()
			})
			require.Empty(t, granted(fakes[cores:]))
		}
	})
	t.Run("are shared out among these only", func(t *testing.T) {
		p, fakes := crowd(t)
		submit(t, p, timed(p, 10*time.Microsecond), 1, 100)
		require.Equal(t, 100/(2*cores), fakes[0].take()[0].Count)
	})
	t.Run("wake others when a worker is stuck in one", func(t *testing.T) {
		p, fakes := crowd(t)
		submit(t, p, timed(p, time.Microsecond), 1, tasks)
		for _, f := range fakes[:cores] {
			f.start(1)
		}
		eventually(t, "all to be granted some", func() bool { return len(granted(fakes)) == workers })
	})
	t.Run("calls that may wait for something go to all workers", func(t *testing.T) {
		p, fakes := crowd(t)
		submit(t, p, timed(p, quick), 1, tasks)
		require.Len(t, granted(fakes), workers)
	})
	t.Run("so do quick calls of several jobs", func(t *testing.T) {
		p, fakes := crowd(t)
		submit(t, p, timed(p, time.Microsecond), 1, tasks)
		submit(t, p, timed(p, time.Microsecond), 1, tasks)
		require.Len(t, granted(fakes), workers)
	})
	t.Run("single calls wake as many workers as they are", func(t *testing.T) {
		p, fakes := crowd(t)
		for range workers {
			submit(t, p, p.NewFunction(nil), 1, 1)
		}
		require.Len(t, granted(fakes), workers)
	})
	t.Run("an unknown function is tried by as many workers as there are cores", func(t *testing.T) {
		p, fakes := crowd(t)
		submit(t, p, p.NewFunction(nil), 1, tasks)
		require.Equal(t, []int{0, 1}, granted(fakes))
		t.Run("and by all when that takes long", func(t *testing.T) {
			eventually(t, "the others to be granted some", func() bool { return len(granted(fakes)) == workers })
		})
	})
	t.Run("threads are woken at once, as their calls wait", func(t *testing.T) {
		p := New(Options{})
		p.cores = 1
		first, second := newPuller(t, p), newPuller(t, p)
		a, b := first.pulled(0), second.pulled(0)
		eventually(t, "both to be ready", func() bool { return first.Idle() && second.Idle() })
		submit(t, p, p.NewFunction(nil), 1, tasks)
		await(t, a, "a grant")
		await(t, b, "a grant")
	})
}

func TestFirstCallsTakeLong(t *testing.T) {
	f := &Function{}
	f.learn(1, time.Millisecond)
	require.Equal(t, time.Millisecond, f.mean)
	for range 4 {
		f.learn(1, time.Microsecond)
	}
	require.Less(t, f.mean, quick)
}
