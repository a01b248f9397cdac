package gopool

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool/wire"
)

// fakeRanges is a RangeFunc that does as package gofunc: results are a column of
// integers until a task fails; its failure comes by itself, with the next call.
type fakeRanges struct {
	// task runs one, and returns its result; errLent is no failure.
	task func(c *fakeCall, index int) (int, error)

	mu       sync.Mutex
	calls    map[int64]*fakeCall // by worker
	parked   map[int64]parked    // by worker
	lengths  []int               // of all ranges that were asked for
	lastLent uint64
	lent     map[uint64]int // how many references there are to each
}

// fakeCall is what a task may know of the call that it is in.
type fakeCall struct {
	context.Context
	worker int64
	cancel func()
}

// parked is the failure of a task, which waits for the next call.
type parked struct {
	err    error
	number uint64
}

// errLent has the outcome be lent.
var errLent = errors.New("lent")

// failureKind is the kind of all failures.
const failureKind = 3

func newFakeRanges(task func(c *fakeCall, index int) (int, error)) *fakeRanges {
	return &fakeRanges{task: task, calls: map[int64]*fakeCall{}, parked: map[int64]parked{}, lent: map[uint64]int{}}
}

func (f *fakeRanges) Run(r *Range) wire.Outcomes {
	c, failure := f.begin(r)
	defer f.end(r.Worker)
	if failure.err != nil && failure.number != r.Sequence {
		panic("a failure was not asked for")
	}
	if failure.err != nil {
		return f.record(failure.err)
	}
	begin, _ := r.Data.(int) // of the batch in its job, where there are several
	column := wire.Outcomes{Encoding: wire.Ints}
	for i := range r.Count {
		number := r.Sequence + uint64(i)
		r.Started.Store(number)
		if r.Recalled.Load() <= number {
			break
		}
		result, err := f.task(c, begin+r.Offset+i)
		if err != nil && column.Count == 0 {
			return f.record(err)
		}
		if err != nil {
			f.park(r.Worker, parked{err, number})
			break
		}
		column.Count++
		column.Data = binary.LittleEndian.AppendUint64(column.Data, uint64(result))
	}
	return column
}

func (f *fakeRanges) begin(r *Range) (*fakeCall, parked) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	c, failure := &fakeCall{ctx, r.Worker, cancel}, f.parked[r.Worker]
	delete(f.parked, r.Worker)
	f.calls[r.Worker] = c
	f.lengths = append(f.lengths, r.Count)
	return c, failure
}

func (f *fakeRanges) end(worker int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[worker].cancel()
	delete(f.calls, worker)
}

func (f *fakeRanges) park(worker int64, failure parked) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.parked[worker] = failure
}

// record returns the outcome that is no integer.
func (f *fakeRanges) record(err error) wire.Outcomes {
	if err == errLent {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.lastLent++
		f.lent[f.lastLent]++
		return packed(wire.LentBit, binary.LittleEndian.AppendUint64(nil, f.lastLent))
	}
	return packed(wire.FailureBit, append([]byte{0x94, failureKind}, err.Error()...))
}

func packed(mark uint64, record []byte) wire.Outcomes {
	return wire.Outcomes{
		Count:    1,
		Encoding: wire.Packed,
		Lengths:  binary.LittleEndian.AppendUint64(nil, uint64(len(record))|mark),
		Data:     record,
	}
}

func (f *fakeRanges) Cancel(worker int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.calls[worker]; c != nil {
		c.cancel()
	}
}

func (f *fakeRanges) Take(uint64) {}

func (f *fakeRanges) GiveBack(token uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lent[token]--
}

// references returns how many there are to each outcome that was lent.
func (f *fakeRanges) references() (all []int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for token := range f.lastLent {
		all = append(all, f.lent[token+1])
	}
	return all
}

// longest returns how many tasks the longest range had.
func (f *fakeRanges) longest() (count int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range f.lengths {
		count = max(count, n)
	}
	return count
}

// outcomesOf returns the results of a job's tasks by index, what failed, and what was lost.
func outcomesOf(t *testing.T, j *Job) (results map[int]int, failed map[int]string, lost map[int]Lost) {
	t.Helper()
	results, failed, lost = map[int]int{}, map[int]string{}, map[int]Lost{}
	seen := map[int]bool{}
	for _, s := range j.Take() {
		for i := range s.Count {
			index := s.Index + i
			require.False(t, seen[index], "task %d has two outcomes", index)
			seen[index] = true
			if l, ok := s.Payload.(Lost); ok {
				lost[index] = l
				continue
			}
			o := s.Payload.(wire.Outcomes).Window(s.Skip+i, 1)
			switch {
			case o.Encoding == wire.Ints:
				results[index] = int(binary.LittleEndian.Uint64(o.Data))
			case len(o.Loans()) > 0:
				results[index] = -1
			default:
				failed[index] = string(o.Data[2:])
			}
		}
	}
	return results, failed, lost
}
