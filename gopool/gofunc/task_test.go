package gofunc

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// callOne calls a function once, as a task of a range.
func callOne(t *testing.T, number int64, args ...any) outcome {
	m := call(number, packed, 1, pack(append([]any{}, args...)))
	m.star = 1
	m.run()
	if m.encoding != records {
		return outcome{m.bytes(), uint64(m.encoding)}
	}
	return m.outcomes(t)[0]
}

// requireRefused requires that a call is a TypeError with a text.
func requireRefused(t *testing.T, text string, o outcome) {
	t.Helper()
	kind, got, _, _ := told(t, o)
	require.Equal(t, text, got)
	require.Equal(t, typeError, kind)
}

func TestArguments(t *testing.T) {
	repeat := define(t, Function{Name: "Repeat", Params: []string{"text", "n"}, Run: func(t *Task) {
		a0 := Arg(t, String)
		a1 := Arg(t, Int8)
		if t.Failed() {
			return
		}
		Return(t, String, fmt.Sprint(a0, a1))
	}})
	sum := define(t, Function{Name: "Sum", Params: []string{"scale", "xs"}, Variadic: true, Run: func(t *Task) {
		a0 := Arg(t, Int)
		a1 := Rest(t, Int)
		if t.Failed() {
			return
		}
		Return(t, Slice(String), []string{fmt.Sprint(a0, a1, a1 == nil)})
	}})
	none := define(t, Function{Name: "None", Run: func(*Task) {}})
	t.Run("they are read in turn", func(t *testing.T) {
		require.Equal(t, "a7", unpack(t, callOne(t, repeat, "a", 7).data))
	})
	t.Run("what fails is named, and is the first that does", func(t *testing.T) {
		requireRefused(t, "Repeat() argument 'text' must be str, not int", callOne(t, repeat, 7, "a"))
		requireRefused(t, "Repeat() argument 'n' must be int, not str", callOne(t, repeat, "a", "a"))
	})
	t.Run("a variadic function gets what is left of them", func(t *testing.T) {
		require.Equal(t, []any{"2 [] true"}, unpack(t, callOne(t, sum, 2).data))
		require.Equal(t, []any{"2 [3 4] false"}, unpack(t, callOne(t, sum, 2, 3, 4).data))
		requireRefused(t, "Sum() argument 'xs[1]' must be int, not str", callOne(t, sum, 2, 3, "a"))
	})
	t.Run("there have to be as many as the function takes", func(t *testing.T) {
		requireRefused(t, "Repeat() takes 2 arguments, 1 given", callOne(t, repeat, "a"))
		requireRefused(t, "Repeat() takes 2 arguments, 3 given", callOne(t, repeat, "a", 1, 2))
		requireRefused(t, "Sum() takes at least 1 argument, 0 given", callOne(t, sum))
		requireRefused(t, "None() takes 0 arguments, 1 given", callOne(t, none, 1))
		require.Equal(t, outcome{[]byte{}, uint64(nones)}, callOne(t, none))
	})
	t.Run("one without star is the only one", func(t *testing.T) {
		m := call(repeat, packed, 1, pack([]any{"a", 1})).run()
		requireRefused(t, "Repeat() takes 2 arguments, 1 given", m.outcomes(t)[0])
	})
	t.Run("a function that is not there is a mistake of versions", func(t *testing.T) {
		requireRefused(t, "there is no function 1000000: the package has changed", callOne(t, 1000000))
		requireRefused(t, "there is no function -1: the package has changed", callOne(t, -1, 7))
	})
}

func TestResults(t *testing.T) {
	t.Run("several are a list", func(t *testing.T) {
		three := define(t, Function{Name: "F", Run: func(t *Task) {
			t.Results(3)
			Return(t, Int, 1)
			Return(t, Bool, true)
			Return(t, String, "a")
		}})
		require.Equal(t, []any{int64(1), true, "a"}, unpack(t, callOne(t, three).data))
	})
	t.Run("what can't be written fails as a whole", func(t *testing.T) {
		circle := &entry{}
		circle.Next = circle
		two := define(t, Function{Name: "F", Run: func(t *Task) {
			t.Results(2)
			Return(t, Pointer(entries), circle)
			Return(t, Int, 1)
		}})
		kind, text, _, _ := told(t, callOne(t, two))
		require.Equal(t, "F() result: structs are too deep in each other", text)
		require.Equal(t, valueError, kind)
	})
}

func TestFail(t *testing.T) {
	failWith := func(t *testing.T, err error) (kind failureKind, text string, names []any) {
		f := define(t, Function{Name: "F", Run: func(t *Task) { t.Fail(err) }})
		kind, text, names, stack := told(t, callOne(t, f))
		require.Empty(t, stack)
		return kind, text, names
	}
	t.Run("an error is told with the types of all that it wraps", func(t *testing.T) {
		kind, text, names := failWith(t, fmt.Errorf("load: %w", &fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}))
		require.Equal(t, goError, kind)
		require.Equal(t, "load: open x: no such file or directory", text)
		require.Equal(t, []any{"*fmt.wrapError", "*fs.PathError", "syscall.Errno"}, names)
	})
	t.Run("joined ones too, in their order", func(t *testing.T) {
		_, _, names := failWith(t, errors.Join(&fs.PathError{Err: fs.ErrExist}, nil, syscall.EBADF))
		require.Equal(t, []any{"*errors.joinError", "*fs.PathError", "*errors.errorString", "syscall.Errno"}, names)
	})
}
