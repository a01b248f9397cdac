package gofunc

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/tinylib/msgp/msgp"
)

// itemKind tells what the items of a range are.
type itemKind int64

// As in call.h.
const (
	packed itemKind = iota
	intItems
	floatItems
	rangeItems
)

// callRange is gopool_range of call.h.
type callRange struct {
	function int64
	worker   int64
	star     int64
	kind     itemKind
	items    *byte
	size     int64
	count    int64
	sequence int64
	started  *atomic.Uint64
	recalled *atomic.Uint64
	lengths  *uint64
	out      *byte
	room     int64

	ran      int64
	encoding encoding
	data     *byte
	used     int64
}

// run runs tasks. It ends before their count if others are recalled, after one
// that panics, and after one whose outcome has no room in the caller's memory: then
// all outcomes are returned, in Go's.
func run(r *callRange) (spilled []byte) {
	p := portion{callRange: r, lengths: unsafe.Slice(r.lengths, r.count), rest: unsafe.Slice(r.items, r.size)}
	p.task.function = find(r.function)
	p.task.context = context.Background()
	p.task.out = unsafe.Slice(r.out, r.room)[:0]
	if p.task.function.Context {
		ctx, end := contexts.begin(r.worker)
		defer end()
		p.task.context = ctx
	}
	if failed := newShield(p.loop).call(); failed != nil {
		p.task.failure = failed
		p.settle()
	}
	r.encoding, r.used = p.task.encoding, int64(len(p.task.out))
	if p.spilled() {
		return p.task.out
	}
	r.data = r.out
	return nil
}

// portion is a range while it runs.
type portion struct {
	*callRange
	task    Task
	lengths []uint64
	rest    []byte   // packed items, from that of the next task on
	scratch [16]byte // a number, packed
}

// loop runs tasks in turn. What shields from a panic costs once, and not for each of
// them; so the loop is over then, and the caller comes back for what is left.
func (p *portion) loop() {
	t := &p.task
	for p.ran < p.count {
		// Stored before the other is loaded: who recalls a task stores and loads the
		// other way around, and one of the two sees it.
		number := uint64(p.sequence + p.ran)
		p.started.Store(number)
		if number >= p.recalled.Load() {
			return
		}
		t.start(p.item(), p.star != 0)
		t.call()
		if !p.settle() {
			return
		}
	}
}

// item returns the arguments of the next task.
func (p *portion) item() []byte {
	if p.kind == packed {
		return p.rest
	}
	word := func(i int64) uint64 { return order.Uint64(p.rest[8*i:]) }
	b := p.scratch[:0]
	switch p.kind {
	case intItems:
		return appendInt(b, word(p.ran))
	case floatItems:
		return msgp.AppendFloat64(b, math.Float64frombits(word(p.ran)))
	}
	return appendInt(b, word(0)+uint64(p.ran)*word(1))
}

// appendInt is msgp.AppendInt64 without looking for the shortest form.
func appendInt(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(append(b, 0xd3), v) }

// settle takes in what became of a task. It returns whether there can be others.
func (p *portion) settle() bool {
	t := &p.task
	again := true
	if p.kind == packed {
		rest, err := t.in, error(nil)
		if rest == nil {
			rest, err = msgp.Skip(p.rest)
		}
		p.rest, again = rest, err == nil
	}
	if t.failure != nil && t.encoding != records {
		p.abandonColumn()
	}
	p.lengths[p.ran] = t.finish()
	p.ran++
	return again && !p.spilled()
}

// abandonColumn makes records of a column. The outcome that has failed is none of it.
func (p *portion) abandonColumn() {
	t := &p.task
	column := slices.Clone(t.out[:t.begin])
	t.out = t.out[:0]
	for i := range p.ran {
		before := len(t.out)
		t.out, column = t.encoding.record(t.out, column)
		p.lengths[i] = uint64(len(t.out) - before)
	}
	t.encoding, t.begin = records, len(t.out)
}

// spilled tells whether the outcomes are no longer in the caller's memory.
func (p *portion) spilled() bool { return unsafe.SliceData(p.task.out) != p.out }
