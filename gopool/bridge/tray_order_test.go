package bridge

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool"
)

// inTurn is a worker that keeps its grants, and has something happen at each.
type inTurn struct {
	reporter *gopool.Reporter
	onGrant  func()
	grants   []gopool.Grant
}

func (w *inTurn) Grant(g gopool.Grant) {
	w.grants = append(w.grants, g)
	w.onGrant()
}

// report sends the outcomes of the last grant.
func (w *inTurn) report(t *testing.T) {
	t.Helper()
	g := w.grants[len(w.grants)-1]
	require.NoError(t, w.reporter.Outcomes(gopool.Outcomes{First: g.Sequence, Count: g.Count, Elapsed: time.Microsecond}))
}

// slots returns where the calls were that each grant begins with.
func (w *inTurn) slots() (all []int) {
	for _, g := range w.grants {
		all = append(all, g.Batch.Index+g.Offset)
	}
	return all
}

func (w *inTurn) Start(r *gopool.Reporter)         { w.reporter = r }
func (w *inTurn) Started() uint64                  { return 0 }
func (w *inTurn) Harvest() (gopool.Outcomes, bool) { return gopool.Outcomes{}, false }
func (w *inTurn) Forget(*gopool.Function)          {}
func (w *inTurn) Flush()                           {}
func (w *inTurn) Recall(uint64)                    {}
func (w *inTurn) Restore()                         {}
func (w *inTurn) Stop()                            {}
func (w *inTurn) Release()                         {}

func TestTrayKeepsTheOrderOfCallsThatComeWhileItIsLookedInto(t *testing.T) {
	handle := newPool(t)
	p, ok := pools.find(handle)
	require.True(t, ok)
	c := openTray(t, handle)
	c.put(1, "before")
	come := func() { // where the look has been, and where it has not
		c.put(2, "first")
		c.put(3, "second")
	}
	w := &inTurn{onGrant: come}
	id, err := p.Pool.Attach(w)
	require.NoError(t, err)
	w.reporter.Ready()

	require.Positive(t, Ring(c.job, 1))
	require.Len(t, w.grants, 1)
	w.onGrant = func() {}
	require.Positive(t, Ring(c.job, 3))
	w.report(t)
	require.Greater(t, len(w.grants), 1)
	require.IsIncreasing(t, w.slots())

	require.Zero(t, Forget(c.job))
	p.Terminate()
	p.Pool.Exited(id, 0)
	finish(t, handle)
}
