package bridge

import (
	"os"
	"runtime/debug"
)

// gcPercent has Go collect when its heap has grown by half. What is on it is
// mostly bytes on their way, which cost little to mark and much to keep: by
// Go's default, a caller that walks imap slowly takes a quarter more memory
// (make bench BENCH_ARGS='--only imap-memory').
const gcPercent = 50

func init() {
	if os.Getenv("GOGC") == "" { // or who runs the program has decided
		debug.SetGCPercent(gcPercent)
	}
}
