package bridge

import (
	"bytes"
	"time"

	"github.com/gopool/gopool/gopool"
	"github.com/gopool/gopool/gopool/wire"
)

// encodingShift is where the encoding begins in what Call returns of a Go function;
// python/gopool/_gofunctions/packing.py has the same number.
const encodingShift = 40

// Call is Submit of a job of one task and, if all goes well, everything else as
// well: it stays up to wait ms for the outcome, and if that is a value that fits
// into the exchange, it leaves it there and returns its size. There is no job
// then. Otherwise it returns statusTimeout, and the job is known by number: its
// outcome, if it has one, is for Collect.
//
// Of a Go function the result is the size and, from encodingShift on, the encoding: a
// column of one, or Packed.
//
// The first size bytes of the exchange hold the function's code and then the
// batch of the task.
func Call(handle, number, exchange, codeSize, size, convention, byReference, wait int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		memory, ok := exchanges.find(exchange)
		if !ok {
			return statusUnknown
		}
		f, own, err := p.function(memory[:codeSize], uint32(convention), byReference != 0)
		if err != nil {
			return statusOf(err)
		}
		if own {
			defer p.Pool.Release(f)
		}
		if p.Quick(f) {
			ticket := p.gate.enter()
			defer func() { p.gate.leave(ticket) }()
		}
		deadline := time.Now().Add(time.Duration(wait) * time.Millisecond)
		b, err := batch(f, bytes.Clone(memory[codeSize:size]), 1, 0)
		if err != nil {
			return statusOf(err)
		}
		job, err := p.Pool.Call(f, b, deadline)
		if refuse(b, err) != nil {
			return statusOf(err)
		}
		if o, ok := onlyValue(job); ok && len(o.Data) <= len(memory) {
			switch _, isGo := f.Value.(*goFunction); {
			case isGo:
				return int64(o.Encoding)<<encodingShift | int64(copy(memory, o.Data))
			case o.Encoding == wire.Stream:
				return int64(copy(memory, o.Data))
			}
		}
		jobs.put(number, job)
		return statusTimeout
	})
}

// onlyValue returns the encoded result of a job of one task, if it is there and
// encoded by itself.
func onlyValue(job *gopool.Job) (wire.Outcomes, bool) {
	for _, s := range job.After(0) {
		if o, ok := s.Payload.(wire.Outcomes); ok {
			one := o.Window(s.Skip, 1)
			return one, one.Plain()
		}
	}
	return wire.Outcomes{}, false
}
