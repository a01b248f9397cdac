package gopool

import (
	"context"
	"math"

	"github.com/gopool/gopool/gopool/wire"
)

// overhead is about how many bytes a batch or a segment takes beside its data.
const overhead = 256

// stock counts what a job holds for those who feed it: who adds tasks without
// an end asks for Room before.
type stock struct {
	arguments int // bytes of the tasks that are not settled
	results   int // bytes of the outcomes that were not taken
	added     int // tasks
	used      int // outcomes that the consumer has made use of
	changed   chan struct{}
}

func (s *stock) add(b *Batch) {
	s.added += b.Count
	s.arguments += overhead
	if data, ok := b.Data.([]byte); ok {
		s.arguments += len(data)
	}
}

// settle is told that count of the open tasks have their outcome. Each counts
// with the mean of those that are open. So it is the tasks that run long, a few
// for each worker, whose bytes may be taken for less or more than they are.
func (s *stock) settle(count, open int) {
	s.arguments -= s.arguments / open * count
	if count == open {
		s.arguments = 0
	}
}

// change wakes those who wait for room, to look again.
func (s *stock) change() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// size returns about how many bytes an outcome takes. What several segments
// share is divided among them.
func size(s Segment) int {
	switch payload := s.Payload.(type) {
	case wire.Outcomes:
		return overhead + (len(payload.Data)+len(payload.Lengths))/max(1, payload.Count)*s.Count
	case Local: // an exception, with its traceback
		return 4 * overhead
	}
	return overhead
}

// Room blocks until the job holds less than so many bytes, and less than so many
// tasks whose outcomes were not used, and returns how many tasks less; 0 is no
// bound. Bytes are those of arguments until their task is settled, and of
// outcomes until they are taken. There are no bounds once the results are
// forgotten, or the pool is drained. It fails once no task may be added.
func (j *Job) Room(ctx context.Context, bytes, tasks int) (int, error) {
	p := j.pool
	for {
		p.mu.Lock()
		free, err := j.room(bytes, tasks)
		if free > 0 || err != nil {
			p.mu.Unlock()
			return free, err
		}
		if j.stock.changed == nil {
			j.stock.changed = make(chan struct{})
		}
		changed := j.stock.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (j *Job) room(bytes, tasks int) (int, error) {
	s := &j.stock
	switch {
	case j.err != nil:
		return 0, j.err
	case j.sealed:
		return 0, errSealed
	case j.forgotten || j.pool.draining:
		return math.MaxInt, nil
	case bytes > 0 && s.arguments+s.results >= bytes:
		return 0, nil
	case tasks > 0:
		return max(0, tasks-(s.added-s.used)), nil
	}
	return math.MaxInt, nil
}

// Use says that the consumer has made use of so many outcomes in all.
func (j *Job) Use(count int) {
	j.pool.mu.Lock()
	defer j.pool.mu.Unlock()
	if count > j.stock.used {
		j.stock.used = count
		j.stock.change()
	}
}

// AddLocal adds a task that has its outcome already: it is Local.
func (j *Job) AddLocal(index int) error {
	p := j.pool
	p.mu.Lock()
	defer p.unlock()
	if j.err != nil {
		return j.err
	}
	if j.sealed {
		return errSealed
	}
	j.open++
	j.stock.added++
	j.accept(Segment{Index: index, Count: 1, Payload: Local{}})
	return nil
}

// Drain ends all bounds of Room: somebody waits for all work to be done, and
// perhaps nobody takes results.
func (p *Pool) Drain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draining = true
	for j := range p.jobs {
		j.stock.change()
	}
}
