package bridge

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// words returns words that are in an exchange from an offset on.
func (e exchange) words(at, count int) []uint64 {
	found := make([]uint64, count)
	for i := range found {
		found[i] = word(e.memory[at+8*i:])
	}
	return found
}

func TestStats(t *testing.T) {
	p, e := newPool(t), newExchange(t, 1<<16)
	w := attach(t, p)
	t.Run("have the pool, then each worker", func(t *testing.T) {
		require.Equal(t, int64(8*(10+5)), Stats(p, e.handle))
		require.Equal(t, []uint64{0, 0, 0, 0, 0, 0, 0}, e.words(24, 7))
		require.Equal(t, []uint64{uint64(w.number), uint64(w.process.Process.Pid), 1, 0, 0}, e.words(80, 5))
	})
	t.Run("and the task that it is in, with the code of the function", func(t *testing.T) {
		j := e.submit(p, "code", "batch", 3, 3, flagSealed)
		first, _ := w.grant()
		w.start(first + 1)
		size := Stats(p, e.handle)
		require.Equal(t, int64(8*(10+5+6)+len("code")), size)
		require.Equal(t, []uint64{1, 1, 1}, e.words(24, 3))
		require.Equal(t, []uint64{2, 1, 1}, e.words(80+16, 3))
		require.Equal(t, uint64(1), e.words(120, 1)[0])
		require.Equal(t, uint64(4), e.words(160, 1)[0])
		require.Equal(t, "code", string(e.memory[168:size]))
		require.Zero(t, Progress(j))
		w.report(first, "a", "b", "c")
		require.Zero(t, waitDone(j, limit))
		require.Equal(t, int64(3)<<1|1, Progress(j))
		e.collect(t, j, 3)
	})
	t.Run("that do not fit say how much would do", func(t *testing.T) {
		small := newExchange(t, 64)
		require.Equal(t, -int64(8*(10+5)), Stats(p, small.handle))
	})
	finish(t, p, w)
}
