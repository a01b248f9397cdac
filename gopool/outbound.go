package gopool

import "sync"

// small is the size up to which bytes are copied behind the frames before them
// and not sent as a buffer of their own.
const small = 4 << 10

// outbound is what waits to be written to a worker. Whoever flushes writes at
// once what the socket takes, which saves waking a goroutine in the common
// case; the rest is left to the writer goroutine. One of them at a time owns
// the socket, so bytes keep their order.
type outbound struct {
	socket stream

	mu     sync.Mutex
	work   sync.Cond // for serve: rest is its, or ended
	queued [][]byte
	spare  [][]byte // what queued may use again: one small buffer, or none
	open   bool     // the last of queued may grow
	owned  bool     // somebody writes
	rest   [][]byte // to be written by serve
	ended  bool
}

func (o *outbound) init(socket stream) {
	o.socket = socket
	o.work.L = &o.mu
}

// add queues what appendTo appends.
func (o *outbound) add(appendTo func([]byte) []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.open {
		o.begin()
	}
	last := &o.queued[len(o.queued)-1]
	*last = appendTo(*last)
}

// begin queues a buffer that may grow.
func (o *outbound) begin() {
	o.open = true
	if len(o.queued) == 0 && o.spare != nil {
		o.queued, o.spare = o.spare, nil
		return
	}
	o.queued = append(o.queued, make([]byte, 0, 256))
}

// addBlob queues bytes that belong behind what was added last. They must never
// change.
func (o *outbound) addBlob(blob []byte) {
	switch {
	case len(blob) == 0:
	case len(blob) <= small:
		o.add(func(b []byte) []byte { return append(b, blob...) })
	default:
		o.mu.Lock()
		defer o.mu.Unlock()
		o.queued = append(o.queued, blob)
		o.open = false
	}
}

// flush writes what is queued as far as the socket takes it without waiting,
// and leaves the rest to serve.
func (o *outbound) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queued) > 0 && !o.owned && !o.ended {
		buffers := o.take()
		o.mu.Unlock()
		// An error is the reader's to learn of too, and it ends the worker.
		rest, _ := o.socket.write(buffers, false)
		o.mu.Lock()
		if len(rest) == 0 && len(buffers) == 1 && cap(buffers[0]) <= small {
			buffers[0] = buffers[0][:0]
			o.spare = buffers
		}
		o.owned, o.rest = len(rest) > 0, rest
		o.work.Broadcast()
	}
}

// take makes the caller the one who writes what is queued.
func (o *outbound) take() [][]byte {
	buffers := o.queued
	o.queued, o.open, o.owned = nil, false, true
	return buffers
}

// serve is the writer goroutine. It waits while the socket is full, and gives
// the socket up when nothing is left.
func (o *outbound) serve() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		for len(o.rest) == 0 && !o.ended {
			o.work.Wait()
		}
		if o.ended {
			return
		}
		buffers := o.rest
		o.mu.Unlock()
		buffers, err := o.socket.write(buffers, true)
		o.mu.Lock()
		if err != nil {
			return // likewise; owned stays true: nobody else need try
		}
		o.rest = buffers
		if len(o.rest) == 0 {
			o.rest = o.take()
			o.owned = len(o.rest) > 0
		}
	}
}

// end makes serve return, and waits for a flush that is writing, so that the
// socket can be closed. A write that waits is ended by shutting the socket.
func (o *outbound) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	o.work.Broadcast()
	for o.owned && len(o.rest) == 0 {
		o.work.Wait()
	}
}
