package bridge

import "sync"

// table gives objects numbers that can go to Python and back. A number is
// never used again, so that one used too late finds nothing.
type table[T any] struct {
	mu   sync.RWMutex
	last int64
	rows map[int64]T
}

// reserve returns a number that put will be called with.
func (t *table[T]) reserve() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	return t.last
}

func (t *table[T]) put(handle int64, row T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rows == nil {
		t.rows = map[int64]T{}
	}
	t.rows[handle] = row
}

func (t *table[T]) find(handle int64) (T, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	row, ok := t.rows[handle]
	return row, ok
}

func (t *table[T]) drop(handle int64) (T, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	row, ok := t.rows[handle]
	delete(t.rows, handle)
	return row, ok
}

func (t *table[T]) size() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.rows)
}
