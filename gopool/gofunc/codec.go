package gofunc

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/tinylib/msgp/msgp"
)

// Codec reads and writes the values of one type. It is made once, and does not
// change while it is used.
type Codec[T any] struct {
	name   string // of the type, in Python
	read   func(*Task) T
	append func(*Task, T)
	// optional: it need not be there, as it may be nil.
	optional bool

	// What results can be a column of.
	column encoding // undecided: none
	word   func(T) uint64

	// What buffers a value can come from: numbers of a type, in so many dimensions.
	code       byte // 0: none
	dimensions int
	view       func(*Task, buffer) T
}

// Convert makes of a codec the one of a named type.
func Convert[Named, Underlying any](c *Codec[Underlying]) *Codec[Named] {
	named, underlying := reflect.TypeFor[Named](), reflect.TypeFor[Underlying]()
	if named.Kind() != underlying.Kind() || !underlying.ConvertibleTo(named) {
		panic(fmt.Sprintf("gofunc: the underlying type of %v is not %v", named, underlying))
	}
	name := func(v Underlying) Named { return *(*Named)(unsafe.Pointer(&v)) }
	strip := func(v Named) Underlying { return *(*Underlying)(unsafe.Pointer(&v)) }
	return &Codec[Named]{
		name:       c.name,
		read:       func(t *Task) Named { return name(c.read(t)) },
		append:     func(t *Task, v Named) { c.append(t, strip(v)) },
		optional:   c.optional,
		column:     c.column,
		word:       func(v Named) uint64 { return c.word(strip(v)) },
		code:       c.code,
		dimensions: c.dimensions,
		view:       func(t *Task, b buffer) Named { return name(c.view(t, b)) },
	}
}

// Pointer makes the codec of *T. None is nil.
func Pointer[T any](c *Codec[T]) *Codec[*T] {
	return &Codec[*T]{
		name:     c.name,
		optional: true,
		read: func(t *Task) *T {
			if t.readNil() {
				return nil
			}
			v := c.read(t)
			return &v
		},
		append: func(t *Task, v *T) {
			if v == nil {
				t.out = msgp.AppendNil(t.out)
				return
			}
			c.append(t, *v)
		},
	}
}

// readNil reads None, if that is next.
func (t *Task) readNil() bool {
	if !msgp.IsNil(t.in) {
		return false
	}
	t.in = t.in[1:]
	return true
}
