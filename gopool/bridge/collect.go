package bridge

import (
	"encoding/binary"

	"github.com/gopool/gopool/gopool"
	"github.com/gopool/gopool/gopool/wire"
)

// Encodings of segments, apart from those of package wire.
const (
	kindLost      = 2 // the task ended with its worker
	kindLocal     = 3 // Python has the outcomes
	kindCancelled = 8 // the task was cancelled by itself
)

// segmentHeader precedes each segment in the exchange: index, count, skip,
// encoding, size of the lengths, size of the data; 8 bytes each. The lengths
// follow, then the data.
const segmentHeader = 48

// Collect copies outcomes of the job into the exchange and returns how many
// bytes of it they take: those segments that arrived after the first taken,
// which are forgotten, as many as fit. It does not block.
func Collect(handle, taken, exchange int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 {
		memory, ok := exchanges.find(exchange)
		if !ok {
			return statusUnknown
		}
		used := 0
		for _, s := range j.After(int(taken)) {
			encoding, o := encoded(s)
			size := segmentHeader + len(o.Lengths) + len(o.Data)
			if size > len(memory)-used {
				if used == 0 {
					return -int64(size)
				}
				break
			}
			writeSegment(memory[used:], s, encoding, o)
			used += size
		}
		if err := j.Err(); err != nil && used == 0 {
			return statusOf(err)
		}
		return int64(used)
	})
}

func encoded(s gopool.Segment) (int, wire.Outcomes) {
	switch payload := s.Payload.(type) {
	case wire.Outcomes:
		return int(payload.Encoding), payload.Window(s.Skip, s.Count)
	case gopool.Lost:
		data := binary.LittleEndian.AppendUint64(nil, uint64(payload.Exit))
		data = binary.LittleEndian.AppendUint64(data, uint64(payload.Worker))
		data = binary.LittleEndian.AppendUint64(data, uint64(payload.Limit))
		data = binary.LittleEndian.AppendUint64(data, uint64(payload.Retries))
		reason := payload.String()
		data = binary.LittleEndian.AppendUint64(data, uint64(len(reason)))
		data = append(data, reason...)
		return kindLost, wire.Outcomes{Data: append(data, payload.Details...)}
	case gopool.Local:
		return kindLocal, wire.Outcomes{}
	case gopool.Cancelled:
		return kindCancelled, wire.Outcomes{}
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
