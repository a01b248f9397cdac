package bridge

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCall(t *testing.T) {
	p, e := newPool(t), newExchange(t, 1<<16)
	w := attach(t, p)
	call := func(wait int64) (number, size int64) {
		copy(e.memory, "fx")
		number = lastJob.Add(1)
		return number, Call(p, number, e.handle, 1, 2, 0, 1, wait)
	}
	t.Run("leaves the value in the exchange, and no job", func(t *testing.T) {
		for range 20 {
			go func() {
				first, _ := w.grant()
				w.report(first, "value")
			}()
			j, size := call(limit)
			require.Equal(t, "value", string(e.memory[:size]))
			require.Equal(t, int64(statusUnknown), Seal(j))
		}
	})
	t.Run("leaves a job whose outcome is not there in time", func(t *testing.T) {
		j, status := call(1)
		require.Equal(t, int64(statusTimeout), status)
		first, _ := w.grant()
		w.report(first, "late")
		require.Equal(t, "late", e.collect(t, j, 1)[0].data)
	})
	t.Run("is refused by a pool that was closed", func(t *testing.T) {
		require.Zero(t, Close(p))
		_, status := call(limit)
		require.Equal(t, int64(statusNotRunning), status)
	})
	finish(t, p, w)
}
