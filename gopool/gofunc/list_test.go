package gofunc

import (
	"testing"

	"github.com/tinylib/msgp/msgp"
)

func TestSlice(t *testing.T) {
	t.Run("lists of anything come back as they are, and None is nil", func(t *testing.T) {
		for _, v := range [][]string{nil, {}, {"a", ""}} {
			requireRoundTrip(t, Slice(String), v)
		}
		requireRoundTrip(t, Slice(Slice(String)), [][]string{{"a"}, nil})
	})
	t.Run("numbers may come in a list too", func(t *testing.T) {
		requireRead(t, Slice(Int8), []int8{1, 0, -2}, []any{1, false, -2})
		requireRead(t, Slice(Slice(Float64)), [][]float64{{1}, {}}, []any{[]any{1}, []any{}})
	})
	t.Run("the item that fails is named", func(t *testing.T) {
		requireFailure(t, Slice(Int8), overflowError, "F() argument 'x[1]': 300 does not fit int8", []any{1, 300})
		requireFailure(t, Slice(Slice(String)), typeError, "F() argument 'x[0][1]' must be str, not None", []any{[]any{"", nil}})
	})
	t.Run("what is no list is refused", func(t *testing.T) {
		requireFailure(t, Slice(String), typeError, "F() argument 'x' must be list, not str", "abc")
		requireFailure(t, Slice(Int), typeError, "F() argument 'x' must be list or buffer of 'q', not dict", map[string]any{})
	})
	t.Run("a list that says it is longer than the message is malformed", func(t *testing.T) {
		requireFailure(t, Slice(String), valueError, "F() argument 'x': malformed msgpack", msgp.Raw(msgp.AppendArrayHeader(nil, 1<<31)))
	})
}

func TestArray(t *testing.T) {
	three := Array(Int, func(a *[3]int) []int { return a[:] })
	words := Array(String, func(a *[2]string) []string { return a[:] })
	requireRoundTrip(t, words, [2]string{"a", "b"})
	requireRead(t, three, [3]int{1, 2, 3}, []any{1, 2, 3})
	requireFailure(t, three, valueError, "F() argument 'x': 3 items expected, got 2", []any{1, 2})
	requireFailure(t, three, valueError, "F() argument 'x': 3 items expected, got 1", inline('q', make([]byte, 8), 1))
	requireFailure(t, three, typeError, "F() argument 'x' must be list or buffer of 'q', not None", nil)
	requireFailure(t, three, typeError, "F() argument 'x[0]' must be int, not str", []any{"a"})
}
