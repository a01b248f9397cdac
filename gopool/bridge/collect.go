package bridge

import (
	"encoding/binary"

	"github.com/gopool/gopool/gopool"
	"github.com/gopool/gopool/gopool/wire"
)

// kindLost is the encoding of a segment whose task ended with its worker, after
// those of package wire.
const kindLost = 2

// segmentHeader precedes each segment in the exchange: index, count, skip,
// encoding, size of the lengths, size of the data; 8 bytes each. The lengths
// follow, then the data.
const segmentHeader = 48

// Collect moves outcomes of the job that have arrived into the exchange and
// returns how many bytes of it they take. It blocks until at least want are
// there or no more will come, at most timeout ms (below 0: without end). A job
// that is done and collected loses its handle.
func Collect(handle, want, timeout, exchange int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 {
		memory, ok := exchanges.find(exchange)
		if !ok {
			return statusUnknown
		}
		if !wait(j, int(want), timeout) {
			return statusTimeout
		}
		used := 0
		segments := j.Take()
		for i, s := range segments {
			encoding, o := encoded(s)
			size := segmentHeader + len(o.Lengths) + len(o.Data)
			if size > len(memory)-used {
				j.Return(segments[i:])
				if used == 0 {
					return -int64(size)
				}
				return int64(used)
			}
			writeSegment(memory[used:], s, encoding, o)
			used += size
		}
		if err := j.Err(); err != nil {
			if used == 0 {
				return statusOf(err)
			}
		} else if j.Spent() {
			jobs.drop(handle)
		}
		return int64(used)
	})
}

func encoded(s gopool.Segment) (int, wire.Outcomes) {
	switch payload := s.Payload.(type) {
	case wire.Outcomes:
		return int(payload.Encoding), payload.Window(s.Skip, s.Count)
	case gopool.Lost:
		data := binary.LittleEndian.AppendUint64(nil, uint64(payload.Worker))
		return kindLost, wire.Outcomes{Data: binary.LittleEndian.AppendUint64(data, uint64(payload.Exit))}
	}
	panic("a payload of another kind of worker")
}

func writeSegment(memory []byte, s gopool.Segment, encoding int, o wire.Outcomes) {
	skip := 0
	if o.Encoding == wire.List {
		skip = s.Skip
	}
	header := memory[:0]
	for _, word := range [...]int{s.Index, s.Count, skip, encoding, len(o.Lengths), len(o.Data)} {
		header = binary.LittleEndian.AppendUint64(header, uint64(word))
	}
	n := segmentHeader + copy(memory[segmentHeader:], o.Lengths)
	copy(memory[n:], o.Data)
}
