package bridge

import (
	"encoding/binary"

	"github.com/gopool/gopool/gopool"
)

// Doing writes which task a worker process is in into the exchange (appendTask), and
// returns the size of that; 0 if the worker is in no task.
func Doing(handle, worker, exchange int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		memory, ok := exchanges.find(exchange)
		if !ok {
			return statusUnknown
		}
		task, ok := p.Pool.Doing(int(worker))
		if !ok {
			return 0
		}
		return fill(memory, appendTask(nil, task))
	})
}

// Stats writes what the pool does and has done into the exchange, in words of 8
// bytes, and returns the size of that: uptime, time in tasks, time of workers, in
// ns; tasks done, queued, running, lost, retried; bytes sent, received. Then, of each
// worker: its number, process, state, tasks done, whether it is in a task, and that.
// Goroutines that were given up are among them while they are in a call.
func Stats(handle, exchange int64) int64 {
	return withPool(handle, func(p *pool) int64 {
		memory, ok := exchanges.find(exchange)
		if !ok {
			return statusUnknown
		}
		s := p.Pool.Stats()
		if g := p.goroutines.Load(); g != nil {
			s.Workers = append(s.Workers, g.Strays()...)
		}
		data := appendWords(nil,
			int(s.Uptime), int(s.Busy), int(s.Present),
			s.Done, s.Queued, s.Running, s.Lost, s.Retried, s.Sent, s.Received)
		for _, w := range s.Workers {
			data = appendWords(data, w.ID, w.Process, int(w.State), w.Done, int(truth(w.Task != nil)))
			if w.Task != nil {
				data = appendTask(data, *w.Task)
			}
		}
		return fill(memory, data)
	})
}

// appendTask appends what is known of a task: its index, for how many ns it has
// been seen, when its grant began, and its function.
func appendTask(b []byte, t gopool.Task) []byte {
	return appendFunction(appendWords(b, t.Index, int(t.Since), int(t.Began)), t.Function)
}

// appendFunction appends what Python knows a function by: the number of its job, if
// it never left Python, its convention, the size of its code, and that.
func appendFunction(b []byte, f *gopool.Function) []byte {
	switch value := f.Value.(type) {
	case gopool.Code:
		return appendCode(b, value)
	case *goFunction:
		return appendCode(b, value.code)
	case int64:
		return appendWords(b, int(value), 0, 0)
	}
	panic("a function of another kind of worker")
}

func appendCode(b []byte, c gopool.Code) []byte {
	return append(appendWords(b, 0, int(c.Convention), len(c.Bytes)), c.Bytes...)
}

func appendWords(b []byte, words ...int) []byte {
	for _, word := range words {
		b = binary.LittleEndian.AppendUint64(b, uint64(word))
	}
	return b
}

// fill copies data into an exchange and returns its size, or minus that if it does
// not fit.
func fill(memory, data []byte) int64 {
	if len(data) > len(memory) {
		return -int64(len(data))
	}
	return int64(copy(memory, data))
}
