package gofunc

import "runtime"

// ballast counts in the heap and takes no memory, as nobody writes to it. Without it, the
// heap of an extension is often next to nothing between calls, and Go collects
// whenever calls have made 4 MB of garbage, which took a tenth of the time of tasks that
// read files. With it, 32 MB; what a large heap takes, it does not multiply.
var ballast = make([]byte, 32<<20)

func init() { runtime.KeepAlive(ballast) } // so that it counts as used
