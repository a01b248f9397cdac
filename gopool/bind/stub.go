package bind

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// A stub is a package's __init__.pyi, for type checkers and editors.
type stub struct {
	bytes.Buffer
	fields map[string]bool // the names of all fields
	hidden []string        // types that have another name, since a field has theirs
}

// stubSource returns the package's __init__.pyi.
func stubSource(p *Package) []byte {
	s := &stub{fields: map[string]bool{}}
	for _, made := range p.Structs {
		for _, field := range made.Fields {
			s.fields[field.Name] = true
		}
	}
	fmt.Fprintf(s, generatedMark, p.Path)
	if p.Doc != "" {
		fmt.Fprintf(s, "\n%s\n", docstring(p.Doc, ""))
	}
	s.WriteString(`
import datetime as _datetime
from collections.abc import Mapping as _Mapping
from collections.abc import Sequence as _Sequence
from dataclasses import dataclass as _dataclass

from gopool import gopackage as _gopool

`)
	fmt.Fprintf(s, "__all__ = [\n%s]\n", exports(p))
	for _, made := range p.Structs {
		s.dataclass(made)
	}
	for _, name := range s.hidden {
		fmt.Fprintf(s, "\n_%s = %s\n", name, name)
	}
	for i := range p.Functions {
		s.signature(&p.Functions[i])
	}
	return s.Bytes()
}

func (s *stub) dataclass(made *Struct) {
	fmt.Fprintf(s, "\n@_dataclass\nclass %s:\n", made.Name)
	if made.Doc != "" {
		fmt.Fprintf(s, "    %s\n", docstring(made.Doc, "    "))
	}
	for _, field := range made.Fields {
		fmt.Fprintf(s, "    %s: %s = ...\n", field.Name, annotation(field.Type, false, s.inClass))
	}
	if len(made.Fields) == 0 {
		s.WriteString("    ...\n")
	}
}

// inClass returns a name for a type in the body of a class, where a field hides what has its name.
func (s *stub) inClass(name string) string {
	if !s.fields[name] {
		return name
	}
	if !slices.Contains(s.hidden, name) {
		s.hidden = append(s.hidden, name)
	}
	return "_" + name
}

func (s *stub) signature(f *Function) {
	var params []string
	for i, param := range f.Params {
		name, t := param.Name, param.Type
		if f.Variadic && i == len(f.Params)-1 {
			name, t = "*"+name, t.Elem
		}
		params = append(params, fmt.Sprintf("%s: %s", name, annotation(t, true, itself)))
	}
	fmt.Fprintf(s, "\ndef %s(%s) -> %s:\n", f.Name, strings.Join(params, ", "), resultAnnotation(f.Results))
	if f.Doc != "" {
		fmt.Fprintf(s, "    %s\n", docstring(f.Doc, "    "))
	} else {
		s.WriteString("    ...\n")
	}
}
