package gofunc

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// failureKind tells what kind of exception a failure becomes in Python.
type failureKind int

const (
	goError failureKind = iota
	goPanic
	typeError
	overflowError
	valueError
	cancelled
)

// failure is why there is no result.
type failure struct {
	kind  failureKind
	text  string   // of an argument's: what follows its name, until it is known which one it is
	path  string   // to the value inside of the argument
	names []string // types of the error and of what it wraps
	stack string
}

// append appends the failure as Python reads it.
func (f *failure) append(b []byte) []byte {
	b = msgp.AppendArrayHeader(b, 4)
	b = msgp.AppendInt(b, int(f.kind))
	b = msgp.AppendString(b, f.text)
	b = msgp.AppendArrayHeader(b, uint32(len(f.names)))
	for _, name := range f.names {
		b = msgp.AppendString(b, name)
	}
	return msgp.AppendString(b, f.stack)
}

// typeNames appends the names of the types of err and of all that it wraps, in the
// order in which errors.Is looks at them.
func typeNames(names []string, err error) []string {
	if err == nil {
		return names
	}
	names = append(names, fmt.Sprintf("%T", err))
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		return typeNames(names, err.Unwrap())
	case interface{ Unwrap() []error }:
		for _, wrapped := range err.Unwrap() {
			names = typeNames(names, wrapped)
		}
	}
	return names
}

// fail ends the reading of arguments, or the writing of results. The first
// failure counts.
func (t *Task) fail(kind failureKind, text string) {
	t.in = nil
	if t.failure == nil {
		t.failure = &failure{kind: kind, text: text}
	}
}

func (t *Task) malformed() { t.fail(valueError, ": malformed msgpack") }

func (t *Task) overflow(value any, kind string) {
	t.fail(overflowError, fmt.Sprintf(": %v does not fit %s", value, kind))
}

// mismatch fails for the value that is next. Only Python's names of types are in
// the text, as it is Python that passed it.
func (t *Task) mismatch(wanted string) {
	found := typeName(t.in)
	if found == "" {
		t.malformed()
		return
	}
	t.fail(typeError, " must be "+wanted+", not "+found)
}

// within adds a step to the path that leads to the value that failed.
func (t *Task) within(step string) { t.failure.path = step + t.failure.path }

// blame names the argument that failed.
func (t *Task) blame() {
	f, params := t.failure, t.function.Params
	name := params[min(t.argument, len(params)-1)]
	f.text = t.function.Name + "() argument '" + name + f.path + "'" + f.text
}

// typeName returns the name that the first value in b has in Python; "": there is none.
func typeName(b []byte) string {
	switch msgp.NextType(b) {
	case msgp.NilType:
		return "None"
	case msgp.BoolType:
		return "bool"
	case msgp.IntType, msgp.UintType:
		return "int"
	case msgp.Float32Type, msgp.Float64Type:
		return "float"
	case msgp.StrType:
		return "str"
	case msgp.BinType:
		return "bytes"
	case msgp.ArrayType:
		return "list"
	case msgp.MapType:
		return "dict"
	}
	kind, data, _, ok := splitExtension(b)
	switch {
	case !ok:
		return ""
	case kind == timestampExtension:
		return "datetime"
	case kind == durationExtension:
		return "timedelta"
	case isBuffer(kind, data):
		return bufferName(data[0], int(data[1]))
	}
	return ""
}
