package gopool

import (
	"context"
	"math"

	"github.com/gopool/gopool/gopool/wire"
)

// overhead is about how many bytes a batch or a segment takes beside its data.
const overhead = 256

// trial is how many tasks may be on their way before the size of an outcome is known.
const trial = 256

// stock counts what a job holds for those who feed it: who adds tasks without
// an end asks for Room before.
type stock struct {
	arguments int // bytes of the tasks that are not settled
	results   int // bytes of the outcomes that were not taken
	learned   int // bytes of all outcomes so far
	settled   int // tasks that had them
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
	s.arguments += b.Size
}

// settle is told that count of the open tasks have their outcome. Each counts
// with the mean of those that are open. So it is the tasks that run long, a few
// for each worker, whose bytes may be taken for less or more than they are.
func (s *stock) settle(count, open, size int) {
	s.learned += size
	s.settled += count
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

// fits returns how many more tasks fit into so many bytes while open are on
// their way. These will be outcomes, of which each is taken to be as large as
// the mean so far: little arguments may have large ones.
func (s *stock) fits(bytes, open int) int {
	if s.settled == 0 {
		return max(0, min(trial-open, bytes-s.arguments-s.results))
	}
	each := max(1, s.learned/s.settled)
	free := bytes - s.results - max(s.arguments, open*each)
	return max(0, (free+each-1)/each)
}

// size returns about how many bytes an outcome takes. What several segments
// share is divided among them.
func size(s Segment) int {
	switch payload := s.Payload.(type) {
	case wire.Outcomes:
		return overhead + s.lent + (len(payload.Data)+len(payload.Lengths))/max(1, payload.Count)*s.Count
	case Local: // an exception, with its traceback
		return 4 * overhead
	}
	return overhead
}

// Room blocks until the job holds less than so many bytes, and less than so many
// tasks whose outcomes were not used, and returns how many may be added; 0 is no
// bound. Bytes are those of tasks until they are settled, and then of outcomes
// until they are taken. There are no bounds once the results are forgotten, or
// the pool is drained. It fails once no task may be added.
func (j *Job) Room(ctx context.Context, bytes, tasks int) (int, error) {
	return j.await(ctx, func() (int, error) { return j.room(bytes, tasks) })
}

// await blocks until room, which is called with the pool's lock held, returns an
// error or more than 0.
func (j *Job) await(ctx context.Context, room func() (int, error)) (int, error) {
	p := j.pool
	for {
		p.mu.Lock()
		free, err := room()
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
	if err := j.refusal(); err != nil {
		return 0, err
	}
	s, free := &j.stock, math.MaxInt
	if j.forgotten || j.pool.draining {
		return free, nil
	}
	if tasks > 0 {
		free = max(0, tasks-(s.added-s.used))
	}
	if bytes > 0 {
		free = min(free, s.fits(bytes, j.open))
	}
	return free, nil
}

// RoomForArguments blocks until the tasks that are not settled hold less than so
// many bytes. It fails once no task may be added.
func (j *Job) RoomForArguments(ctx context.Context, bytes int) error {
	_, err := j.await(ctx, func() (int, error) {
		if err := j.refusal(); err != nil {
			return 0, err
		}
		return bytes - j.stock.arguments, nil
	})
	return err
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
	if err := j.refusal(); err != nil {
		return err
	}
	j.open++
	p.bound.open++ // which settle takes back
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
