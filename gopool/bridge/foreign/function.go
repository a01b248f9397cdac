// Package foreign calls Go functions that are in other Go runtimes of this process: each
// extension that a user has built has its own. It knows them by the addresses of the C
// functions that they export (gopool/gofunc/call.h), and is the only part of the pool
// that uses cgo.
package foreign

/*
#cgo CFLAGS: -I${SRCDIR}/../../gofunc
#include <stdlib.h>
#include "call.h"

// The range is copied, as C must not store the address of Go's items in Go's memory.
static void run(uintptr_t f, gopool_range *range, const uint8_t *items) {
	gopool_range r = *range;
	r.items = items;
	((void (*)(gopool_range *))f)(&r);
	r.items = NULL;
	*range = r;
}

static void cancel(uintptr_t f, int64_t worker) { ((void (*)(int64_t))f)(worker); }
*/
import "C"

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/gopool/gopool/gopool"
	"github.com/gopool/gopool/gopool/wire"
)

// CodeSize is how many bytes the code of a Function has.
const CodeSize = 4 * 8

// Function is a function of a user's package. It implements gopool.RangeFunc.
type Function struct {
	run, cancel, release C.uintptr_t
	number               C.int64_t
	star                 C.int64_t
}

// NewFunction returns the function that code stands for: the addresses of gopool_run,
// gopool_cancel and gopool_release, and its number in the package; 8 bytes each. With
// star, each item of a batch is all arguments of a call, and not the only one.
func NewFunction(code []byte, star bool) (*Function, error) {
	if len(code) != CodeSize {
		return nil, fmt.Errorf("%w: a Go function in %d bytes", wire.ErrMalformed, len(code))
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(code[8*i:]) }
	f := &Function{
		run:     C.uintptr_t(word(0)),
		cancel:  C.uintptr_t(word(1)),
		release: C.uintptr_t(word(2)),
		number:  C.int64_t(word(3)),
	}
	if star {
		f.star = 1
	}
	if f.run == 0 || f.cancel == 0 || f.release == 0 {
		return nil, fmt.Errorf("%w: a Go function without an address", wire.ErrMalformed)
	}
	return f, nil
}

// Run implements gopool.RangeFunc, as do all methods below. The Data of r is Items.
func (f *Function) Run(r *gopool.Range) wire.Outcomes {
	items := r.Data.(*Items)
	rest := items.from(r.Offset)
	call := C.gopool_range{
		function: f.number,
		worker:   C.int64_t(r.Worker),
		star:     f.star,
		kind:     C.int64_t(items.kind),
		size:     C.int64_t(len(rest)),
		count:    C.int64_t(r.Count),
		sequence: C.int64_t(r.Sequence),
		started:  (*C.uint64_t)(unsafe.Pointer(r.Started)),
		recalled: (*C.uint64_t)(unsafe.Pointer(r.Recalled)),
		lengths:  (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(r.Lengths))),
		out:      (*C.uint8_t)(unsafe.SliceData(r.Out)),
		room:     C.int64_t(len(r.Out)),
	}
	C.run(f.run, &call, (*C.uint8_t)(unsafe.SliceData(rest)))
	return outcomes(r, &call)
}

// outcomes copies what a call has answered into Go's memory.
func outcomes(r *gopool.Range, call *C.gopool_range) wire.Outcomes {
	o := wire.Outcomes{Count: int(call.ran), Encoding: wire.Encoding(call.encoding)}
	if o.Encoding == wire.Packed {
		o.Lengths = bytes.Clone(r.Lengths[:8*max(0, min(o.Count, r.Count))])
	}
	if call.used > 0 {
		o.Data = bytes.Clone(unsafe.Slice((*byte)(call.data), int(call.used)))
	}
	if out := (*C.uint8_t)(unsafe.SliceData(r.Out)); call.data != out {
		C.free(unsafe.Pointer(call.data))
	}
	return o
}

// Cancel cancels the context of what a worker runs.
func (f *Function) Cancel(worker int64) { C.cancel(f.cancel, C.int64_t(worker)) }

// Take has nothing to do: an outcome comes with a reference to what its token stands for.
func (f *Function) Take(uint64) {}

// GiveBack takes that reference away, a little later.
func (f *Function) GiveBack(token uint64) { returning.add(f.release, token) }
