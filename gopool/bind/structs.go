package bind

import (
	"fmt"
	"go/types"
	"reflect"
	"strings"
)

// structOf maps a struct to a dataclass. It is known before its fields are, so that
// it may have pointers to its own kind.
func (m *mapper) structOf(t *types.Named, s *types.Struct) (*Type, error) {
	object := t.Obj()
	for _, known := range m.structs {
		if known.object == object {
			return &Type{Kind: StructOf, Go: t, Struct: known}, nil
		}
		if known.Name == object.Name() {
			return m.refuse(t, "one of two types of that name")
		}
	}
	if object.Pkg() != m.user && m.user.Scope().Lookup(object.Name()) != nil {
		return m.refuse(t, "one of two things of that name")
	}
	if isKeyword(object.Name()) {
		return m.refuse(t, "called as a keyword of Python's")
	}
	made := &Struct{Name: object.Name(), Doc: m.docs[object], object: object}
	outside := m.open
	m.open = nil // a type may contain itself with a struct in between
	err := m.try(func() error {
		m.structs = append(m.structs, made)
		return m.fields(made, s)
	})
	m.open = outside
	if err != nil {
		return nil, err
	}
	if len(made.Fields) == 0 && s.NumFields() > 0 {
		return m.refuse(t, "a struct without exported fields")
	}
	return &Type{Kind: StructOf, Go: t, Struct: made}, nil
}

// fields maps the exported fields of a struct.
func (m *mapper) fields(made *Struct, s *types.Struct) error {
	known := map[string]bool{}
	for i := range s.NumFields() {
		field := s.Field(i)
		wire := fieldName(field, s.Tag(i))
		if !field.Exported() || wire == "" {
			continue
		}
		name := pythonName(wire)
		if known[name] {
			return unsupported(fmt.Sprintf("%s has two fields called %s", made.Name, name))
		}
		known[name] = true
		mapped, err := m.typeOf(field.Type())
		if err != nil {
			return unsupported(fmt.Sprintf("field %s of %s: %v", field.Name(), made.Name, err))
		}
		made.Fields = append(made.Fields, Field{Name: name, Wire: wire, Go: field.Name(), Type: mapped})
	}
	return nil
}

// fieldName returns the name of a field: that of its json tag if Python can say it.
// It is empty for a field that has no place in JSON.
func fieldName(field *types.Var, tag string) string {
	json := reflect.StructTag(tag).Get("json")
	if json == "-" {
		return ""
	}
	name, _, _ := strings.Cut(json, ",")
	if !isIdentifier(name) {
		name = field.Name()
	}
	return name
}
