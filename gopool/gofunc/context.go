package gofunc

import (
	"context"
	"sync"
)

// contextTable has the contexts of the ranges that run, by their workers.
type contextTable struct {
	mu   sync.Mutex
	rows map[int64]context.CancelFunc
}

var contexts = contextTable{rows: map[int64]context.CancelFunc{}}

// begin returns the context of a range, and what ends it.
func (c *contextTable) begin(worker int64) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows[worker] = cancel
	return ctx, func() {
		c.mu.Lock()
		delete(c.rows, worker)
		c.mu.Unlock()
		cancel()
	}
}

// cancel cancels the context of what a worker runs. If it runs nothing, there is
// nothing to do: what it was about to run has been recalled.
func (c *contextTable) cancel(worker int64) {
	c.mu.Lock()
	cancel := c.rows[worker]
	c.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

func (c *contextTable) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.rows)
}
