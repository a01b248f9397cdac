package gofunc

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// Map makes the codec of map[K]V.
func Map[K comparable, V any](key *Codec[K], value *Codec[V]) *Codec[map[K]V] {
	return &Codec[map[K]V]{
		name:     "dict",
		optional: true,
		read: func(t *Task) map[K]V {
			if t.readNil() {
				return nil
			}
			n, ok := t.readHeader(msgp.MapType, "dict")
			if !ok {
				return nil
			}
			m := make(map[K]V, n)
			for range n {
				k := key.read(t)
				if t.failure != nil {
					t.within(".keys()")
					return nil
				}
				m[k] = value.read(t)
				if t.failure != nil {
					t.within(fmt.Sprintf("[%#v]", k))
					return nil
				}
			}
			return m
		},
		append: func(t *Task, m map[K]V) {
			switch {
			case m == nil:
				t.out = msgp.AppendNil(t.out)
			case t.fits(len(m)):
				t.out = msgp.AppendMapHeader(t.out, uint32(len(m)))
				for k, v := range m {
					key.append(t, k)
					value.append(t, v)
				}
			}
		},
	}
}
