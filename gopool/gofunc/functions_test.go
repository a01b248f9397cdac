package gofunc

import "strings"

// The functions of the tests, as generated code has them, by numbers.
const (
	fnSame = iota
	fnLength
)

func init() {
	Register(
		Function{Name: "Same", Params: []string{"n"}, Run: func(t *Task) {
			a0 := Arg(t, Int)
			if t.Failed() {
				return
			}
			Return(t, Int, a0)
		}},
		Function{Name: "Length", Params: []string{"text"}, Run: func(t *Task) {
			a0 := Arg(t, String)
			if t.Failed() {
				return
			}
			Return(t, Int, len(strings.TrimSpace(a0)))
		}},
	)
}
