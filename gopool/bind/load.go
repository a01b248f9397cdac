package bind

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Types of dependencies come from their sources: their compiled form, which
// would do as well, is not the one that a shared library is linked from.
const loadMode = packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles |
	packages.NeedImports | packages.NeedDeps | packages.NeedTypes | packages.NeedSyntax |
	packages.NeedModule | packages.NeedEmbedFiles

// maxErrors is how many messages of the compiler are passed on, as the compiler does.
const maxErrors = 10

// Load loads the package in a directory and what it imports. An error is for
// the user to read: the messages of the go command and of the compiler, with
// the positions in the user's files.
func Load(directory string) (*packages.Package, error) {
	directory, err := filepath.Abs(directory)
	if err != nil {
		return nil, err
	}
	if !inModule(directory) {
		return nil, fmt.Errorf("%s is in no Go module: run `go mod init NAME` there", directory)
	}
	loaded, err := packages.Load(&packages.Config{Mode: loadMode, Dir: directory}, ".")
	if err != nil {
		return nil, err
	}
	if err := firstErrors(loaded, directory); err != nil {
		return nil, err
	}
	p := loaded[0]
	if p.Name == "main" {
		return nil, fmt.Errorf("%s is package main, which nothing can import: "+
			"move its functions to a package of their own", directory)
	}
	return p, nil
}

func inModule(directory string) bool {
	for {
		if _, err := os.Stat(filepath.Join(directory, "go.mod")); err == nil {
			return true
		}
		parent := filepath.Dir(directory)
		if parent == directory {
			return false
		}
		directory = parent
	}
}

// firstErrors joins what is wrong with the packages and with their dependencies,
// which come first. Where packages are missing, the types that are missing therefore are
// not mentioned.
func firstErrors(loaded []*packages.Package, directory string) error {
	var missing, wrong messages
	packages.Visit(loaded, nil, func(p *packages.Package) {
		for _, problem := range p.Errors {
			if problem.Kind == packages.ListError {
				missing.add(problem, directory)
			} else {
				wrong.add(problem, directory)
			}
		}
	})
	if len(missing) > 0 {
		return missing.err()
	}
	return wrong.err()
}

// messages are of the go command or the compiler, each one once.
type messages []string

// add adds one; some positions are relative to the directory.
func (m *messages) add(problem packages.Error, directory string) {
	text := strings.TrimSpace(problem.Msg)
	if position := problem.Pos; position != "" && position != "-" {
		if !filepath.IsAbs(position) {
			position = filepath.Join(directory, position)
		}
		text = position + ": " + text
	}
	if !slices.Contains(*m, text) {
		*m = append(*m, text)
	}
}

func (m messages) err() error {
	if len(m) == 0 {
		return nil
	}
	if len(m) > maxErrors {
		m = append(m[:maxErrors:maxErrors], "too many errors")
	}
	return errors.New(strings.Join(m, "\n"))
}
