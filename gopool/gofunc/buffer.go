package gofunc

import (
	"math"
	"math/bits"
	"strconv"
	"unsafe"
)

// lendingSize is from how many bytes on an array is left where it is, and only
// its address handed over. python/gopool/_gofunctions/buffers.py has the same number for arguments.
const lendingSize = 32 << 10

// buffer is an array of numbers that was passed as one: data, in one or two
// dimensions. The data is aligned.
type buffer struct {
	shape [2]int
	width int // of a number, in bytes
	data  unsafe.Pointer
}

// row returns one of two dimensions.
func (b buffer) row(i int) buffer {
	step := b.shape[1] * b.width
	return buffer{shape: [2]int{b.shape[1]}, width: b.width, data: unsafe.Add(b.data, i*step)}
}

// numbers is the view of a buffer of one dimension as a slice.
func numbers[T any](_ *Task, b buffer) []T { return unsafe.Slice((*T)(b.data), b.shape[0]) }

// width returns how many bytes a number takes; code is that of Python's module struct.
func width(code byte) int {
	switch code {
	case '?', 'b', 'B':
		return 1
	case 'h', 'H':
		return 2
	case 'i', 'I', 'f':
		return 4
	}
	return 8
}

// maxEmpty is how many rows of nothing there may be: no byte stands for them.
const maxEmpty = 1 << 16

// What comes before the data, or its address.
const (
	bufferHead = 8 // typecode, dimensions
	wordSize   = 8 // of each dimension, and of the address
)

// isBuffer tells whether an extension is a buffer, of whatever numbers.
func isBuffer(kind int8, data []byte) bool {
	return (kind == bufferExtension || kind == addressExtension) && len(data) >= bufferHead &&
		len(data) >= bufferHead+int(data[1])*wordSize
}

// bufferName returns what a buffer is called in messages.
func bufferName(code byte, dimensions int) string {
	name := "buffer of '" + string(rune(code)) + "'"
	if dimensions == 1 {
		return name
	}
	return strconv.Itoa(dimensions) + "-dimensional " + name
}

// readBuffer reads a buffer, if one of such numbers and dimensions is next.
func (t *Task) readBuffer(code byte, dimensions int) (b buffer, ok bool) {
	kind, data, rest, ok := splitExtension(t.in)
	if !ok || !isBuffer(kind, data) || data[0] != code || int(data[1]) != dimensions {
		return b, false
	}
	head := bufferHead + dimensions*wordSize
	size, ok := b.size(code, data[bufferHead:head])
	if ok {
		b.data, ok = t.refer(kind, data[head:], size, code)
	}
	if !ok {
		t.malformed()
		return b, false
	}
	t.in = rest
	return b, true
}

// size takes in the shape, and returns how many bytes there are.
func (b *buffer) size(code byte, shape []byte) (size int, ok bool) {
	b.width = width(code)
	total := uint64(b.width)
	for i := range len(shape) / wordSize {
		n := order.Uint64(shape[i*wordSize:])
		high, low := bits.Mul64(total, n)
		if high != 0 || low > math.MaxInt {
			return 0, false
		}
		b.shape[i], total = int(n), low
	}
	return int(total), total > 0 || b.shape[0] <= maxEmpty
}

// refer returns where the data is, which may be used for as long as the pointer is.
//
// What is in the message is copied, as the function may keep it. What is elsewhere
// is used there, if it is aligned: that is what it is passed so for.
func (t *Task) refer(kind int8, data []byte, size int, code byte) (unsafe.Pointer, bool) {
	if kind == bufferExtension {
		return aligned(data, code), len(data) == size
	}
	if len(data) != wordSize {
		return nil, false
	}
	address := uintptr(order.Uint64(data))
	if size == 0 || address == 0 {
		return aligned(nil, code), size == 0
	}
	memory := at(address)
	if code == '?' || address%uintptr(width(code)) != 0 {
		return aligned(unsafe.Slice((*byte)(memory), size), code), true
	}
	t.views = append(t.views, extent{address, address + uintptr(size)})
	return memory, true
}

// aligned returns where a copy of data is that is aligned for any number. A bool
// of Go's must be 0 or 1, or it is neither true nor false.
func aligned(data []byte, code byte) unsafe.Pointer {
	words := make([]uint64, len(data)/wordSize+1)
	memory := unsafe.Pointer(unsafe.SliceData(words))
	bytes := unsafe.Slice((*byte)(memory), len(data))
	copy(bytes, data)
	if code == '?' {
		for i, b := range bytes {
			bytes[i] = min(b, 1)
		}
	}
	return memory
}

// appendBuffer writes numbers as a buffer of one dimension.
func appendBuffer[T any](t *Task, v []T, code byte) {
	size := len(v) * width(code)
	kind, tail := bufferExtension, size
	if size >= lendingSize {
		kind, tail = addressExtension, wordSize
	}
	b := appendExtension(t.out, int8(kind), bufferHead+wordSize+tail)
	b = append(b, code, 1, 0, 0, 0, 0, 0, 0)
	b = order.AppendUint64(b, uint64(len(v)))
	memory := (*byte)(unsafe.Pointer(unsafe.SliceData(v)))
	if kind == addressExtension {
		b = order.AppendUint64(b, uint64(t.lend(memory, size)))
	} else {
		b = append(b, unsafe.Slice(memory, size)...)
	}
	t.out = b
}

// at makes a pointer of an address that is not in Go's memory. (By a conversion it
// would be the same; vet can't know where it comes from.)
func at(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }
