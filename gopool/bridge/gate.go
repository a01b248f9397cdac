package bridge

import (
	"sync"
	"time"
)

const (
	// places is how many callers are inside at a time: while one is in Python the
	// other's task runs.
	places = 2
	// turn is how long they go on while others wait.
	turn = 500 * time.Microsecond
)

// gate lets few callers at a time call quick functions. Such callers, who share one
// GIL, are what each of them waits for: to have all of them woken, one after the
// other for each call, takes longer than the calls. So some go on, call after
// call, for a turn, and then those that have waited longest do (concurrency
// restriction; Dice and Kogan, 2019).
//
// Nobody waits for a call of another's to end: a turn ends in time, and who came in
// before is not counted any more.
type gate struct {
	mu     sync.Mutex
	inside int             // callers that came in this turn and have not left
	turn   uint64          // its number
	until  time.Time       // when it ends, if anybody waits
	queue  []chan struct{} // of those that wait; closed to let one in
	timer  *time.Timer     // ends the turn if nobody comes or goes
}

// enter waits for a place and returns what leave is to be told.
func (g *gate) enter() (ticket uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.look()
	if g.inside < places {
		g.inside++
		return g.turn
	}
	if len(g.queue) == 0 {
		g.begin()
	}
	in := make(chan struct{})
	g.queue = append(g.queue, in)
	g.mu.Unlock()
	<-in
	g.mu.Lock()
	return g.turn
}

// leave gives up a place. It stays free for the one who leaves, unless the turn
// is over: to wake another each time is what costs so much.
func (g *gate) leave(ticket uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if ticket == g.turn {
		g.inside--
	}
	g.look()
}

// The methods below are called with the lock held.

// look ends the turn if it is over. Callers do that, as timers are late while
// all of Go's processors are at system calls.
func (g *gate) look() {
	if len(g.queue) > 0 && !time.Now().Before(g.until) {
		g.next()
	}
}

// next lets in those that have waited longest.
func (g *gate) next() {
	g.turn++
	g.inside = min(places, len(g.queue))
	for _, in := range g.queue[:g.inside] {
		close(in)
	}
	g.queue = g.queue[g.inside:]
	if len(g.queue) > 0 {
		g.begin()
	}
}

// begin has the turn end in time: others wait.
func (g *gate) begin() {
	g.until = time.Now().Add(turn)
	if g.timer == nil {
		g.timer = time.AfterFunc(turn, func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.look()
		})
		return
	}
	g.timer.Reset(turn)
}
