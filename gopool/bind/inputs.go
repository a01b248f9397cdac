package bind

import (
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Inputs is what a build depends on and the user may change: files, and directories
// where a new file would count.
type Inputs struct {
	Files       []string `json:"files"`
	Directories []string `json:"directories"`
}

// Inputs returns what the package is built of, except modules that have a version: those
// don't change.
func (p *Package) Inputs() Inputs {
	files, directories := map[string]bool{}, map[string]bool{}
	packages.Visit([]*packages.Package{p.loaded}, nil, func(p *packages.Package) {
		if p.Module == nil || !isLocal(p.Module) {
			return
		}
		for _, names := range [][]string{p.GoFiles, p.OtherFiles, p.IgnoredFiles, p.EmbedFiles} {
			for _, name := range names {
				files[name] = true
				directories[filepath.Dir(name)] = true
			}
		}
		noteModule(files, p.Module.GoMod)
	})
	if workspace := workspaceOf(p.loaded.Dir); workspace != "" {
		files[workspace] = true
	}
	return Inputs{slices.Sorted(maps.Keys(files)), slices.Sorted(maps.Keys(directories))}
}

// isLocal says whether a module is a directory of the user's.
func isLocal(m *packages.Module) bool {
	return m.Main || m.Replace != nil && m.Replace.Version == ""
}

// noteModule notes a go.mod, and the files beside it that matter if they are there or once
// they will be.
func noteModule(files map[string]bool, mod string) {
	files[mod] = true
	files[filepath.Join(filepath.Dir(mod), "go.sum")] = true
	files[filepath.Join(filepath.Dir(mod), "vendor", "modules.txt")] = true
}

// workspaceOf returns the go.work that is in force in a directory, or nothing.
func workspaceOf(directory string) string {
	command := exec.Command("go", "env", "GOWORK")
	command.Dir = directory
	output, err := command.Output()
	if workspace := strings.TrimSpace(string(output)); err == nil && workspace != "off" {
		return workspace
	}
	return ""
}
