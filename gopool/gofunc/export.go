package gofunc

// #include <stdlib.h>
// #include "call.h"
import "C"

import "unsafe"

// callRange has the layout of the struct in call.h.
var _ [unsafe.Sizeof(C.gopool_range{})]byte = [unsafe.Sizeof(callRange{})]byte{}

//export gopool_run
func gopool_run(r *C.gopool_range) {
	if spilled := run((*callRange)(unsafe.Pointer(r))); spilled != nil {
		r.data = (*C.uint8_t)(C.CBytes(spilled))
	}
}

//export gopool_cancel
func gopool_cancel(worker C.int64_t) { contexts.cancel(int64(worker)) }

//export gopool_release
func gopool_release(token, delta C.int64_t) { loans.count(int64(token), int64(delta)) }

// Address returns where one of the functions of call.h is: 0 gopool_run,
// 1 gopool_cancel, 2 gopool_release.
func Address(which int64) int64 {
	address := [...]unsafe.Pointer{C.gopool_run, C.gopool_cancel, C.gopool_release}[which]
	return int64(uintptr(address))
}
