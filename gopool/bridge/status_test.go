package bridge

import (
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool"
)

// quietly returns what f writes to standard error.
func quietly(t *testing.T, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	stderr := os.Stderr
	os.Stderr = w
	defer func() { os.Stderr = stderr }()
	f()
	require.NoError(t, w.Close())
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	return string(text)
}

func TestGuard(t *testing.T) {
	require.Equal(t, int64(3), guard(func() int64 { return 3 }))
	text := quietly(t, func() {
		require.Equal(t, int64(statusPanic), guard(func() int64 { panic("lost my way") }))
	})
	require.Contains(t, text, "gopool: internal error: lost my way")
	require.Contains(t, text, "status_test.go", "the stack")
}

func TestStatusOf(t *testing.T) {
	for want, err := range map[int64]error{
		statusTerminated: fmt.Errorf("wrapped: %w", gopool.ErrTerminated),
		statusBroken:     &gopool.NotRunningError{Cause: errors.New("why")},
		statusNotRunning: &gopool.NotRunningError{},
		statusSystem:     errors.New("another"),
	} {
		require.Equal(t, want, statusOf(err))
	}
}

func TestABI(t *testing.T) { require.Positive(t, ABI()) }
