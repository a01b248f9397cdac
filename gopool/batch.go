package gopool

import "sync/atomic"

// Batch is Count encoded arguments that travel together. It is never changed:
// what a worker gets is a range of it, so that taking tasks back or sending
// them elsewhere encodes nothing again. The pool never looks into Data.
type Batch struct {
	Data  any // what the pool's workers understand; a process wants []byte
	Count int
	Index int // position in its job of the batch's first task
	Size  int // bytes that Data stands for and are elsewhere
	// Settled, if not nil, is called when no worker will be sent Data any more, and no
	// Range of it is being run. It must not block.
	Settled func()

	id    uint64
	left  int          // tasks that are not settled
	users atomic.Int32 // ranges of it that are being run, and one while tasks are left
}

// settle says that n of its tasks will not be granted any more.
func (b *Batch) settle(n int) {
	if b.left -= n; b.left == 0 {
		b.release()
	}
}

// retain says that a range of it is going to be run, some of which is not settled.
func (b *Batch) retain() { b.users.Add(1) }

// release takes back what retain said.
func (b *Batch) release() {
	if b.users.Add(-1) == 0 && b.Settled != nil {
		b.Settled()
	}
}

// span is Count tasks of a batch from offset on.
type span struct {
	batch  *Batch
	offset int
	count  int
}

func (s span) index() int { return s.batch.Index + s.offset }

// has tells whether the task with that index in its job is in the span.
func (s span) has(index int) bool { return s.index() <= index && index < s.index()+s.count }

// precedes tells whether the tasks of next come right behind those of s.
func (s span) precedes(next span) bool {
	return s.batch == next.batch && s.offset+s.count == next.offset
}

// cut splits off the first n tasks.
func (s *span) cut(n int) span {
	head := span{s.batch, s.offset, n}
	s.offset += n
	s.count -= n
	return head
}
