package gofunc

import (
	"encoding/binary"
	"math"

	"github.com/tinylib/msgp/msgp"
)

// encoding tells how the outcomes of a range are laid out; as package wire has it.
type encoding int64

const (
	undecided encoding = 0
	ints      encoding = 4 // columns: outcomes of one type and width, none of them a failure
	floats    encoding = 5
	bools     encoding = 6
	nones     encoding = 7
	records   encoding = 9 // one by one, their lengths apart
)

// Bits of a record's length.
const (
	failureBit = 1 << 63
	lentBit    = 1 << 62 // the record begins with the token of a loan
)

var order = binary.LittleEndian

// appendWord appends one outcome to a column.
func (e encoding) appendWord(b []byte, word uint64) []byte {
	if e == bools {
		return append(b, byte(word))
	}
	return order.AppendUint64(b, word)
}

// record moves the first outcome of a column to records.
func (e encoding) record(to, column []byte) (_, rest []byte) {
	switch e {
	case ints:
		return msgp.AppendInt64(to, int64(order.Uint64(column))), column[8:]
	case floats:
		return msgp.AppendFloat64(to, math.Float64frombits(order.Uint64(column))), column[8:]
	case bools:
		return msgp.AppendBool(to, column[0] != 0), column[1:]
	}
	return msgp.AppendNil(to), column
}
