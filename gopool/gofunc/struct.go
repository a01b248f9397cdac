package gofunc

import (
	"slices"

	"github.com/tinylib/msgp/msgp"
)

// maxDepth is how deep structs may be in each other: few enough for Python's
// msgpack, and what goes round in a circle comes to an end.
const maxDepth = 250

// StructField is one field of a struct S, of any type.
type StructField[S any] struct {
	name     string
	optional bool
	read     func(*Task, *S)
	append   func(*Task, *S)
}

// Field makes the codec of a field that has a codec and an address.
func Field[S, T any](name string, c *Codec[T], address func(*S) *T) StructField[S] {
	return StructField[S]{
		name:     name,
		optional: c.optional,
		read:     func(t *Task, s *S) { *address(s) = c.read(t) },
		append:   func(t *Task, s *S) { c.append(t, *address(s)) },
	}
}

// Struct makes the codec of a struct, which has Fields yet to be told.
func Struct[S any](name string) *Codec[S] { return &Codec[S]{name: name} }

// Fields makes c, of Struct, complete. It is apart from Struct because a struct
// may have fields whose codecs are made of its own.
func (c *Codec[S]) Fields(fields ...StructField[S]) {
	c.read = func(t *Task) (s S) {
		if t.enter() {
			readFields(t, c.name, fields, &s)
		}
		t.depth--
		return s
	}
	c.append = func(t *Task, s S) {
		if t.enter() {
			t.out = msgp.AppendMapHeader(t.out, uint32(len(fields)))
			for _, f := range fields {
				t.out = msgp.AppendString(t.out, f.name)
				f.append(t, &s)
			}
		}
		t.depth--
	}
}

// enter goes into a struct, unless that would be too deep.
func (t *Task) enter() bool {
	t.depth++
	if t.depth > maxDepth {
		t.fail(valueError, ": structs are too deep in each other")
	}
	return t.failure == nil
}

func readFields[S any](t *Task, name string, fields []StructField[S], s *S) {
	n, ok := t.readHeader(msgp.MapType, name)
	if !ok {
		return
	}
	seen := make([]bool, len(fields))
	for at := range int(n) {
		key, rest, err := msgp.ReadMapKeyZC(t.in)
		if err != nil {
			t.mismatch("str")
			t.within(".keys()")
			return
		}
		t.in = rest
		// They mostly come in their order.
		if at >= len(fields) || fields[at].name != string(key) {
			at = slices.IndexFunc(fields, func(f StructField[S]) bool { return f.name == string(key) })
		}
		if at < 0 {
			t.fail(typeError, ": "+name+" has no field '"+string(key)+"'")
			return
		}
		seen[at] = true
		fields[at].read(t, s)
		if t.failure != nil {
			t.within("." + fields[at].name)
			return
		}
	}
	for i, f := range fields {
		if !seen[i] && !f.optional {
			t.fail(typeError, ": "+name+" lacks field '"+f.name+"'")
			return
		}
	}
}
