package foreign

import (
	"encoding/binary"
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"github.com/gopool/gopool/gopool/wire"
)

// Kinds of items, as in gopool/gofunc/call.h.
const (
	kindPacked = iota // msgpack, one after the other
	kindInts          // 8 bytes each, as are floats
	kindFloats
	kindRange // two integers: the first, and what is from each to the next
)

// itemsHead is what comes before the items of a batch: their kind, and a token; 8 bytes
// each.
const itemsHead = 16

// Items are the arguments of a batch.
type Items struct {
	// Token is what Python knows memory by that the items name and is elsewhere; 0: they
	// name none.
	Token int64

	// Size is how many bytes the items have, here and where they name memory.
	Size int

	kind    int
	data    []byte
	offsets []uint32 // of each item, where they are packed
}

// NewItems reads count items. It keeps data, which must not change.
func NewItems(data []byte, count int) (*Items, error) {
	if len(data) < itemsHead || count < 1 {
		return nil, fmt.Errorf("%w: %d items in %d bytes", wire.ErrMalformed, count, len(data))
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(data[8*i:]) }
	items := &Items{Token: int64(word(1)), kind: int(word(0)), data: data[itemsHead:]}
	items.Size = len(items.data)
	switch items.kind {
	case kindPacked:
		return items, items.locate(count)
	case kindInts, kindFloats:
		return items, items.measure(count)
	case kindRange:
		return items, items.measure(2)
	}
	return nil, fmt.Errorf("%w: items of kind %d", wire.ErrMalformed, items.kind)
}

func (i *Items) measure(words int) error {
	if len(i.data)%8 != 0 || len(i.data)/8 != words {
		return fmt.Errorf("%w: items of %d words in %d bytes", wire.ErrMalformed, words, len(i.data))
	}
	return nil
}

// locate finds where each item begins: a worker may be granted any of them.
func (i *Items) locate(count int) error {
	if count > len(i.data) || len(i.data) > 1<<32-1 {
		return fmt.Errorf("%w: %d items in %d bytes", wire.ErrMalformed, count, len(i.data))
	}
	i.offsets = make([]uint32, count)
	rest := i.data
	for k := range i.offsets {
		i.offsets[k] = uint32(len(i.data) - len(rest))
		next, err := msgp.Skip(rest)
		if err != nil {
			return fmt.Errorf("%w: item %d: %v", wire.ErrMalformed, k, err)
		}
		if i.Token != 0 {
			i.Size += int(wire.DistantBytes(rest[:len(rest)-len(next)]))
		}
		rest = next
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: %d bytes behind the last item", wire.ErrMalformed, len(rest))
	}
	return nil
}

// from returns the items from a number on.
func (i *Items) from(number int) []byte {
	switch i.kind {
	case kindPacked:
		return i.data[i.offsets[number]:]
	case kindRange:
		first, step := binary.NativeEndian.Uint64(i.data), binary.NativeEndian.Uint64(i.data[8:])
		rest := binary.NativeEndian.AppendUint64(make([]byte, 0, 16), first+uint64(number)*step)
		return binary.NativeEndian.AppendUint64(rest, step)
	}
	return i.data[8*number:]
}
