package gopool

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The layout of the beginning of a region, in bytes: python/gopool/_region.py
// has the same numbers and says what a region is. The page of the worker comes
// first.
const (
	maxSlabs   = 1 << 15
	tableStart = PageSize
	slabRow    = 16 // courier, holder: a word each
	heldStart  = tableStart + slabRow*maxSlabs
	rowsUsed   = heldStart + maxSlabs // a word: how many rows have ever been in use
	headerSize = 1 << 20
)

// Region is the head of a region of shared memory: which of its slabs are in
// use. The slabs themselves are none of Go's business.
type Region struct {
	memory []byte
	users  atomic.Int64 // the one that opened it, workers, messages that name slabs
}

// OpenRegion maps the head of the region behind a descriptor, which stays the
// caller's. It returns nil for a file that has no room for slabs.
func OpenRegion(fd int) (*Region, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, fmt.Errorf("mapping a region: %w", err)
	}
	if stat.Size <= headerSize {
		return nil, nil
	}
	memory, err := unix.Mmap(fd, 0, headerSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping a region: %w", err)
	}
	r := &Region{memory: memory}
	r.users.Store(1)
	return r, nil
}

func (r *Region) retain() *Region {
	if r != nil {
		r.users.Add(1)
	}
	return r
}

// Close unmaps it when no message names a slab of it any more.
func (r *Region) Close() {
	if r != nil && r.users.Add(-1) == 0 {
		// The mapping is ours and whole: unmapping it can't fail.
		_ = unix.Munmap(r.memory)
	}
}

func (r *Region) word(offset int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&r.memory[offset]))
}

func (r *Region) courier(slab uint64) *atomic.Uint64 {
	return r.word(tableStart + slabRow*int(slab))
}

func (r *Region) holder(slab uint64) *atomic.Uint64 {
	return r.word(tableStart + slabRow*int(slab) + 8)
}

// Take says that the message that names a slab is here. Give it back. It takes the
// place of the mark by which the slab's owner could have it back.
func (r *Region) Take(slab uint64) {
	r.retain().courier(slab).Store(1)
}

// GiveBack says that the message will not be read, or not again: from now on the
// slab is in use only as long as somebody holds it.
func (r *Region) GiveBack(slab uint64) {
	r.courier(slab).Store(0)
	r.Close()
}

// Mention says that a message is here that mentions a slab which several may
// have. Take it back with Unmention.
func (r *Region) Mention(slab uint64) { r.retain().courier(slab).Add(1) }

// Unmention says that the message will not be read, or not again.
func (r *Region) Unmention(slab uint64) {
	r.courier(slab).Add(^uint64(0))
	r.Close()
}

// bury takes back what a process held that has ended.
func (r *Region) bury(pid int) {
	if r == nil {
		return
	}
	for slab := range min(r.word(rowsUsed).Load(), maxSlabs) {
		r.holder(slab).CompareAndSwap(uint64(pid), 0)
	}
}
