package gopool

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestState(t *testing.T) {
	all := []state{running, closed, terminated, finished}
	legal := map[[2]state]bool{
		{running, closed}:      true,
		{running, terminated}:  true,
		{closed, terminated}:   true,
		{closed, finished}:     true,
		{terminated, finished}: true,
	}
	for _, from := range all {
		for _, to := range all {
			want := legal[[2]state{from, to}]
			t.Run(fmt.Sprintf("%s to %s is legal: %t", from, to, want), func(t *testing.T) {
				s := from
				require.Equal(t, want, s.advance(to))
				if want {
					require.Equal(t, to, s)
				} else {
					require.Equal(t, from, s, "a move that is refused changes nothing")
				}
			})
		}
	}
	t.Run("only a running pool accepts jobs, a closed one still works", func(t *testing.T) {
		for s, want := range map[state][2]bool{
			running:    {true, true},
			closed:     {false, true},
			terminated: {},
			finished:   {},
		} {
			require.Equal(t, want, [2]bool{s.accepts(), s.works()}, s.String())
		}
	})
}

func TestNotRunningError(t *testing.T) {
	t.Run("names the state", func(t *testing.T) {
		require.EqualError(t, &NotRunningError{state: closed}, "pool is closed")
	})
	t.Run("names what broke the pool, and wraps it", func(t *testing.T) {
		cause := errors.New("no memory")
		err := &NotRunningError{Cause: cause, state: terminated}
		require.EqualError(t, err, "pool is broken: no memory")
		require.ErrorIs(t, err, cause)
	})
}
