package bind

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSignatures(t *testing.T) {
	t.Parallel()
	p := inspect(t, `package p

import (
	"context"
	"errors"
)

func Nothing() {}
func Two(a int, b string) (string, int) { return b, a }
func Fails(n int) (int, error) { return n, errors.New("no") }
func OnlyFails() error { return nil }
func Waits(ctx context.Context, n int) {}
func Rest(first int, rest ...string) {}
func RestOfBytes(rest ...byte) {}
func Names(lambda, _, from, from_ int) {}

func Generic[T any](v T) {}
func LateContext(n int, ctx context.Context) {}
func EarlyError() (error, int) { return nil, 0 }
func None() {}
func hidden() {}

type T struct{}

func (T) Method() {}

var Variable = func() {}
`)
	require.Equal(t, map[string]string{
		"Nothing":     ` -> `,
		"Two":         `a "int", b "string" -> "string", "int"`,
		"Fails":       `n "int" -> "int"`,
		"OnlyFails":   ` -> `,
		"Waits":       `n "int" -> `,
		"Rest":        `first "int", rest ("slice", "string") -> `,
		"RestOfBytes": `rest ("slice", "uint8") -> `,
		"Names":       `lambda_ "int", arg1 "int", from_ "int", from__ "int" -> `,
	}, signatures(p))
	require.Equal(t, map[string]string{
		"Generic":     "it is generic",
		"LateContext": "parameter ctx: context.Context is an interface",
		"EarlyError":  "an error that is not its last result",
		"None":        "its name is a keyword of Python's",
	}, reasons(p))

	marks := map[string][3]bool{}
	for _, f := range p.Functions {
		marks[f.Name] = [3]bool{f.Error, f.Context, f.Variadic}
	}
	require.Equal(t, [3]bool{true, false, false}, marks["OnlyFails"])
	require.Equal(t, [3]bool{true, false, false}, marks["Fails"])
	require.Equal(t, [3]bool{false, true, false}, marks["Waits"])
	require.Equal(t, [3]bool{false, false, true}, marks["Rest"])
	require.Equal(t, [3]bool{}, marks["Two"])
}

func TestFunctionsAreInTheOrderOfTheSources(t *testing.T) {
	t.Parallel()
	p := inspect(t, "package p\n\nfunc Z() {}\nfunc A() {}\nfunc M() {}\n")
	var names []string
	for _, f := range p.Functions {
		names = append(names, f.Name)
	}
	require.Equal(t, []string{"Z", "A", "M"}, names)
}

func TestComments(t *testing.T) {
	t.Parallel()
	p := inspect(t, `// Package p is for a test.
//
// Nothing else.
package p

// A Point is "somewhere".
type Point struct{ X int }

type (
	// Line has two ends.
	Line struct{ From, To Point }
)

// Draw draws
// a line.
func Draw(l Line) {}

func Silent() {}
`)
	require.Equal(t, "Package p is for a test.\n\nNothing else.", p.Doc)
	require.Equal(t, "Draw draws\na line.", p.Functions[0].Doc)
	require.Empty(t, p.Functions[1].Doc)
	require.Equal(t, "Line has two ends.", p.Structs[0].Doc)
	require.Equal(t, `A Point is "somewhere".`, p.Structs[1].Doc)
}

func TestDocstrings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"One line.":           `"""One line."""`,
		"One.\n\n\tTwo()":     "\"\"\"One.\n\n    \tTwo()\n    \"\"\"",
		`A "word" and a \n`:   `"""A "word" and a \\n"""`,
		`It ends in "quotes"`: `"""It ends in \"quotes\""""`,
		`It has """ in it`:    `"""It has \"\"\" in it"""`,
	} {
		require.Equal(t, want, docstring(text, "    "))
	}
}

func TestFieldsOfStructs(t *testing.T) {
	t.Parallel()
	p := inspect(t, `package p

type Base struct{ ID int }

type Entry struct {
	Base
	Word   string `+"`json:\"word,omitempty\"`"+`
	Class  string `+"`json:\"class\"`"+`
	Dashed string `+"`json:\"two-words\"`"+`
	Secret string `+"`json:\"-\"`"+`
	Next   *Entry
	Handle func() `+"`json:\"-\"`"+`
	hidden chan int
}

type Twice struct {
	A int `+"`json:\"same\"`"+`
	B int `+"`json:\"same\"`"+`
}

type Empty struct{}

func Read(e Entry) {}
func Same(t Twice) {}
func Nothing(e Empty) Empty { return e }
`)
	require.Equal(t, map[string]string{"Same": "parameter t: Twice has two fields called same"}, reasons(p))
	require.Len(t, p.Structs, 3)
	entry, base, empty := p.Structs[0], p.Structs[1], p.Structs[2]
	type row struct{ name, wire, goes, kind string }
	var rows []row
	for _, f := range entry.Fields {
		rows = append(rows, row{f.Name, f.Wire, f.Go, descriptor(f.Type)})
	}
	require.Equal(t, []row{
		{"Base", "Base", "Base", `("struct", "Base")`},
		{"word", "word", "Word", `"string"`},
		{"class_", "class", "Class", `"string"`},
		{"Dashed", "Dashed", "Dashed", `"string"`},
		{"Next", "Next", "Next", `("pointer", ("struct", "Entry"))`},
	}, rows)
	require.Equal(t, "Base", base.Name)
	require.Empty(t, empty.Fields)
}

func TestStructsThatShareAName(t *testing.T) {
	t.Parallel()
	loaded, err := Load(write(t, `
-- go.mod --
module example.com/p

go 1.26
-- p.go --
package p

import (
	"example.com/p/a"
	"example.com/p/b"
)

type Local struct{ N int }

func First(v a.Entry) {}
func Second(v b.Entry) {}
func Third(v a.Local) {}
-- a/a.go --
package a

type Entry struct{ N int }
type Local struct{ N int }
-- b/b.go --
package b

type Entry struct{ N int }
`))
	require.NoError(t, err)
	p, err := Inspect(loaded)
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"Second": "parameter v: example.com/p/b.Entry is one of two types of that name",
		"Third":  "parameter v: example.com/p/a.Local is one of two things of that name",
	}, reasons(p))
}

func TestAPackageWithoutFunctions(t *testing.T) {
	t.Parallel()
	for source, message := range map[string]string{
		"package p\n\nfunc hidden() {}\n": "package example.com/p exports no function",
		"package p\n\nfunc Wait(c chan int) {}\n": "package example.com/p exports no function that Python can call:\n" +
			"p.go:3:6: Wait: parameter c: chan int is a channel",
		"package lambda\n\nfunc Call() {}\n": "package lambda has the name of a keyword of Python's, which can't be imported",
		"package gopool\n\nfunc Call() {}\n": "package gopool would hide gopool itself in Python: give it another name",
	} {
		directory := write(t, "-- go.mod --\nmodule example.com/p\n\ngo 1.26\n-- p.go --\n"+source)
		loaded, err := Load(directory)
		require.NoError(t, err)
		_, err = Inspect(loaded)
		require.EqualError(t, relative(err, directory), message)
	}
}
