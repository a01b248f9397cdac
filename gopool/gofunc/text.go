package gofunc

import (
	"math"
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

// String is the codec of string. Bytes that are no UTF-8 are left to Python, which
// takes them in as it does those of a file's name.
var String = &Codec[string]{
	name: "str",
	read: func(t *Task) string {
		v, rest, err := msgp.ReadStringZC(t.in)
		if err != nil {
			t.mismatch("str")
			return ""
		}
		t.in = rest
		return string(v)
	},
	append: func(t *Task, v string) {
		if t.fits(len(v)) {
			t.out = msgp.AppendString(t.out, v)
		}
	},
}

// Bytes is the codec of []byte.
var Bytes = &Codec[[]byte]{
	name:     "bytes",
	optional: true,
	read: func(t *Task) []byte {
		if t.readNil() {
			return nil
		}
		if v, rest, err := msgp.ReadBytesZC(t.in); err == nil {
			t.in = rest
			return append([]byte{}, v...)
		}
		if b, ok := t.readBuffer('B', 1); ok {
			return numbers[byte](t, b)
		}
		t.mismatch("bytes")
		return nil
	},
	append: func(t *Task, v []byte) {
		switch {
		case v == nil:
			t.out = msgp.AppendNil(t.out)
		case t.fits(len(v)):
			t.out = msgp.AppendBytes(t.out, v)
		}
	},
	code:       'B',
	dimensions: 1,
	view:       numbers[byte],
}

// fits tells whether msgpack can say that there are n of something.
func (t *Task) fits(n int) bool {
	if uint64(n) > math.MaxUint32 {
		t.fail(valueError, ": "+strconv.Itoa(n)+" bytes or items are too many")
		return false
	}
	return true
}
