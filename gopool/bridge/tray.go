package bridge

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gopool/gopool/gopool"
)

// The layout of a tray; python/gopool/_gathering.py has the same numbers. Slots
// are of slotSize bytes, and each begins with a word: how many bytes of the
// others are a call, 0 while there is none. Slot 0 is no slot: its word tells the
// caller that the tray is held, which means that somebody looks into it.
const (
	slotSize = 256
	slots    = 1024
	slotHead = 8
)

const (
	// gathering is how long a call may lie in a tray.
	gathering = 500 * time.Microsecond
	// burst is the longest time between two calls one of which waits for more.
	burst = time.Millisecond
	// settling is how long after the tray was let go its caller may not have
	// seen that: many times as long as a processor keeps a store to itself.
	settling = time.Millisecond
)

// tray is memory in which a caller leaves calls of one function that are to be
// one job, without a call of ours for each. Who looks into it, and why none stays
// there, is in docs/architecture.md, Gathering.
type tray struct {
	pool     *pool
	fn       *gopool.Function
	job      *gopool.Job
	exchange int64 // that the memory is of

	mu     sync.Mutex // comes before the pool's lock
	memory []byte     // nil: the tray has ended
	taken  [slots]bool
	left   int // slots not taken
	rang   time.Time
	timer  *time.Timer // runs while the tray is held, and a little longer
}

var (
	trays table[*tray] // by the numbers of their jobs
	lent  table[*tray] // those that have not ended, by the numbers of their exchanges
)

func newTray(exchange int64, memory []byte, p *pool, f *gopool.Function, job *gopool.Job) *tray {
	t := &tray{pool: p, fn: f, job: job, exchange: exchange, memory: memory[:slots*slotSize], left: slots - 1}
	job.KeepTurn()
	for i := range slots {
		t.word(i).Store(0)
	}
	lent.put(exchange, t)
	return t
}

func (t *tray) word(slot int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&t.memory[slot*slotSize]))
}

func (t *tray) held() bool { return t.word(0).Load() != 0 }

// Ring says that there is a call in slot, of a job's tray that was not held or
// has ended. It returns 0 if the call will not be made, above 0 if it will be;
// and 2 if the tray had better be ended, as its calls are no longer short.
func Ring(handle, slot int64) int64 {
	return guard(func() int64 {
		t, ok := trays.find(handle)
		if !ok {
			return 0
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.memory != nil {
			t.ring()
		}
		switch {
		case !t.taken[slot]:
			return 0
		case t.memory != nil && !t.pool.Brief(t.fn):
			return 2
		}
		return 1
	})
}

// ring takes what there is, and holds the tray if that came soon after the last time.
func (t *tray) ring() {
	now := time.Now()
	soon := now.Sub(t.rang) < burst
	t.rang = now
	t.take()
	if soon && t.pool.Brief(t.fn) {
		t.hold()
	}
}

func (t *tray) hold() {
	t.word(0).Store(1)
	if t.timer == nil {
		t.timer = time.AfterFunc(gathering, t.look)
		return
	}
	t.timer.Reset(gathering)
}

// look takes what has come since the tray was held. If nothing has, it lets the
// tray go, and looks once more when whoever has not seen that must be visible.
func (t *tray) look() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.memory == nil {
		return
	}
	some := t.take()
	switch {
	case some && t.pool.Brief(t.fn):
		t.hold()
	case some || t.held():
		// Swap for the sake of the race detector, as in page.recall.
		t.word(0).Swap(0)
		t.timer.Reset(settling)
	}
}

// empty takes what there is: somebody waits for it.
func (t *tray) empty() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.memory != nil {
		t.take()
	}
}

// end takes what there is and leaves the memory to the caller. It tells, once,
// whether all slots were used, so that nobody can be writing into one.
func (t *tray) end() (full bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.memory == nil {
		return false
	}
	t.take()
	t.memory = nil
	lent.drop(t.exchange)
	if t.timer != nil {
		t.timer.Stop()
	}
	return t.left == 0
}

// The methods below are called with the lock held.

// take adds the calls that have come to the job, and tells whether there were
// any. A slot may be empty for good, because Ctrl-C came, or be filled after
// those behind it, by a thread that was slower.
func (t *tray) take() (some bool) {
	come := t.come()
	for first := 1; first < slots; first++ {
		end := first
		for end < slots && come[end] {
			end++
		}
		if end > first {
			if t.job.Add(t.batch(first, end)) != nil {
				return false // the pool has ended
			}
			for i := first; i < end; i++ {
				t.taken[i] = true
			}
			t.left -= end - first
			some = true
			first = end
		}
	}
	return some
}

// come tells which slots have a call that was not taken. They are filled
// meanwhile, and so it looks from the last to the first: with a call are seen
// those that the same thread has left before, and none is taken before them.
func (t *tray) come() (some [slots]bool) {
	for i := slots - 1; i > 0; i-- {
		some[i] = !t.taken[i] && t.word(i).Load() != 0
	}
	return some
}

// batch copies the calls in the slots from..to, as a stream (_codec.py): its
// mark, how many they are, the length of each, and then all of them.
func (t *tray) batch(from, to int) *gopool.Batch {
	size := 0
	for i := from; i < to; i++ {
		size += t.size(i)
	}
	data := make([]byte, 0, 1+8+8*(to-from)+size)
	data = append(data, streamed)
	data = binary.LittleEndian.AppendUint64(data, uint64(to-from))
	for i := from; i < to; i++ {
		data = binary.LittleEndian.AppendUint64(data, uint64(t.size(i)))
	}
	for i := from; i < to; i++ {
		at := i*slotSize + slotHead
		data = append(data, t.memory[at:at+t.size(i)]...)
	}
	return pickled(data, int64(to-from), int64(from))
}

func (t *tray) size(slot int) int { return int(min(t.word(slot).Load(), slotSize-slotHead)) }

// streamed marks a batch whose items have a pickle each.
const streamed = 1
