package bridge

import (
	"maps"
	"slices"
	"sync"
)

// table finds objects by the numbers that Python has for them. Python never uses
// a number again, so that one used too late finds nothing.
type table[T any] struct {
	mu   sync.RWMutex
	rows map[int64]T
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

func (t *table[T]) all() []T {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Collect(maps.Values(t.rows))
}

func (t *table[T]) size() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.rows)
}
