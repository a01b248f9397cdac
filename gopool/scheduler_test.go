package gopool

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// counts returns how many tasks each grant is of.
func counts(grants []Grant) (n []int) {
	for _, g := range grants {
		n = append(n, g.Count)
	}
	return n
}

func total(grants []Grant) (n int) {
	for _, g := range grants {
		n += g.Count
	}
	return n
}

func TestUnknownFunction(t *testing.T) {
	p := New(Options{})
	fakes := attachFakes(t, p, 2)
	endPool(t, p, fakes...)
	submit(t, p, p.NewFunction(nil), 1, 10_000)

	t.Run("goes one task at a time, to idle workers only", func(t *testing.T) {
		for _, f := range fakes {
			require.Equal(t, []int{1}, counts(f.take()))
		}
	})
	t.Run("is granted ahead once it has been timed", func(t *testing.T) {
		fakes[0].finish(t, Grant{Sequence: 1, Count: 1}, 10*time.Microsecond)
		grants := fakes[0].take()
		require.Equal(t, 400, grants[0].Count, "much of it")
		require.Empty(t, fakes[1].take(), "a worker in its first task gets nothing before it reports")
	})
	t.Run("a chunk of it is not divided", func(t *testing.T) {
		p := New(Options{})
		fakes := attachFakes(t, p, 1)
		endPool(t, p, fakes...)
		submit(t, p, p.NewFunction(nil), 7, 20)
		require.Equal(t, 7, fakes[0].one(t).Count)
	})
}

func TestQuantum(t *testing.T) {
	for _, c := range []struct {
		name string
		mean time.Duration
		want []int
	}{
		{"calls of no measurable time come as many as a report holds", 1, []int{maxGrant}},
		{"short calls come in bulk", 100 * time.Microsecond, []int{40, 40}},
		{"so do calls of a quantum", quantum, []int{4, 4}},
		{"a call of more than that comes alone, and one ahead", 5 * time.Millisecond, []int{1, 1}},
		{"nothing is sent ahead of long calls", ahead + 1, []int{1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := New(Options{})
			f := attachFakes(t, p, 1)
			endPool(t, p, f...)
			submit(t, p, timed(p, c.mean), 1, 100_000)
			got := counts(f[0].take())
			require.Equal(t, c.want, got[:len(c.want)])
		})
	}
	t.Run("what a worker has ahead is bounded", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		submit(t, p, timed(p, 10*time.Microsecond), 1, 100_000)
		held := total(f.take())
		for range 50 {
			g := Grant{Sequence: f.started + 1, Count: 10}
			f.finish(t, g, 10*time.Microsecond)
			held += total(f.take()) - 10
			bound := int((window + bulk/2 + bulk) / (10 * time.Microsecond))
			require.LessOrEqual(t, held, bound, "a window and a half, and a grant made below it")
			require.Positive(t, held)
		}
	})
	t.Run("calls come by the quantum where others are queued", func(t *testing.T) {
		p := New(Options{})
		function := timed(p, 10*time.Microsecond)
		for range 2 {
			submit(t, p, function, 1, 10_000)
		}
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		require.Equal(t, []int{100, 100, 100, 100}, counts(f.take()))
	})
	t.Run("and where somebody waits for each outcome", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		j := submit(t, p, p.NewFunction(nil), 1, 10_000)
		waited := make(chan bool)
		go func() { waited <- j.Wait(within(t), 1) }()
		eventually(t, "the waiter", func() (waits bool) {
			locked(p, func() { waits = j.changed != nil })
			return waits
		})
		f.finish(t, f.one(t), 10*time.Microsecond)
		require.True(t, await(t, waited, "an outcome"))
		require.Equal(t, []int{100, 100, 100, 100}, counts(f.take()))
	})
}

func TestGuidedSelfScheduling(t *testing.T) {
	const tasks, chunk = 300, 3
	p := New(Options{})
	fakes := attachFakes(t, p, 4)
	endPool(t, p, fakes...)
	job := submit(t, p, timed(p, time.Microsecond), chunk, tasks)

	var sizes []int
	for !job.Done() {
		for _, f := range fakes {
			for _, g := range f.take() {
				sizes = append(sizes, g.Count)
				require.Zero(t, g.Count%chunk, "chunks stay whole")
				f.finish(t, g, time.Microsecond)
			}
		}
	}
	require.IsNonIncreasing(t, sizes)
	require.Equal(t, 39, sizes[0], "an eighth for each of four workers, in whole chunks")
	require.Equal(t, chunk, sizes[len(sizes)-1])
	done, _ := settled(job)
	require.Equal(t, onceUpTo(tasks), done)
}

func TestChunks(t *testing.T) {
	t.Run("end with their batch", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		_, err := p.Submit(timed(p, ahead+1), 4, nil, true, &Batch{Count: 6}, &Batch{Count: 3, Index: 6})
		require.NoError(t, err)
		for _, want := range [][2]int{{0, 4}, {4, 2}, {6, 3}} {
			g := f.one(t)
			require.Equal(t, want, [2]int{g.Batch.Index + g.Offset, g.Count})
			f.finish(t, g, ahead+1)
		}
	})
	t.Run("a chunk beyond the quantum is granted whole", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		submit(t, p, timed(p, time.Second), 3000, 7000)
		require.Equal(t, 3000, f.one(t).Count)
	})
	t.Run("a chunk beyond all numbers is all there is", func(t *testing.T) {
		for _, mean := range []time.Duration{0, 1, time.Second} {
			p := New(Options{})
			f := attachFakes(t, p, 1)[0]
			endPool(t, p, f)
			submit(t, p, timed(p, mean), math.MaxInt, 100)
			require.Equal(t, 100, f.one(t).Count)
		}
	})
}

func TestFairness(t *testing.T) {
	p := New(Options{})
	f := attachFakes(t, p, 1)[0]
	endPool(t, p, f)
	huge := timed(p, 10*time.Microsecond)
	submit(t, p, huge, 1, 1_000_000)
	var held []Grant
	next := func() Grant {
		held = append(held, f.take()...)
		g := held[0]
		held = held[1:]
		f.finish(t, g, 10*time.Microsecond)
		return g
	}
	for range 5 {
		next()
	}
	held = append(held, f.take()...)
	queued := len(held)

	t.Run("a call made during a huge job has the next turn", func(t *testing.T) {
		call := timed(p, 10*time.Microsecond)
		submit(t, p, call, 1, 1)
		for range queued {
			require.Same(t, huge, next().Function)
		}
		require.Same(t, call, next().Function)
	})
	t.Run("two huge jobs take turns", func(t *testing.T) {
		other := timed(p, 10*time.Microsecond)
		submit(t, p, other, 1, 1_000_000)
		turns := map[*Function]int{}
		for range 40 {
			turns[next().Function]++
		}
		require.InDelta(t, turns[huge], turns[other], 4)
	})
}

func TestReportBeforeLongGrant(t *testing.T) {
	for _, c := range []struct {
		name  string
		calls int
		mean  time.Duration
		want  bool
	}{
		{"a call's outcome does not wait for a long grant of another job", 1, quantum, true},
		{"it may wait for a short one", 1, 1, false},
		{"and where more calls of its job are to come", 1000, quantum, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := New(Options{})
			submit(t, p, timed(p, 10*time.Microsecond), 1, c.calls)
			other := submit(t, p, timed(p, c.mean), 1, 1000)
			f := attachFakes(t, p, 1)[0]
			endPool(t, p, f)
			grants := f.take()
			require.False(t, grants[0].Report)
			require.Same(t, other.fn, grants[1].Function)
			require.Equal(t, c.want, grants[1].Report)
		})
	}
}

func TestMaxChunks(t *testing.T) {
	p := New(Options{MaxChunks: 2})
	f := attachFakes(t, p, 1)[0]
	job := submit(t, p, timed(p, time.Microsecond), 3, 12)

	t.Run("a worker gets one chunk at a time", func(t *testing.T) {
		g := f.one(t)
		require.Equal(t, 3, g.Count)
		require.Zero(t, f.told("stop"))
		f.finish(t, g, time.Microsecond)
	})
	t.Run("and is told to go with its last one", func(t *testing.T) {
		g := f.one(t)
		require.Equal(t, 1, f.told("stop"))
		f.finish(t, g, time.Microsecond)
		require.Empty(t, f.take())
	})
	t.Run("another is wanted in its place, and goes on", func(t *testing.T) {
		require.Equal(t, Event{WorkerRetires, f.id}, p.Next())
		f.reporter.Gone()
		require.Equal(t, Event{WorkerGone, f.id}, p.Next())
		require.True(t, p.Exited(f.id, 0), "unless it has been replaced before")
		f = attachFakes(t, p, 1)[0]
		for range 2 {
			f.finish(t, f.one(t), time.Microsecond)
		}
		require.True(t, job.Done())
	})
	endPool(t, p, f)
}

func TestDepth(t *testing.T) {
	p := New(Options{})
	f := attachFakes(t, p, 1)[0]
	endPool(t, p, f)
	function := timed(p, time.Microsecond)
	for range 100 {
		submit(t, p, function, 1, 1)
	}
	first := f.take()
	require.Len(t, first, shallow, "each goes out at once, which is dear")
	require.Equal(t, shallow, f.told("flush"))
	f.finish(t, first[0], time.Microsecond)
	require.Len(t, f.take(), 100-shallow, "what has queued up goes out together")
	require.Equal(t, shallow+1, f.told("flush"))
}
