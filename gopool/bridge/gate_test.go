package bridge

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// visit is callers that come to a gate.
type visit struct {
	gate    gate
	mu      sync.Mutex
	inside  []int
	tickets map[int]uint64
}

// enter has a caller come, and returns when it is in or waits.
func (v *visit) enter(caller int) {
	go func() {
		ticket := v.gate.enter()
		v.mu.Lock()
		defer v.mu.Unlock()
		v.inside = append(v.inside, caller)
		v.tickets[caller] = ticket
	}()
	synctest.Wait()
}

// came returns who has come in since this was last asked.
func (v *visit) came() []int {
	synctest.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	came := v.inside
	v.inside = nil
	slices.Sort(came)
	return came
}

// leave has a caller that is in go.
func (v *visit) leave(caller int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.gate.leave(v.tickets[caller])
}

func TestGate(t *testing.T) {
	// Callers 0 to 4 come, of which two have a place.
	test := func(name string, f func(t *testing.T, v *visit)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &visit{tickets: map[int]uint64{}}
				for caller := range 5 {
					v.enter(caller)
				}
				require.Equal(t, []int{0, 1}, v.came())
				f(t, v)
				time.Sleep(3 * turn) // all come in: nobody is left behind
			})
		})
	}
	test("lets in those that have waited longest, turn by turn, whoever stays", func(t *testing.T, v *visit) {
		time.Sleep(turn)
		require.Equal(t, []int{2, 3}, v.came())
		time.Sleep(turn)
		require.Equal(t, []int{4}, v.came())
		v.enter(5)
		require.Equal(t, []int{5}, v.came(), "nobody waits and one place is free")
	})
	test("keeps the place of who leaves and comes again", func(t *testing.T, v *visit) {
		for range 10 {
			v.leave(0)
			require.Empty(t, v.came())
			v.enter(0)
			require.Equal(t, []int{0}, v.came())
		}
	})
	test("has who comes again wait once the turn is over", func(t *testing.T, v *visit) {
		v.leave(0)
		time.Sleep(turn)
		require.Equal(t, []int{2, 3}, v.came())
		v.enter(0)
		require.Empty(t, v.came())
		time.Sleep(turn)
		require.Equal(t, []int{0, 4}, v.came())
	})
	test("counts nobody twice who leaves in a later turn", func(t *testing.T, v *visit) {
		time.Sleep(turn)
		require.Equal(t, []int{2, 3}, v.came())
		v.leave(0)
		v.enter(5)
		require.Empty(t, v.came(), "2 and 3 are inside")
		time.Sleep(turn)
		require.Equal(t, []int{4, 5}, v.came())
	})
}
