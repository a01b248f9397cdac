package gofunc

import (
	"slices"
	"sync"
	"unsafe"
)

// loan is memory that an outcome refers to by address. It stays until nobody
// refers to the outcome.
type loan struct {
	memory     []*byte
	references int64
}

// loanTable has the loans by their tokens, which are never used again.
type loanTable struct {
	mu   sync.Mutex
	last int64
	rows map[int64]*loan
}

var loans = loanTable{rows: map[int64]*loan{}}

// lend returns the token of a loan, with the one reference that the message counts.
func (l *loanTable) lend(memory []*byte) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	l.rows[l.last] = &loan{memory, 1}
	return l.last
}

// count adds delta to the references to a loan, and returns how many there are.
func (l *loanTable) count(token, delta int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	row, ok := l.rows[token]
	if !ok {
		return 0
	}
	row.references += delta
	if row.references <= 0 {
		delete(l.rows, token)
	}
	return row.references
}

func (l *loanTable) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.rows)
}

// extent is a piece of memory.
type extent struct{ from, to uintptr }

// lend returns the address of memory that the outcome refers to. What is an
// argument's is copied: it is the caller's, who lets go of it when the call is over.
func (t *Task) lend(memory *byte, size int) uintptr {
	from := uintptr(unsafe.Pointer(memory))
	if slices.ContainsFunc(t.views, func(e extent) bool { return from < e.to && e.from < from+uintptr(size) }) {
		// Made of words, to be aligned for any number.
		words := make([]uint64, (size+wordSize-1)/wordSize)
		kept := (*byte)(unsafe.Pointer(unsafe.SliceData(words)))
		copy(unsafe.Slice(kept, size), unsafe.Slice(memory, size))
		memory = kept
	}
	t.lent = append(t.lent, memory)
	return uintptr(unsafe.Pointer(memory))
}

// insertToken makes room before an outcome for the token of its loan.
func insertToken(out []byte, begin int, token int64) []byte {
	var word [wordSize]byte
	order.PutUint64(word[:], uint64(token))
	return slices.Insert(out, begin, word[:]...)
}
