package gopool

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool/wire"
)

func TestBrief(t *testing.T) {
	run := func(p *Pool, w *fakeWorker, f *Function, elapsed time.Duration, outcome int) {
		_, err := p.Submit(f, 1, nil, true, &Batch{Count: 1})
		require.NoError(t, err)
		w.mu.Lock()
		g := w.grants[len(w.grants)-1]
		w.mu.Unlock()
		require.NoError(t, w.reporter.Outcomes(Outcomes{
			First: g.Sequence, Count: 1, Elapsed: elapsed, Payload: wire.Outcomes{Count: 1, Data: make([]byte, outcome)},
		}))
	}
	start := func(options Options) (*Pool, *fakeWorker, *Function) {
		p, w := New(options), &fakeWorker{}
		_, err := p.Attach(w)
		require.NoError(t, err)
		w.reporter.Ready()
		return p, w, p.NewFunction("f")
	}
	t.Run("is a function that was timed and takes little", func(t *testing.T) {
		p, w, f := start(Options{})
		require.False(t, p.Brief(f))
		run(p, w, f, briefCall, 8)
		require.Equal(t, watchable, p.Brief(f))
		run(p, w, f, time.Second, 8)
		require.False(t, p.Brief(f))
	})
	t.Run("and has small outcomes", func(t *testing.T) {
		p, w, f := start(Options{})
		for range 20 {
			run(p, w, f, time.Microsecond, briefOutcome/2)
		}
		require.Equal(t, watchable, p.Brief(f))
		run(p, w, f, time.Microsecond, 8*briefOutcome)
		require.False(t, p.Brief(f))
	})
	t.Run("in a pool that counts no chunks", func(t *testing.T) {
		p, w, f := start(Options{MaxChunks: 9})
		run(p, w, f, time.Microsecond, 8)
		require.False(t, p.Brief(f))
	})
}
