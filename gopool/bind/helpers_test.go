package bind

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// write makes the files of a txtar archive in a new directory, and returns that.
func write(t *testing.T, archive string) string {
	t.Helper()
	directory, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for _, file := range txtar.Parse([]byte(archive)).Files {
		path := filepath.Join(directory, file.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, file.Data, 0o666))
	}
	return directory
}

// inspect returns what Python sees of a package whose only file this is.
func inspect(t *testing.T, source string) *Package {
	t.Helper()
	loaded, err := Load(write(t, "-- go.mod --\nmodule example.com/p\n\ngo 1.26\n-- p.go --\n"+source))
	require.NoError(t, err)
	p, err := Inspect(loaded)
	require.NoError(t, err)
	return p
}

// reasons returns why functions were skipped, by name.
func reasons(p *Package) map[string]string {
	found := map[string]string{}
	for _, s := range p.Skipped {
		found[s.Name] = s.Reason
	}
	return found
}

// signature returns the descriptors of a function: "parameter, parameter -> result".
func signature(f *Function) string {
	var params, results []string
	for _, param := range f.Params {
		params = append(params, param.Name+" "+descriptor(param.Type))
	}
	for _, result := range f.Results {
		results = append(results, descriptor(result))
	}
	return strings.Join(params, ", ") + " -> " + strings.Join(results, ", ")
}

// signatures returns them by the names of the functions.
func signatures(p *Package) map[string]string {
	found := map[string]string{}
	for i := range p.Functions {
		found[p.Functions[i].Name] = signature(&p.Functions[i])
	}
	return found
}
