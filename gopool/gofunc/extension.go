package gofunc

import (
	"encoding/binary"

	"github.com/tinylib/msgp/msgp"
)

// The extensions of msgpack. python/gopool/_gofunctions/buffers.py and packer.py have the same
// numbers, and package wire has that of addresses.
const (
	bufferExtension    = 1  // an array of numbers
	addressExtension   = 2  // the same elsewhere in this process
	durationExtension  = 3  // nanoseconds
	timestampExtension = -1 // msgpack's own
)

// Lead bytes of extensions.
const (
	ext8    = 0xc7
	ext16   = 0xc8
	ext32   = 0xc9
	fixExt1 = 0xd4
	fixExt8 = 0xd7
	fixLast = 0xd8
)

// splitExtension reads an extension without copying it.
func splitExtension(b []byte) (kind int8, data, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, nil, false
	}
	head := 0
	switch lead := b[0]; {
	case lead >= fixExt1 && lead <= fixLast:
		head = 2
	case lead == ext8:
		head = 3
	case lead == ext16:
		head = 4
	case lead == ext32:
		head = 6
	default:
		return 0, nil, nil, false
	}
	rest, err := msgp.Skip(b)
	if err != nil {
		return 0, nil, nil, false
	}
	return int8(b[head-1]), b[head : len(b)-len(rest)], rest, true
}

// appendExtension appends the head of an extension of size bytes.
func appendExtension(b []byte, kind int8, size int) []byte {
	b = append(b, ext32)
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	return append(b, byte(kind))
}
