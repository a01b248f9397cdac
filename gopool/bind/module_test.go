package bind

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// generate writes all that gopool build compiles for the package in a directory, and
// returns the directories of the module and of the Python package.
func generate(t *testing.T, directory string) (module, python string) {
	t.Helper()
	loaded, err := Load(directory)
	require.NoError(t, err)
	p, err := Inspect(loaded)
	require.NoError(t, err)
	gopool, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	module, python = filepath.Join(t.TempDir(), "module"), filepath.Join(t.TempDir(), "python")
	require.NoError(t, p.Write(module, python, gopool))
	return module, python
}

// requireBuilds compiles the generated module as gopy does. Nothing is downloaded.
func requireBuilds(t *testing.T, directory string) {
	t.Helper()
	module, _ := generate(t, directory)
	command := exec.Command("go", "build", "-mod=mod", "./...")
	command.Dir = module
	command.Env = append(os.Environ(), "GOWORK=off", "GOPROXY=off", "GOFLAGS=-buildvcs=false")
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
}

func TestModules(t *testing.T) {
	t.Parallel()
	const library = "package library\n\ntype T struct{ N int }\n"
	for name, archive := range map[string]string{
		"packages that are internal": `
-- p/p.go --
package p

import "example.com/m/p/internal/q"

func F(q.T) {}
-- p/internal/q/q.go --
package q

type T struct{ N int }
-- go.mod --
module example.com/m

go 1.26
`,
		"a module without a dot, of a later version": `
-- p/p.go --
package p

func F() {}
-- go.mod --
module words/v3

go 1.26
`,
		"a replaced module": `
-- p/p.go --
package p

import "example.com/library"

func F(library.T) {}
-- go.mod --
module example.com/m

go 1.26

require example.com/library v1.2.3

replace example.com/library => ./elsewhere
-- elsewhere/go.mod --
module example.com/library

go 1.26
-- elsewhere/library.go --
` + library,
		"a workspace": `
-- p/p.go --
package p

import "example.com/library"

func F(library.T) {}
-- p/go.mod --
module example.com/m

go 1.26
-- library/go.mod --
module example.com/library

go 1.26
-- library/library.go --
` + library + `
-- go.work --
go 1.26

use (
	./p
	./library
)
`,
		"vendored modules": `
-- p/p.go --
package p

import (
	"example.com/library"
	"example.com/library/nested/inner"
)

func F(library.T) string { return inner.Text }
-- go.mod --
module example.com/m

go 1.26

require (
	example.com/library v1.2.3
	example.com/library/nested v0.1.0
)
-- vendor/modules.txt --
# example.com/library v1.2.3
## explicit; go 1.26
example.com/library
# example.com/library/nested v0.1.0
## explicit
example.com/library/nested/inner
-- vendor/example.com/library/nested/inner/inner.go --
package inner

import _ "embed"

//go:embed data/text
var Text string
-- vendor/example.com/library/nested/inner/data/text --
-- vendor/example.com/library/library.go --
` + library,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireBuilds(t, filepath.Join(write(t, archive), "p"))
		})
	}
}

func TestAllThatCrossesCompiles(t *testing.T) {
	t.Parallel()
	requireBuilds(t, write(t, `
-- go.mod --
module example.com/p

go 1.26
-- p.go --
package p

import (
	"context"
	"time"
)

type Level uint8
type Raw []byte
type Path []Point
type alias = Point
type Point struct{ X, Y float64 }
type Entry struct {
	Class  string `+"`json:\"class\"`"+`
	Next   *Entry
	Parts  []Entry
	Labels map[Level]alias
	Array  [2][]alias
	At     time.Time
	hidden chan int
}

func Simple(bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64, string) {}
func Composite([]int, [3]string, map[string][]float64, *int, [][]float64, []alias, *alias) {}
func Named(Raw, time.Month, Path, Level) (Raw, time.Month, Path, Level) { return nil, 0, nil, 0 }
func Times(time.Time, time.Duration) (time.Time, time.Duration) { return time.Time{}, 0 }
func Struct(e *Entry) (Entry, error) { return *e, nil }
func Everything(ctx context.Context, n int, parts ...[]byte) (a int, b string, err error) { return }
func RestOfBytes(rest ...byte) error { return nil }
func Nothing() {}
`))
}

func TestTheUsersFilesAreNotWritten(t *testing.T) {
	t.Parallel()
	directory := write(t, "-- go.mod --\nmodule example.com/p\n\ngo 1.26\n-- p.go --\npackage p\n\nfunc F() {}\n")
	requireBuilds(t, directory)
	entries, err := os.ReadDir(directory)
	require.NoError(t, err)
	require.Len(t, entries, 2)
}
