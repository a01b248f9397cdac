package bridge

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/gopool/gopool/gopool"
)

// What python/gopool/_codec.py marks messages with that are in a slab.
const (
	batchLent      = 2 // the first byte of a batch
	conventionLent = 8 // a bit of a function's calling convention
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

// TrimSoon says that many outcomes in workers' memory are not needed any more.
func TrimSoon() int64 {
	return guard(func() int64 {
		for _, p := range pools.all() {
			p.TrimSoon()
		}
		return 0
	})
}

// receive takes the slab that a message is in, and returns what gives it back, and
// how many bytes it has.
func receive(record []byte) (giveBack func(), size int) {
	region := arguments.Load()
	slab := binary.LittleEndian.Uint64(record[8:])
	region.Take(slab)
	return func() { region.GiveBack(slab) }, int(binary.LittleEndian.Uint64(record[24:]))
}
