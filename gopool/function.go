package gopool

import "time"

// Function is what tasks call. Its Value is told to each worker once, and how
// long a call takes is learned per function.
type Function struct {
	Value any // what the pool's workers understand
	// Released, if not nil, is called when no worker will be told Value any more.
	// It must not block.
	Released func()

	id   uint64
	name string // in a Trace; its writer's

	// All below is guarded by the pool's lock.
	refs    int           // jobs and holders
	mean    time.Duration // of one call; 0 while unknown
	told    int           // calls that the mean was learned from
	outcome int           // bytes of one, in the mean
}

// learn takes in that count calls took elapsed. A report counts as much as its
// share in all calls so far, and a quarter at the least, so that a change is
// noticed at any time. It counts for three quarters if calls have become much
// shorter: the first one in a worker takes long, as it loads the function.
func (f *Function) learn(count int, elapsed time.Duration) {
	sample := elapsed / time.Duration(count)
	f.told += count
	weight := max(float64(count)/float64(f.told), 0.25)
	if sample < f.mean/2 {
		weight = max(weight, 0.75)
	}
	f.mean = max(f.mean+time.Duration(weight*float64(sample-f.mean)), 1)
}

// weigh takes in that the outcomes of count calls have so many bytes.
func (f *Function) weigh(count, bytes int) {
	f.outcome = (3*f.outcome + bytes/count) / 4
}
