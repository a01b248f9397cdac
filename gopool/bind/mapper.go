package bind

import (
	"fmt"
	"go/types"
	"strings"
)

// A mapper finds how the types of one package's functions cross to Python.
type mapper struct {
	user    *types.Package
	docs    map[types.Object]string
	structs []*Struct         // in the order in which they were met
	open    []*types.TypeName // names whose types are being mapped, since the last struct
}

// unsupported says why a type can't cross.
type unsupported string

func (u unsupported) Error() string { return string(u) }

// refuse returns the reason "TYPE is WHAT", with the type as the user wrote it.
func (m *mapper) refuse(t types.Type, what string) (*Type, error) {
	name := types.TypeString(t, types.RelativeTo(m.user))
	return nil, unsupported(fmt.Sprintf("%s is %s", name, what))
}

// try maps what f maps, and forgets the structs that were met if that fails: what
// one of them has may be unsupported.
func (m *mapper) try(f func() error) error {
	met := len(m.structs)
	err := f()
	if err != nil {
		m.structs = m.structs[:met]
	}
	return err
}

// typeOf maps a type.
func (m *mapper) typeOf(t types.Type) (*Type, error) {
	t = types.Unalias(t)
	if named, ok := t.(*types.Named); ok {
		return m.named(named)
	}
	return m.underlying(t, t)
}

// named maps a type that has a name, which generated code has to be able to say.
func (m *mapper) named(t *types.Named) (*Type, error) {
	object := t.Obj()
	pkg := object.Pkg()
	switch {
	case types.IsInterface(t):
		return m.refuse(t, "an interface")
	case t.TypeArgs().Len() > 0:
		return m.refuse(t, "of a generic type")
	case !object.Exported():
		return m.refuse(t, "not exported")
	case object.Parent() != pkg.Scope():
		return m.refuse(t, "declared in a function")
	case !mayImport(m.user.Path(), pkg.Path()):
		return m.refuse(t, "of an internal package")
	case pkg.Path() == "time" && object.Name() == "Time":
		return &Type{Kind: Time, Go: t}, nil
	case pkg.Path() == "time" && object.Name() == "Duration":
		return &Type{Kind: Duration, Go: t}, nil
	}
	if s, ok := t.Underlying().(*types.Struct); ok {
		return m.structOf(t, s)
	}
	for _, outer := range m.open {
		if outer == object {
			return m.refuse(t, "a type that contains itself, and no struct")
		}
	}
	m.open = append(m.open, object)
	defer func() { m.open = m.open[:len(m.open)-1] }()
	return m.underlying(t, t.Underlying())
}

// underlying maps t by its underlying type.
func (m *mapper) underlying(t, underlying types.Type) (*Type, error) {
	switch u := underlying.(type) {
	case *types.Basic:
		if kind, ok := simple[u.Kind()]; ok {
			return &Type{Kind: kind, Go: t}, nil
		}
		if u.Info()&types.IsComplex != 0 {
			return m.refuse(t, "a complex number")
		}
		return m.refuse(t, "an address")
	case *types.Slice:
		if types.Identical(u.Elem(), types.Typ[types.Byte]) {
			return &Type{Kind: Bytes, Go: t}, nil
		}
		elem, err := m.typeOf(u.Elem())
		return &Type{Kind: SliceOf, Go: t, Elem: elem}, err
	case *types.Array:
		elem, err := m.typeOf(u.Elem())
		return &Type{Kind: ArrayOf, Go: t, Elem: elem, Len: u.Len()}, err
	case *types.Map:
		return m.mapOf(t, u)
	case *types.Pointer:
		elem, err := m.typeOf(u.Elem())
		if err == nil && elem.mayBeNil() {
			return m.refuse(t, "a pointer to what may be nil itself")
		}
		return &Type{Kind: PointerTo, Go: t, Elem: elem}, err
	case *types.Struct:
		return m.refuse(t, "a struct without a name")
	case *types.Chan:
		return m.refuse(t, "a channel")
	case *types.Signature:
		return m.refuse(t, "a function")
	case *types.Interface:
		return m.refuse(t, "an interface")
	default:
		return m.refuse(t, "of no type that Python has")
	}
}

func (m *mapper) mapOf(t types.Type, u *types.Map) (*Type, error) {
	key, err := m.typeOf(u.Key())
	if err != nil {
		return nil, err
	}
	if !key.isKey() {
		return m.refuse(t, "a map whose keys are neither strings nor numbers")
	}
	elem, err := m.typeOf(u.Elem())
	return &Type{Kind: MapOf, Go: t, Key: key, Elem: elem}, err
}

// mayImport says whether a package may be imported from below the user's: the rule of
// the go command for internal packages.
func mayImport(user, path string) bool {
	i := strings.LastIndex("/"+path+"/", "/internal/")
	if i < 0 {
		return true
	}
	parent := strings.TrimSuffix(path[:i], "/")
	return i > 0 && strings.HasPrefix(user+"/", parent+"/")
}
