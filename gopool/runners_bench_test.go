package gopool

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool/wire"
)

// noop is a RangeFunc whose tasks do nothing: what is left is what the pool does.
type noop struct{ *fakeRanges }

func (noop) Run(r *Range) wire.Outcomes {
	started, recalled := r.Started, r.Recalled
	for i := range r.Count {
		number := r.Sequence + uint64(i)
		started.Store(number)
		if recalled.Load() <= number {
			return wire.Outcomes{Count: i, Encoding: wire.Nones}
		}
	}
	return wire.Outcomes{Count: r.Count, Encoding: wire.Nones}
}

func BenchmarkRunners(b *testing.B) {
	b.Run("task", func(b *testing.B) {
		p, _ := runners(b, 2, Options{})
		f := noop{newFakeRanges(nil)}
		j := start(b, p, f, 1000)
		require.True(b, j.Wait(b.Context(), 1001))
		b.ResetTimer()
		j = start(b, p, f, b.N)
		require.True(b, j.Wait(b.Context(), b.N+1))
	})
	b.Run("call", func(b *testing.B) {
		p, _ := runners(b, 2, Options{})
		function := p.NewFunction(noop{newFakeRanges(nil)})
		for range b.N {
			j, err := p.Submit(function, 1, nil, true, &Batch{Count: 1})
			require.NoError(b, err)
			require.True(b, j.Wait(b.Context(), 2))
		}
	})
	b.Run("pool of 8", func(b *testing.B) {
		for range b.N {
			p := New(Options{})
			r := NewRunners(p)
			require.NoError(b, r.Start(8))
			p.Terminate()
			r.Serve()
		}
	})
}
