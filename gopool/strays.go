package gopool

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// strays are the runners of a pool that were given up and whose call has not returned.
type strays struct {
	mu   sync.Mutex
	all  map[*runner]stray
	none chan struct{} // closed when there are none; nil if nobody waits
}

// stray is what was known of one when it was given up.
type stray struct {
	WorkerStats
	since time.Time
}

// newStray returns what is known now of a worker.
func newStray(r *Reporter) stray {
	s := stray{WorkerStats{ID: r.member.id, State: WorkerLost}, time.Now()}
	if task, ok := r.pool.Doing(s.ID); ok {
		s.Task = &task
	}
	return s
}

func (s *strays) add(w *runner, last stray) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[w] = last
}

func (s *strays) remove(w *runner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, w)
	if len(s.all) == 0 && s.none != nil {
		close(s.none)
		s.none = nil
	}
}

// wait blocks until there are none, for a while.
func (s *strays) wait(limit time.Duration) {
	s.mu.Lock()
	if len(s.all) == 0 {
		s.mu.Unlock()
		return
	}
	none := make(chan struct{})
	s.none = none
	s.mu.Unlock()
	select {
	case <-none:
	case <-time.After(limit):
	}
}

// list returns what they are in, in the order in which they were started.
func (s *strays) list() (list []WorkerStats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range slices.SortedFunc(maps.Values(s.all), func(a, b stray) int { return a.ID - b.ID }) {
		if w.Task != nil {
			task := *w.Task
			task.Since += time.Since(w.since)
			w.Task = &task
		}
		list = append(list, w.WorkerStats)
	}
	return list
}
