package bind

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// A Package is what Python sees of a Go package.
type Package struct {
	Name      string
	Path      string
	Doc       string
	Functions []Function // in the order of the sources
	Structs   []*Struct
	Skipped   []Skipped
	loaded    *packages.Package
}

// A Function is an exported function that Python can call.
type Function struct {
	Name     string
	Doc      string
	Params   []Param // without a context
	Results  []*Type // without an error
	Context  bool
	Error    bool
	Variadic bool
}

// A Param is a parameter of a function.
type Param struct {
	Name string
	Type *Type
}

// Skipped is an exported function that Python can't call, and why.
type Skipped struct {
	Name     string
	Position token.Position
	Reason   string
}

// Inspect finds the functions of a package. It is an error if there is none that
// Python can call.
func Inspect(loaded *packages.Package) (*Package, error) {
	p := &Package{Name: loaded.Name, Path: loaded.PkgPath, Doc: packageDoc(loaded), loaded: loaded}
	if isKeyword(p.Name) {
		return nil, fmt.Errorf("package %s has the name of a keyword of Python's, "+
			"which can't be imported", p.Name)
	}
	if p.Name == "gopool" {
		return nil, errors.New("package gopool would hide gopool itself in Python: give it another name")
	}
	m := &mapper{user: loaded.Types, docs: docsOf(loaded)}
	for _, object := range exportedFunctions(loaded.Types) {
		var f Function
		err := m.try(func() (err error) {
			f, err = m.function(object)
			return err
		})
		if err != nil {
			position := loaded.Fset.Position(object.Pos())
			p.Skipped = append(p.Skipped, Skipped{object.Name(), position, err.Error()})
			continue
		}
		p.Functions = append(p.Functions, f)
	}
	p.Structs = m.structs
	if len(p.Functions) == 0 {
		return nil, errors.New(p.nothing())
	}
	return p, nil
}

// nothing says that no function was found, and why none of those that there are will do.
func (p *Package) nothing() string {
	if len(p.Skipped) == 0 {
		return fmt.Sprintf("package %s exports no function", p.Path)
	}
	lines := []string{fmt.Sprintf("package %s exports no function that Python can call:", p.Path)}
	for _, s := range p.Skipped {
		lines = append(lines, fmt.Sprintf("%s: %s: %s", s.Position, s.Name, s.Reason))
	}
	return strings.Join(lines, "\n")
}

// exportedFunctions returns the exported functions of a package, in the order of the sources.
func exportedFunctions(p *types.Package) []*types.Func {
	var found []*types.Func
	for _, name := range p.Scope().Names() {
		if f, ok := p.Scope().Lookup(name).(*types.Func); ok && f.Exported() {
			found = append(found, f)
		}
	}
	slices.SortFunc(found, func(a, b *types.Func) int { return int(a.Pos() - b.Pos()) })
	return found
}

// packageDoc joins the comments above the package clauses.
func packageDoc(p *packages.Package) string {
	var parts []string
	for _, file := range p.Syntax {
		if text := strings.TrimSpace(file.Doc.Text()); text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "\n\n")
}

// docsOf returns the comments above functions and types of a package.
func docsOf(p *packages.Package) map[types.Object]string {
	docs := map[types.Object]string{}
	note := func(name *ast.Ident, comment *ast.CommentGroup) {
		docs[p.Types.Scope().Lookup(name.Name)] = strings.TrimSpace(comment.Text())
	}
	for _, file := range p.Syntax {
		for _, declaration := range file.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					note(d.Name, d.Doc)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if t, ok := spec.(*ast.TypeSpec); ok && t.Doc != nil {
						note(t.Name, t.Doc)
					} else if ok {
						note(t.Name, d.Doc)
					}
				}
			}
		}
	}
	return docs
}
