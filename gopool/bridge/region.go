package bridge

import (
	"encoding/binary"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/gopool/gopool/gopool"
)

// What python/gopool/_codec.py marks messages with that are in a slab, or mention
// some.
const (
	batchLent       = 2   // the first byte of a batch
	batchMentioning = 128 // a bit of it

	conventionLent       = 8 // bits of a function's calling convention
	conventionMentioning = 16
)

// arguments is the region in which this process keeps arguments; nil: none.
var arguments atomic.Pointer[gopool.Region]

// OpenRegion makes the region behind a descriptor the one in which this process
// keeps arguments, in the place of any before. The descriptor stays the caller's.
func OpenRegion(fd int64) int64 {
	return guard(func() int64 {
		region, err := gopool.OpenRegion(int(fd))
		if err != nil {
			return statusSystem
		}
		arguments.Swap(region).Close()
		return 0
	})
}

// CloseRegion ends the use of that region for messages that are not here yet.
func CloseRegion() int64 {
	return guard(func() int64 { arguments.Swap(nil).Close(); return 0 })
}

// CloseSoon closes a descriptor that becomes Go's, in a goroutine: with the last one of a
// file in memory goes the memory, which takes 0.2 s a GB, and Python would hold the GIL.
func CloseSoon(fd int64) int64 {
	return guard(func() int64 { go unix.Close(int(fd)); return 0 })
}

// TrimSoon says that many outcomes in workers' memory are not needed any more.
func TrimSoon() int64 {
	return guard(func() int64 {
		for _, p := range pools.all() {
			p.TrimSoon()
		}
		return 0
	})
}

// receive takes the slabs that a message names, of which it says so in flags. It
// returns what gives them back, nil if there are none, and how many bytes the one
// has that the message is in.
func receive(message []byte, mentioning, lent bool) (giveBack func(), size int) {
	if !mentioning && !lent {
		return nil, 0
	}
	region := arguments.Load()
	var mentions []uint64
	if mentioning {
		mentions = make([]uint64, word(message))
		for i := range mentions {
			mentions[i] = word(message[8*(i+1):])
			region.Mention(mentions[i])
		}
		message = message[8*(1+len(mentions)):]
	}
	if lent {
		region.Take(word(message[8:]))
		size = int(word(message[24:]))
	}
	return func() {
		for _, slab := range mentions {
			region.Unmention(slab)
		}
		if lent {
			region.GiveBack(word(message[8:]))
		}
	}, size
}

func word(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
