package bridge

import (
	"bytes"
	"time"

	"github.com/gopool/gopool/gopool"
	"github.com/gopool/gopool/gopool/wire"
)

// Call is Submit of a job of one task and, if all goes well, everything else as
// well: it stays up to wait ms for the outcome, and if that is a value that fits
// into the exchange, it leaves it there and returns its size. There is no job
// then. Otherwise it returns statusTimeout, and the job is known by number: its
// outcome, if it has one, is for Collect.
//
// The first size bytes of the exchange hold the function's code and then the
// batch of the task.
func Call(handle, number, exchange, codeSize, size, convention, byReference, wait int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		memory, ok := exchanges.find(exchange)
		if !ok {
			return statusUnknown
		}
		f, own := p.function(memory[:codeSize], uint32(convention), byReference != 0)
		if own {
			defer p.Pool.Release(f)
		}
		if p.Quick(f) {
			ticket := p.gate.enter()
			defer func() { p.gate.leave(ticket) }()
		}
		deadline := time.Now().Add(time.Duration(wait) * time.Millisecond)
		data := bytes.Clone(memory[codeSize:size])
		b := batch(data, 1, 0)
		job, err := p.Pool.Call(f, b, deadline)
		if refuse(b, err) != nil {
			return statusOf(err)
		}
		if value, ok := onlyValue(job); ok && len(value) <= len(memory) {
			return int64(copy(memory, value))
		}
		jobs.put(number, job)
		return statusTimeout
	})
}

// onlyValue returns the encoded result of a job of one task, if it is there and
// encoded by itself.
func onlyValue(job *gopool.Job) ([]byte, bool) {
	for _, s := range job.After(0) {
		if o, ok := s.Payload.(wire.Outcomes); ok && o.Encoding == wire.Stream {
			one := o.Window(s.Skip, 1)
			return one.Data, one.Plain()
		}
	}
	return nil, false
}
