package bind

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// relative takes a directory out of the positions in an error.
func relative(err error, directory string) error {
	return errors.New(strings.ReplaceAll(err.Error(), directory+string(os.PathSeparator), ""))
}

func TestPackagesThatCannotBeLoaded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ archive, message string }{
		"a type error": {
			archive: "-- go.mod --\nmodule example.com/p\n\ngo 1.26\n-- p.go --\npackage p\n\nfunc F() int { return \"\" }\n",
			message: "p.go:3:23: cannot use \"\" (untyped string constant) as int value in return statement",
		},
		"a syntax error": {
			archive: "-- go.mod --\nmodule example.com/p\n\ngo 1.26\n-- p.go --\npackage p\n\nfunc F( {}\n",
			message: "p.go:3:9: expected ')', found '{'",
		},
		"an error in what it imports": {
			archive: "-- go.mod --\nmodule example.com/p\n\ngo 1.26\n-- p.go --\npackage p\n\nimport \"example.com/p/q\"\n\nvar _ = q.F\n" +
				"-- q/q.go --\npackage q\n\nfunc F() { undefined() }\n",
			message: "q/q.go:3:12: undefined: undefined",
		},
		"a package that is not there": {
			archive: "-- go.mod --\nmodule example.com/p\n\ngo 1.26\n-- p.go --\npackage p\n\nimport _ \"example.com/p/q\"\n",
			message: "p.go:3:8: no required module provides package example.com/p/q; to add it:\n\tgo get example.com/p/q",
		},
		"package main": {
			archive: "-- go.mod --\nmodule example.com/p\n\ngo 1.26\n-- p.go --\npackage main\n\nfunc main() {}\n",
			message: "is package main, which nothing can import: move its functions to a package of their own",
		},
		"no Go files": {
			archive: "-- go.mod --\nmodule example.com/p\n\ngo 1.26\n-- p.txt --\n",
			message: "no Go files in",
		},
		"no module": {
			archive: "-- p.go --\npackage p\n",
			message: "is in no Go module: run `go mod init NAME` there",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := write(t, c.archive)
			_, err := Load(directory)
			require.Error(t, err)
			require.ErrorContains(t, err, directory)
			require.ErrorContains(t, relative(err, directory), c.message)
			require.NotContains(t, err.Error(), moduleName)
		})
	}
}

func TestOnlySoManyErrorsAreTold(t *testing.T) {
	t.Parallel()
	source := "-- go.mod --\nmodule example.com/p\n\ngo 1.26\n-- p.go --\npackage p\n\n" + strings.Repeat("var _ = undefined\n", 20)
	_, err := Load(write(t, source))
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, maxErrors+1)
	require.Equal(t, "too many errors", lines[maxErrors])
}
