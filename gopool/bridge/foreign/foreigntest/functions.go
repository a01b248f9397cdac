// Package foreigntest has functions in C in the place of a user's Go functions, for tests
// of packages that call these by their addresses.
package foreigntest

/*
#cgo CFLAGS: -I${SRCDIR}/../../../gofunc
#include "functions.h"
*/
import "C"

import "encoding/binary"

// Numbers of the functions.
const (
	Double = iota // of integers: twice each, as a column
	Echo          // of one byte each: a record of it, a failure where it is 0
	Large         // a record of LargeSize bytes
	Lend          // a record that is lent, under the token that the item is
	Hold          // returns nothing when it is let go, or cancelled
	Stay          // only when it is let go
)

// LargeSize is more than a worker has room for.
const LargeSize = 1 << 20

// Code returns the code of a function, as Python sends it.
func Code(number int) []byte {
	var code []byte
	for _, word := range [...]uint64{uint64(C.address_of_run()), uint64(C.address_of_cancel()), uint64(C.address_of_release()), uint64(number)} {
		code = binary.LittleEndian.AppendUint64(code, word)
	}
	return code
}

// References returns how many there are to what was lent under a token below 256.
func References(token int) int { return int(C.references_of(C.int64_t(token))) }

// Held returns how many calls are held by these two.
func Held() int { return int(C.held()) }

// LetGo lets them return, and those to come, until Close.
func LetGo() { C.let_go(1) }

// Close has them hold again.
func Close() { C.let_go(0) }
