package bind

import "go/types"

// Kind is how a type crosses to Python. Those of simple types are what Python
// knows them by.
type Kind string

const (
	Bytes    Kind = "bytes"
	Time     Kind = "time"
	Duration Kind = "duration"

	SliceOf   Kind = "slice"
	ArrayOf   Kind = "array"
	MapOf     Kind = "map"
	PointerTo Kind = "pointer"
	StructOf  Kind = "struct"
)

// A Type is a Go type that crosses to Python.
type Type struct {
	Kind   Kind
	Go     types.Type
	Elem   *Type // what a slice, an array or a map has, or a pointer leads to
	Key    *Type // of a map
	Len    int64 // of an array
	Struct *Struct
}

// A Struct is a dataclass in Python. Fields that are not exported stay behind.
type Struct struct {
	Name   string
	Doc    string
	Fields []Field
	object *types.TypeName
}

// A Field is an exported field of a struct.
type Field struct {
	Name string // in Python
	Wire string // in what crosses: without what keeps it apart from a keyword
	Go   string // in Go
	Type *Type
}

// simple has the kinds of basic types.
var simple = map[types.BasicKind]Kind{
	types.Bool:    "bool",
	types.Int:     "int",
	types.Int8:    "int8",
	types.Int16:   "int16",
	types.Int32:   "int32",
	types.Int64:   "int64",
	types.Uint:    "uint",
	types.Uint8:   "uint8",
	types.Uint16:  "uint16",
	types.Uint32:  "uint32",
	types.Uint64:  "uint64",
	types.Float32: "float32",
	types.Float64: "float64",
	types.String:  "string",
}

// isNumber says whether a slice of the type is an array of numbers for Python.
func (t *Type) isNumber() bool {
	return t.isKey() && t.Kind != "string"
}

// isKey says whether a map may have such keys.
func (t *Type) isKey() bool {
	basic, ok := t.Go.Underlying().(*types.Basic)
	return ok && simple[basic.Kind()] == t.Kind
}

// mayBeNil says whether a value of the type may be nil, which is None.
func (t *Type) mayBeNil() bool {
	return t.Kind == PointerTo || t.Kind == SliceOf || t.Kind == MapOf || t.Kind == Bytes
}
