package bind

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/tools/go/packages"
)

// copyVendored makes modules of what is vendored, below a directory, and returns where they
// are by path: a vendor directory counts for the main module only, and that is the generated one.
// They have the packages that are needed, which is all that a vendor directory is sure to have.
func copyVendored(loaded *packages.Package, directory string) (map[string]string, error) {
	places := map[string]string{}
	var failed error
	packages.Visit([]*packages.Package{loaded}, nil, func(p *packages.Package) {
		if !isVendored(p) || failed != nil {
			return
		}
		place := filepath.Join(directory, p.Module.Path)
		places[p.Module.Path] = place
		failed = copyPackage(p, filepath.Join(place, strings.TrimPrefix(p.PkgPath, p.Module.Path)))
		if failed == nil {
			failed = writeMod(p.Module, place)
		}
	})
	return places, failed
}

func isVendored(p *packages.Package) bool {
	return p.Module != nil && strings.HasSuffix(filepath.ToSlash(p.Dir), "/vendor/"+p.PkgPath)
}

// copyPackage copies the files of a package, and those that it embeds.
func copyPackage(p *packages.Package, target string) error {
	entries, err := os.ReadDir(p.Dir)
	if err != nil {
		return err
	}
	names := slices.Clone(p.EmbedFiles)
	for _, entry := range entries {
		if entry.Type().IsRegular() {
			names = append(names, filepath.Join(p.Dir, entry.Name()))
		}
	}
	files := map[string][]byte{}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files[filepath.Join(target, strings.TrimPrefix(name, p.Dir))] = content
	}
	return writeFiles(files)
}

// writeMod writes a go.mod without requirements: the generated module has them all.
func writeMod(m *packages.Module, directory string) error {
	file := new(modfile.File)
	if err := file.AddModuleStmt(m.Path); err != nil {
		return err
	}
	if m.GoVersion != "" {
		if err := file.AddGoStmt(m.GoVersion); err != nil {
			return err
		}
	}
	content, err := file.Format()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(directory, "go.mod"), content, 0o666)
}
