package gofunc

import (
	"math"

	"github.com/tinylib/msgp/msgp"
)

// The codecs of numbers.
var (
	Bool    = newBool()
	Int     = newSigned[int]("int", 'q')
	Int8    = newSigned[int8]("int8", 'b')
	Int16   = newSigned[int16]("int16", 'h')
	Int32   = newSigned[int32]("int32", 'i')
	Int64   = newSigned[int64]("int64", 'q')
	Uint    = newUnsigned[uint]("uint", 'Q', undecided)
	Uint8   = newUnsigned[uint8]("uint8", 'B', ints)
	Uint16  = newUnsigned[uint16]("uint16", 'H', ints)
	Uint32  = newUnsigned[uint32]("uint32", 'I', ints)
	Uint64  = newUnsigned[uint64]("uint64", 'Q', undecided)
	Float32 = newFloat32()
	Float64 = newFloat64()
)

func newBool() *Codec[bool] {
	return &Codec[bool]{
		name: "bool",
		read: func(t *Task) bool {
			v, rest, err := msgp.ReadBoolBytes(t.in)
			if err != nil {
				t.mismatch("bool")
				return false
			}
			t.in = rest
			return v
		},
		append: func(t *Task, v bool) { t.out = msgp.AppendBool(t.out, v) },
		column: bools,
		word: func(v bool) uint64 {
			if v {
				return 1
			}
			return 0
		},
		code: '?',
	}
}

func newSigned[T int | int8 | int16 | int32 | int64](kind string, code byte) *Codec[T] {
	return &Codec[T]{
		name: "int",
		read: func(t *Task) T {
			v, rest, err := msgp.ReadInt64Bytes(t.in)
			if err != nil || int64(T(v)) != v {
				return T(t.readOtherInt(kind))
			}
			t.in = rest
			return T(v)
		},
		append: func(t *Task, v T) { t.out = msgp.AppendInt64(t.out, int64(v)) },
		column: ints,
		word:   func(v T) uint64 { return uint64(v) },
		code:   code,
	}
}

func newUnsigned[T uint | uint8 | uint16 | uint32 | uint64](kind string, code byte, column encoding) *Codec[T] {
	return &Codec[T]{
		name: "int",
		read: func(t *Task) T {
			v, rest, err := msgp.ReadUint64Bytes(t.in)
			if err != nil || uint64(T(v)) != v {
				return T(t.readOtherInt(kind))
			}
			t.in = rest
			return T(v)
		},
		append: func(t *Task, v T) { t.out = msgp.AppendUint64(t.out, uint64(v)) },
		column: column,
		word:   func(v T) uint64 { return uint64(v) },
		code:   code,
	}
}

// readOtherInt reads what is no integer that fits. In Python, a bool is one.
func (t *Task) readOtherInt(kind string) (v uint8) {
	switch msgp.NextType(t.in) {
	case msgp.BoolType:
		if truth, rest, err := msgp.ReadBoolBytes(t.in); err == nil {
			t.in = rest
			return uint8(Bool.word(truth))
		}
	case msgp.IntType, msgp.UintType:
		if v, _, err := msgp.ReadInt64Bytes(t.in); err == nil {
			t.overflow(v, kind)
		} else if v, _, err := msgp.ReadUint64Bytes(t.in); err == nil {
			t.overflow(v, kind)
		} else {
			t.malformed()
		}
		return 0
	}
	t.mismatch("int")
	return 0
}

func newFloat64() *Codec[float64] {
	return &Codec[float64]{
		name:   "float",
		read:   (*Task).readFloat,
		append: func(t *Task, v float64) { t.out = msgp.AppendFloat64(t.out, v) },
		column: floats,
		word:   math.Float64bits,
		code:   'd',
	}
}

func newFloat32() *Codec[float32] {
	return &Codec[float32]{
		name: "float",
		read: func(t *Task) float32 {
			v := t.readFloat()
			if math.IsInf(float64(float32(v)), 0) && !math.IsInf(v, 0) {
				t.overflow(v, "float32")
				return 0
			}
			return float32(v)
		},
		append: func(t *Task, v float32) { t.out = msgp.AppendFloat32(t.out, v) },
		column: floats,
		word:   func(v float32) uint64 { return math.Float64bits(float64(v)) },
		code:   'f',
	}
}

// readFloat reads a number. In Python, an integer or a bool passes for a float.
func (t *Task) readFloat() float64 {
	if v, rest, err := msgp.ReadFloat64Bytes(t.in); err == nil {
		t.in = rest
		return v
	}
	if v, rest, err := msgp.ReadInt64Bytes(t.in); err == nil {
		t.in = rest
		return float64(v)
	}
	if v, rest, err := msgp.ReadUint64Bytes(t.in); err == nil {
		t.in = rest
		return float64(v)
	}
	if v, rest, err := msgp.ReadBoolBytes(t.in); err == nil {
		t.in = rest
		return float64(Bool.word(v))
	}
	t.mismatch("float")
	return 0
}
