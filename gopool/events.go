package gopool

import "sync"

// events is an unbounded queue: the pool never waits for who reads it.
type events struct {
	mu   sync.Mutex
	some sync.Cond // events or over
	list []Event
	over bool
}

func (e *events) init() { e.some.L = &e.mu }

func (e *events) push(event Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, event)
	e.some.Broadcast()
}

func (e *events) next() Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.list) == 0 {
		if e.over {
			return Event{Kind: Finished}
		}
		e.some.Wait()
	}
	event := e.list[0]
	e.list = e.list[1:]
	e.over = event.Kind == Finished
	return event
}
