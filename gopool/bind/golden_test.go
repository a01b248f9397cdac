package bind

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what is generated to testdata")

func TestWhatIsGenerated(t *testing.T) {
	t.Parallel()
	const golden = "testdata/wordcount.txtar"
	text, err := os.ReadFile(golden)
	require.NoError(t, err)
	archive := txtar.Parse(text)
	module, python := generate(t, write(t, string(text)))
	generated := []txtar.File{
		{Name: "want/functions.go", Data: read(t, module, "binding", "functions.go")},
		{Name: "want/__init__.py", Data: read(t, python, "__init__.py")},
		{Name: "want/__init__.pyi", Data: read(t, python, "__init__.pyi")},
	}
	if *update {
		archive.Files = append(inputs(archive), generated...)
		require.NoError(t, os.WriteFile(golden, txtar.Format(archive), 0o666))
	}
	require.Equal(t, string(txtar.Format(&txtar.Archive{Files: generated})),
		string(txtar.Format(&txtar.Archive{Files: archive.Files[len(inputs(archive)):]})))
}

// inputs returns the files that nothing was generated of.
func inputs(archive *txtar.Archive) []txtar.File {
	for i, file := range archive.Files {
		if strings.HasPrefix(file.Name, "want/") {
			return archive.Files[:i]
		}
	}
	return archive.Files
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return content
}
