package gopool

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/gopool/gopool/gopool/wire"
)

// PageSize is the size of the memory that a worker process shares with the pool.
const PageSize = 1 << 16

// The page's layout, in bytes. Slots are words of 8 bytes in the machine's
// order. python/gopool/_page.py has the same numbers.
const (
	slotStarted   = 0  // worker: number of the task started last
	slotRecalled  = 8  // pool: tasks from this number on are not the worker's
	slotFirst     = 16 // worker: number of the first outcome in the outbox
	slotPublished = 24 // worker: outcomes in the outbox <<32 | bytes of them
	slotElapsed   = 32 // worker: ns that these tasks took
	lengthsStart  = 256
	maxOutcomes   = 2048
	dataStart     = lengthsStart + 8*maxOutcomes
)

// never is a number that no task reaches.
const never = 1<<63 - 1

// page is the memory that a worker process shares with the pool. It outlives
// the worker, and says what the worker can't say any more: which task it was
// in, and the outcomes that it had not sent.
type page struct {
	memory []byte
}

// mapPage maps the page behind a descriptor, which stays the caller's.
func mapPage(fd int) (page, error) {
	memory, err := unix.Mmap(fd, 0, PageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return page{}, fmt.Errorf("mapping a worker's page: %w", err)
	}
	p := page{memory}
	p.slot(slotRecalled).Store(never)
	return p, nil
}

func (p page) slot(offset int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&p.memory[offset]))
}

func (p page) started() uint64 { return p.slot(slotStarted).Load() }
func (p page) restore()        { p.slot(slotRecalled).Store(never) }

// recall withdraws the tasks from the number from on and returns the first
// number that certainly never starts. It is one side of Dekker's handshake: the
// worker stores the number that it starts and then loads what is recalled; we
// store what is recalled and then load what it started, both with a full fence
// between. So at least one side sees the other: if we see an older number, the
// worker will see the recall. If we see a number that was recalled, the worker
// may or may not have seen it in time, and tells us which.
func (p page) recall(from uint64) uint64 {
	// A full fence: Go's atomics are sequentially consistent. Swap, because the
	// race detector makes no more than a release of a Store (golang/go#58020).
	p.slot(slotRecalled).Swap(from)
	return max(from, p.started()+1)
}

// harvest copies the outcomes that the worker has not sent. The worker may be
// writing: outcomes count only once they are published, and the number of the
// first one changes before others take their place.
func (p page) harvest() (wire.Outcomes, bool) {
	first := p.slot(slotFirst).Load()
	published := p.slot(slotPublished).Load()
	elapsed := p.slot(slotElapsed).Load()
	count, size := int(published>>32), int(published&(1<<32-1))
	if count == 0 || count > maxOutcomes || size > PageSize-dataStart {
		return wire.Outcomes{}, false
	}
	outcomes := wire.Outcomes{
		First:    first,
		Count:    count,
		Elapsed:  time.Duration(elapsed),
		Encoding: wire.Stream,
		Lengths:  bytes.Clone(p.memory[lengthsStart : lengthsStart+8*count]),
		Data:     bytes.Clone(p.memory[dataStart : dataStart+size]),
	}
	if p.slot(slotFirst).Load() != first || p.slot(slotPublished).Load() < published {
		return wire.Outcomes{}, false
	}
	return outcomes, outcomes.Check() == nil
}

func (p page) release() {
	// The mapping is ours and whole: unmapping it can't fail.
	_ = unix.Munmap(p.memory)
}
