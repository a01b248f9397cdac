package gofunc

import (
	"context"
	"runtime"
	"sync"
	"unsafe"
)

// abi is the number of all that the two halves of Go functions, and Python, have
// to agree on. Package bind and python/gopool/gopackage.py have the same.
const abi = 1

// Marks of what Call returns.
const (
	callFailed = 1 << 62
	callLent   = 1 << 61
)

// ABI returns which version of what is in call.h and here this package was built with.
func ABI() int64 { return abi }

// Call calls a function with the arguments that are in size bytes at in: one, or
// with star an array of them. The outcome, a record, is written to room bytes at out.
// Call returns its size, with marks. If it is larger than the room, the first 8 bytes
// of that are a token for Fetch.
func Call(function, star, in, size, out, room int64) int64 {
	d := directs.Get().(*direct)
	defer directs.Put(d)
	t := &d.Task
	t.function = find(function)
	t.out = t.out[:0]
	t.start(unsafe.Slice((*byte)(at(uintptr(in))), size), star != 0)
	if failed := d.shield.call(); failed != nil {
		t.failure = failed
	}
	length := t.finish()
	answer := int64(len(t.out))
	if answer <= room {
		copy(unsafe.Slice((*byte)(at(uintptr(out))), room), t.out)
	} else {
		token := parked.put(t.out)
		t.out = nil
		order.PutUint64(unsafe.Slice((*byte)(at(uintptr(out))), wordSize), uint64(token))
	}
	if length&failureBit != 0 {
		answer |= callFailed
	}
	if length&lentBit != 0 {
		answer |= callLent
	}
	return answer
}

// direct is the task of a direct call.
type direct struct {
	Task
	shield *shield
}

// directs are those that are not in use, each with memory for an outcome.
var directs = sync.Pool{New: func() any {
	d := &direct{Task: Task{context: context.Background(), encoding: records}}
	d.shield = newShield(d.call)
	return d
}}

// Fetch writes the outcome of a token to out, where there is room for it, and
// returns its size.
func Fetch(token, out int64) int64 {
	answer := parked.take(token)
	copy(unsafe.Slice((*byte)(at(uintptr(out))), len(answer)), answer)
	return int64(len(answer))
}

// Release adds delta to the references to a lent outcome. It returns how many there
// are; at 0 it is gone.
func Release(token, delta int64) int64 { return loans.count(token, delta) }

// Goroutines returns how many goroutines there are.
func Goroutines() int64 { return int64(runtime.NumGoroutine()) }

// Handles returns how many outcomes are lent or wait for Fetch, and how many
// contexts there are.
func Handles() int64 { return int64(loans.size() + parked.size() + contexts.size()) }

// parkingTable has outcomes that wait for Fetch, by their tokens.
type parkingTable struct {
	mu   sync.Mutex
	last int64
	rows map[int64][]byte
}

var parked = parkingTable{rows: map[int64][]byte{}}

func (p *parkingTable) put(answer []byte) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	p.rows[p.last] = answer
	return p.last
}

func (p *parkingTable) take(token int64) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	answer := p.rows[token]
	delete(p.rows, token)
	return answer
}

func (p *parkingTable) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.rows)
}
