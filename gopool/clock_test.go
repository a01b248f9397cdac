package gopool

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClock(t *testing.T) {
	before := monotonic()
	now := clock()
	after := monotonic()
	const apart = 10e6 // for what lies between the readings of the origin
	require.LessOrEqual(t, before, now+apart)
	require.LessOrEqual(t, now, after+apart)
}
