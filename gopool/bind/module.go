package bind

import (
	"errors"
	"go/version"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/tools/go/packages"
)

// gopoolModule is the module that generated code imports gofunc from.
const gopoolModule = "github.com/gopool/gopool"

// moduleName is the last element of the generated module's path. The path is below that
// of the user's package, so that the user's internal packages may be imported.
const moduleName = "gopool_generated"

// moduleFiles returns go.mod and go.sum of the generated module. It requires what the user's
// package is built of, in the versions and from the places that the go command chose in the
// user's own module or workspace; modules that were vendored there are in these directories.
//
// A workspace would do the same, but gopy calls go with -mod=mod, which workspaces refuse.
func moduleFiles(p *Package, gopool string, vendored map[string]string) (mod, sum []byte, err error) {
	shipped, sum, err := readModule(filepath.Join(gopool, "go.mod"))
	if err != nil {
		return nil, nil, err
	}
	file := new(modfile.File)
	if err := file.AddModuleStmt(p.Path + "/" + moduleName); err != nil {
		return nil, nil, err
	}
	goVersion := "go" + shipped.Go.Version
	for _, m := range modulesOf(p.loaded) {
		if v := "go" + m.GoVersion; version.Compare(v, goVersion) > 0 {
			goVersion = v
		}
		if place := vendored[m.Path]; place != "" {
			m = &packages.Module{Path: m.Path, Version: m.Version, Replace: &packages.Module{Dir: place}}
		}
		added, err := addModule(file, m)
		if err != nil {
			return nil, nil, err
		}
		sum = append(sum, added...)
	}
	if err := file.AddGoStmt(goVersion[len("go"):]); err != nil {
		return nil, nil, err
	}
	file.AddNewRequire(gopoolModule, "v0.0.0", false)
	if err := file.AddReplace(gopoolModule, "", gopool, ""); err != nil {
		return nil, nil, err
	}
	mod, err = file.Format()
	return mod, sum, err
}

// addModule adds a module to those that are required. It returns the checksums that come with it.
func addModule(file *modfile.File, m *packages.Module) (sum []byte, err error) {
	if m.Main {
		own, sum, err := readModule(m.GoMod)
		if err != nil {
			return nil, err
		}
		if err := copyReplacements(file, own, m.Dir); err != nil {
			return nil, err
		}
		file.AddNewRequire(m.Path, placeholder(m.Path), false)
		return sum, file.AddReplace(m.Path, "", m.Dir, "")
	}
	file.AddNewRequire(m.Path, m.Version, false)
	if r := m.Replace; r != nil && r.Version != "" {
		return nil, file.AddReplace(m.Path, "", r.Path, r.Version)
	} else if r != nil {
		return nil, file.AddReplace(m.Path, "", r.Dir, "")
	}
	return nil, nil
}

// copyReplacements takes over a module's replace lines: only those of the main module count,
// and that is the generated one now.
func copyReplacements(file, from *modfile.File, directory string) error {
	for _, r := range from.Replace {
		path := r.New.Path
		if r.New.Version == "" && !filepath.IsAbs(path) {
			path = filepath.Join(directory, path)
		}
		if err := file.AddReplace(r.Old.Path, r.Old.Version, path, r.New.Version); err != nil {
			return err
		}
	}
	return nil
}

// placeholder returns a version for a module that has none, since it is replaced by a directory.
func placeholder(path string) string {
	_, major, _ := module.SplitPathVersion(path)
	if prefix := module.PathMajorPrefix(major); prefix != "" {
		return prefix + ".0.0"
	}
	return "v0.0.0"
}

// readModule reads a go.mod, and the go.sum beside it if there is one.
func readModule(path string) (*modfile.File, []byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	file, err := modfile.Parse(path, text, nil)
	if err != nil {
		return nil, nil, err
	}
	sum, err := os.ReadFile(filepath.Join(filepath.Dir(path), "go.sum"))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return file, sum, err
}

// modulesOf returns the modules that a package and all that it imports are in, by path.
func modulesOf(loaded *packages.Package) []*packages.Module {
	known := map[string]*packages.Module{}
	packages.Visit([]*packages.Package{loaded}, nil, func(p *packages.Package) {
		if p.Module != nil {
			known[p.Module.Path] = p.Module
		}
	})
	var found []*packages.Module
	for _, path := range slices.Sorted(maps.Keys(known)) {
		found = append(found, known[path])
	}
	return found
}
