package gofunc

import (
	"math"
	"math/bits"
	"unsafe"
)

// lendingSize is from how many bytes on an array is left where it is, and only
// its address handed over. python/gopool/_gofunction.py has the same number.
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

// readBuffer reads a buffer, if one of such numbers and dimensions is next.
//
// Data that is in the message is copied, as the function may keep it. Data that is
// elsewhere is used there: that is what it is passed so for.
func (t *Task) readBuffer(code byte, dimensions int) (b buffer, ok bool) {
	kind, data, rest, ok := splitExtension(t.in)
	head := bufferHead + dimensions*wordSize
	if !ok || kind != bufferExtension && kind != addressExtension || len(data) < head ||
		data[0] != code || int(data[1]) != dimensions {
		return b, false
	}
	b.width = width(code)
	size := uint64(b.width)
	for i := range dimensions {
		n := order.Uint64(data[bufferHead+i*wordSize:])
		high, low := bits.Mul64(size, n)
		if high != 0 || low > math.MaxInt {
			return b, false
		}
		b.shape[i], size = int(n), low
	}
	if size == 0 && b.shape[0] > maxEmpty {
		return b, false
	}
	data = data[head:]
	if kind == bufferExtension {
		if uint64(len(data)) != size {
			return b, false
		}
		b.data = aligned(data, code)
	} else if !b.refer(t, data, int(size), code) {
		return b, false
	}
	t.in = rest
	return b, true
}

// refer has b use the memory whose address is in data, if that is aligned.
func (b *buffer) refer(t *Task, data []byte, size int, code byte) bool {
	if len(data) != wordSize {
		return false
	}
	address := uintptr(order.Uint64(data))
	if size > 0 && address == 0 {
		return false
	}
	memory := at(address)
	if code == '?' || address%uintptr(b.width) != 0 || address == 0 {
		b.data = aligned(unsafe.Slice((*byte)(memory), size), code)
		return true
	}
	b.data = memory
	t.views = append(t.views, extent{address, address + uintptr(size)})
	return true
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
