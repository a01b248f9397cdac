package gopool

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/gopool/gopool/gopool/wire"
)

// PageSize is the size of the memory that a worker process shares with the pool.
const PageSize = 1 << 16

// The page's layout, in bytes. Slots are words of 8 bytes in the machine's
// order. python/gopool/_page.py has the same numbers, and slots that are Python's own.
const (
	slotStarted   = 0  // worker: number of the task started last
	slotRecalled  = 8  // pool: tasks from this number on are not the worker's
	slotFirst     = 16 // worker: number of the first outcome in the outbox
	slotPublished = 24 // worker: outcomes in the outbox <<32 | bytes of them; of a column: outcomes
	slotEncoding  = 32 // worker: wire.Stream, or that of the column in the outbox
	slotBegan     = 40 // worker: when the grant began that it is in, in ns by its clock
	lengthsStart  = 256
	maxOutcomes   = 2048
	dataStart     = lengthsStart + 8*maxOutcomes
	columnStart   = lengthsStart // a column has no lengths
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

// ownPage returns a page that is this process's alone, but none of Go's memory.
func ownPage() (page, error) {
	memory, err := unix.Mmap(-1, 0, PageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return page{}, fmt.Errorf("making a worker's page: %w", err)
	}
	p := page{memory}
	p.restore()
	return p, nil
}

func (p page) slot(offset int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&p.memory[offset]))
}

func (p page) started() uint64 { return p.slot(slotStarted).Load() }
func (p page) began() uint64   { return p.slot(slotBegan).Load() }
func (p page) restore()        { p.slot(slotRecalled).Store(never) }

// recall withdraws the tasks from the number from on: the worker does not start
// one that is recalled when it looks. What it had started before it looked is
// known a while later; see member.withdraw.
func (p page) recall(from uint64) {
	// Swap, because the race detector makes no more than a release of a Store
	// (golang/go#58020).
	p.slot(slotRecalled).Swap(from)
}

// harvest copies the outcomes that the worker has not sent. The worker may be
// writing: outcomes count only once they are published, and the number of the
// first one changes before others take their place.
func (p page) harvest() (wire.Outcomes, bool) {
	first := p.slot(slotFirst).Load()
	encoding := wire.Encoding(p.slot(slotEncoding).Load())
	published := p.slot(slotPublished).Load()
	outcomes, ok := p.outbox(encoding, published)
	if !ok || p.slot(slotFirst).Load() != first || p.slot(slotPublished).Load() < published {
		return wire.Outcomes{}, false
	}
	outcomes.First, outcomes.Encoding = first, encoding
	return outcomes, outcomes.Check() == nil
}

// outbox copies what is published, if that can be.
func (p page) outbox(encoding wire.Encoding, published uint64) (o wire.Outcomes, ok bool) {
	if width, isColumn := encoding.Width(); isColumn {
		if published == 0 || published > (PageSize-columnStart)/uint64(max(width, 1)) {
			return o, false
		}
		size := int(published) * width
		return wire.Outcomes{
			Count: int(published),
			Data:  bytes.Clone(p.memory[columnStart : columnStart+size]),
		}, true
	}
	count, size := int(published>>32), int(published&(1<<32-1))
	if count == 0 || count > maxOutcomes || size > PageSize-dataStart {
		return o, false
	}
	return wire.Outcomes{
		Count:   count,
		Lengths: bytes.Clone(p.memory[lengthsStart : lengthsStart+8*count]),
		Data:    bytes.Clone(p.memory[dataStart : dataStart+size]),
	}, true
}

func (p page) release() {
	// The mapping is ours and whole: unmapping it can't fail.
	_ = unix.Munmap(p.memory)
}
