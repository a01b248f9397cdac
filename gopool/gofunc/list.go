package gofunc

import (
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

// Slice makes the codec of []T. Of numbers, it takes buffers too: see buffer.
func Slice[T any](item *Codec[T]) *Codec[[]T] {
	c := &Codec[[]T]{name: "list", optional: true}
	if item.code != 0 && item.dimensions < 2 {
		c.code, c.dimensions = item.code, item.dimensions+1
		c.name = "list or " + bufferName(c.code, c.dimensions)
		c.view = numbers[T]
		if c.dimensions == 2 {
			c.view = func(t *Task, b buffer) []T { return rows(t, item, b) }
		}
	}
	c.read = func(t *Task) []T {
		if t.readNil() {
			return nil
		}
		if c.code != 0 {
			if b, ok := t.readBuffer(c.code, c.dimensions); ok {
				return c.view(t, b)
			}
		}
		n, ok := t.readHeader(msgp.ArrayType, c.name)
		if !ok {
			return nil
		}
		v := make([]T, n)
		for i := range v {
			v[i] = item.read(t)
			if t.failure != nil {
				t.within("[" + strconv.Itoa(i) + "]")
				return nil
			}
		}
		return v
	}
	c.append = func(t *Task, v []T) {
		switch {
		case v == nil:
			t.out = msgp.AppendNil(t.out)
		case c.dimensions == 1:
			appendBuffer(t, v, c.code)
		case t.fits(len(v)):
			t.out = msgp.AppendArrayHeader(t.out, uint32(len(v)))
			for _, one := range v {
				item.append(t, one)
			}
		}
	}
	return c
}

// rows is the view of a buffer of two dimensions.
func rows[T any](t *Task, item *Codec[T], b buffer) []T {
	v := make([]T, b.shape[0])
	for i := range v {
		v[i] = item.view(t, b.row(i))
	}
	return v
}

// Array makes the codec of an array A of items; slice is a[:].
func Array[A, T any](item *Codec[T], slice func(a *A) []T) *Codec[A] {
	list := Slice(item)
	fill := func(t *Task, items []T) (a A) {
		into := slice(&a)
		if t.failure == nil && len(items) != len(into) {
			t.fail(valueError, ": "+strconv.Itoa(len(into))+" items expected, got "+strconv.Itoa(len(items)))
			return a
		}
		copy(into, items)
		return a
	}
	return &Codec[A]{
		name: list.name,
		read: func(t *Task) (a A) {
			if msgp.IsNil(t.in) {
				t.mismatch(list.name)
				return a
			}
			return fill(t, list.read(t))
		},
		append:     func(t *Task, a A) { list.append(t, slice(&a)) },
		code:       list.code,
		dimensions: list.dimensions,
		view:       func(t *Task, b buffer) A { return fill(t, list.view(t, b)) },
	}
}

// readHeader reads how many items come in an array or a map. There can't be more
// than bytes.
func (t *Task) readHeader(kind msgp.Type, name string) (n uint32, ok bool) {
	if msgp.NextType(t.in) != kind {
		t.mismatch(name)
		return 0, false
	}
	read := msgp.ReadArrayHeaderBytes
	if kind == msgp.MapType {
		read = msgp.ReadMapHeaderBytes
	}
	n, rest, err := read(t.in)
	if err != nil || uint64(n) > uint64(len(rest)) {
		t.malformed()
		return 0, false
	}
	t.in = rest
	return n, true
}
