package bind

import (
	"os"
	"path/filepath"
)

// Write writes the generated module to the directory module, and the Python package
// without its extension to the directory python. Both are made. The directory gopool has
// the module that gofunc is in.
func (p *Package) Write(module, python, gopool string) error {
	functions, err := functionsSource(p)
	if err != nil {
		return err
	}
	vendored, err := copyVendored(p.loaded, filepath.Join(module, "vendored"))
	if err != nil {
		return err
	}
	mod, sum, err := moduleFiles(p, gopool, vendored)
	if err != nil {
		return err
	}
	return writeFiles(map[string][]byte{
		filepath.Join(module, "go.mod"):                  mod,
		filepath.Join(module, "go.sum"):                  sum,
		filepath.Join(module, "binding", "binding.go"):   []byte(bindingSource),
		filepath.Join(module, "binding", "functions.go"): functions,
		filepath.Join(python, "__init__.py"):             initSource(p),
		filepath.Join(python, "__init__.pyi"):            stubSource(p),
		filepath.Join(python, "py.typed"):                nil,
	})
}

func writeFiles(files map[string][]byte) error {
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(name, content, 0o666); err != nil {
			return err
		}
	}
	return nil
}
