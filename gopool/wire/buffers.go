package wire

import "github.com/tinylib/msgp/msgp"

// distant is the type of a msgpack extension that says where a buffer is: the type of
// its numbers and how many dimensions it has, in 8 bytes; how many there are in each
// dimension; where the first is. Package gofunc, which this can't import, has the same.
const distant = 2

// DistantBytes returns how many bytes the buffers have that a value of msgpack names, as
// far as that can be read.
func DistantBytes(value []byte) (bytes uint64) {
	for left := uint64(1); left > 0; left-- {
		var n uint32
		var err error
		named := msgp.RawExtension{Type: distant}
		switch msgp.NextType(value) {
		case msgp.ArrayType:
			n, value, err = msgp.ReadArrayHeaderBytes(value)
			left += uint64(n)
		case msgp.MapType:
			n, value, err = msgp.ReadMapHeaderBytes(value)
			left += 2 * uint64(n)
		default:
			if rest, failed := msgp.ReadExtensionBytes(value, &named); failed == nil {
				value = rest
				bytes += extent(named.Data)
				continue
			}
			value, err = msgp.Skip(value)
		}
		if err != nil {
			return bytes
		}
	}
	return bytes
}

// extent returns how many bytes a buffer has.
func extent(named []byte) uint64 {
	if len(named) < 24 || len(named) != 16+8*int(named[1]) {
		return 0
	}
	size := numberSize(named[0])
	for at := 8; at < len(named)-8; at += 8 {
		size *= order.Uint64(named[at:])
	}
	return min(size, maxColumn)
}

// numberSize returns how many bytes a number takes, by Python's code for its type.
func numberSize(code byte) uint64 {
	switch code {
	case 'q', 'Q', 'd':
		return 8
	case 'i', 'I', 'f':
		return 4
	case 'h', 'H':
		return 2
	}
	return 1
}
