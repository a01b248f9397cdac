package foreign

/*
#include <stdint.h>

static void release(uintptr_t f, int64_t token) { ((void (*)(int64_t, int64_t))f)(token, -1); }
*/
import "C"

import "sync"

// returns are references to lent outcomes that are to be taken away. They are given back
// under the lock of a pool; the other runtime, though, may have no processor for us while
// tasks keep all of its own busy. So a goroutine sees to it, which ends when there are
// none: nobody waits for it.
type returns struct {
	mu      sync.Mutex
	list    []reference
	sending bool // there is a goroutine
}

type reference struct {
	release C.uintptr_t
	token   uint64
}

var returning returns

func (r *returns) add(release C.uintptr_t, token uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, reference{release, token})
	if !r.sending {
		r.sending = true
		go r.send()
	}
}

func (r *returns) send() {
	for {
		r.mu.Lock()
		list := r.list
		r.list = nil
		r.sending = len(list) > 0
		r.mu.Unlock()
		if len(list) == 0 {
			return
		}
		for _, one := range list {
			C.release(one.release, C.int64_t(one.token))
		}
	}
}
