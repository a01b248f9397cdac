package gofunc

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

//go:noinline
func divide(n int) int { return 10 / n }

//go:noinline
func index(n int) int { return divide([]int{0}[n]) }

func TestPanic(t *testing.T) {
	f := define(t, unary(Int, Int, divide))
	t.Run("a panic is the last outcome of a range, and others can follow", func(t *testing.T) {
		m := call(f, intItems, 4, words(5, 10, 0, 2)).run()
		o := m.outcomes(t)
		require.Len(t, o, 3)
		require.Equal(t, []outcome{{pack(2), 0}, {pack(1), 0}}, o[:2])
		kind, text, names, _ := told(t, o[2])
		require.Equal(t, goPanic, kind)
		require.Equal(t, "runtime error: integer divide by zero", text)
		require.Equal(t, []any{"runtime.errorString"}, names)
		require.Equal(t, []uint64{5}, call(f, intItems, 1, words(2)).run().column(t, ints))
	})
	t.Run("its stack begins where the user's code panics, and ends where it is called", func(t *testing.T) {
		for _, f := range []int64{define(t, unary(Int, Int, index)), define(t, unary(Int, Int, func(n int) int { return index(n - 5) }))} {
			_, _, _, stack := told(t, call(f, intItems, 1, words(5)).run().outcomes(t)[0])
			require.Regexp(t, `^github.com/gopool/gopool/gopool/gofunc\.(index|divide)\(`, stack)
			require.Contains(t, stack, "shield_test.go:")
			require.NotContains(t, stack, "call(")
			require.NotContains(t, stack, "runtime")
		}
	})
	t.Run("it may be about anything", func(t *testing.T) {
		for reason, text := range map[any]string{"text": "text", 7: "7", nil: "panic called with nil argument"} {
			f := define(t, unary(Int, Int, func(int) int { panic(reason) }))
			_, got, _, stack := told(t, call(f, intItems, 1, words(0)).run().outcomes(t)[0])
			require.Equal(t, text, got)
			require.True(t, strings.HasPrefix(stack, "github.com/gopool/gopool/gopool/gofunc.TestPanic"), stack)
		}
	})
	t.Run("what was written before it is dropped", func(t *testing.T) {
		f := define(t, Function{Name: "F", Run: func(t *Task) {
			t.Results(2)
			Return(t, String, "a")
			panic("late")
		}})
		_, text, _, _ := told(t, callOne(t, f))
		require.Equal(t, "late", text)
	})
	t.Run("one whose error panics is told all the same", func(t *testing.T) {
		f := define(t, Function{Name: "F", Run: func(t *Task) { t.Fail(badError{}) }})
		kind, text, _, _ := told(t, callOne(t, f))
		require.Equal(t, goPanic, kind)
		require.Equal(t, "no text", text)
		f = define(t, Function{Name: "F", Run: func(*Task) { panic(badError{}) }})
		kind, text, _, _ = told(t, callOne(t, f))
		require.Equal(t, goPanic, kind)
		require.Contains(t, text, "no text")
	})
}

// badError is an error that has no text.
type badError struct{}

func (badError) Error() string { panic("no text") }

func TestGoexit(t *testing.T) {
	f := define(t, unary(Int, Int, func(n int) int {
		if n == 1 {
			defer func() { _ = fmt.Sprint(recover()) }()
			runtime.Goexit()
		}
		return n
	}))
	requireQuit := func(t *testing.T, o outcome) {
		kind, text, names, stack := told(t, o)
		require.Equal(t, goPanic, kind)
		require.Equal(t, "runtime.Goexit called", text)
		require.Empty(t, names)
		require.True(t, strings.HasPrefix(stack, "github.com/gopool/gopool/gopool/gofunc.TestGoexit"), stack)
	}
	t.Run("it ends the task, and not the caller", func(t *testing.T) {
		o := call(f, rangeItems, 3, words(0, 1)).run().outcomes(t)
		require.Len(t, o, 2)
		requireQuit(t, o[1])
	})
	t.Run("and in a direct call", func(t *testing.T) {
		requireQuit(t, callDirectly(f, pack(1)))
		require.Equal(t, outcome{pack(2), 0}, callDirectly(f, pack(2)))
	})
}
