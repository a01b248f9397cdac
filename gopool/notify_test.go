package gopool

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNotify(t *testing.T) {
	told := 0
	tell := func() { told++ }
	t.Run("tells once, when as many as wanted are there", func(t *testing.T) {
		told = 0
		p, j := openJob(t)
		j.Notify(0, 2, tell)
		arrive(p, j, 1)
		require.Zero(t, told)
		arrive(p, j, 1)
		require.Equal(t, 1, told)
		arrive(p, j, 1)
		require.Equal(t, 1, told)
	})
	t.Run("at once, if they are there already", func(t *testing.T) {
		told = 0
		p, j := openJob(t)
		arrive(p, j, 1)
		j.Notify(0, 1, tell)
		require.Equal(t, 1, told)
		j.Notify(1, 1, tell)
		require.Equal(t, 1, told, "not of those that are taken")
		require.Empty(t, j.After(1), "which are forgotten")
		j.Notify(0, 1, tell)
		require.Equal(t, 2, told, "of what another caller has taken")
	})
	t.Run("when no more will come", func(t *testing.T) {
		told = 0
		p, j := openJob(t)
		j.Notify(0, 9, tell)
		arrive(p, j, 1)
		j.Seal()
		require.Equal(t, 1, told)
		j.Notify(0, 9, tell)
		require.Equal(t, 2, told)
	})
	t.Run("when the pool is terminated", func(t *testing.T) {
		told = 0
		p, j := openJob(t)
		j.Notify(0, 1, tell)
		p.Terminate()
		require.Equal(t, 1, told)
	})
}
