package gopool

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// newPage returns a page of its own.
func newPage(t *testing.T) page {
	t.Helper()
	fd, err := unix.MemfdCreate("page", unix.MFD_CLOEXEC)
	require.NoError(t, err)
	defer unix.Close(fd)
	require.NoError(t, unix.Ftruncate(fd, PageSize))
	p, err := mapPage(fd)
	require.NoError(t, err)
	t.Cleanup(p.release)
	return p
}

// stepped is a worker whose every access to the page is a step that the test
// lets it take, as python/gopool/_worker.py takes them: store started, load
// recalled, run; then the next task, or skip the rest of the grant.
type stepped struct {
	fakeWorker
	page    page
	runs    []Grant // to be run
	task    uint64  // it is in
	loaded  bool    // recalled, and may run
	ran     []uint64
	unsent  []Outcomes // in the outbox
	batched bool       // outcomes wait until nothing is left to run
	sent    []any      // Outcomes, or [2]uint64 for skipped
	after   []func()   // called once each: after a load of started, after the store of recalled
}

func (w *stepped) Started() uint64 {
	defer w.interrupt()
	return w.page.started()
}

// Recall is page.recall with the test in the middle of it.
func (w *stepped) Recall(from uint64) {
	w.page.recall(from)
	w.interrupt()
}

func (w *stepped) interrupt() {
	if len(w.after) > 0 {
		now := w.after[0]
		w.after = w.after[1:]
		now()
	}
}

// Harvest returns what is in the outbox.
func (w *stepped) Harvest() (Outcomes, bool) {
	if len(w.unsent) == 0 {
		return Outcomes{}, false
	}
	return Outcomes{First: w.unsent[0].First, Count: len(w.unsent)}, true
}

func (w *stepped) Restore() { w.page.restore() }

// step takes one step and tells whether there was one to take.
func (w *stepped) step() bool {
	if len(w.runs) == 0 {
		return false
	}
	run := &w.runs[0]
	switch {
	case w.task != run.Sequence:
		w.task, w.loaded = run.Sequence, false
		w.page.slot(slotStarted).Store(w.task)
	case !w.loaded:
		if w.loaded = w.task < w.page.slot(slotRecalled).Load(); w.loaded {
			break
		}
		w.flush()
		w.sent = append(w.sent, [2]uint64{w.task, uint64(run.Count)})
		w.skip()
	default:
		w.ran = append(w.ran, w.task)
		w.unsent = append(w.unsent, Outcomes{First: w.task, Count: 1, Elapsed: 1})
		run.Sequence++
		if run.Count--; run.Count == 0 {
			w.skip()
		}
		if !w.batched || len(w.runs) == 0 {
			w.flush()
		}
	}
	return true
}

func (w *stepped) skip() { w.runs, w.task = w.runs[1:], 0 }

func (w *stepped) flush() {
	for _, o := range w.unsent {
		w.sent = append(w.sent, o)
	}
	w.unsent = nil
}

// deliver hands the pool the oldest report that it has not had.
func (w *stepped) deliver(t *testing.T) bool {
	if len(w.sent) == 0 {
		return false
	}
	switch report := w.sent[0].(type) {
	case Outcomes:
		require.NoError(t, w.reporter.member.accept(report))
	case [2]uint64:
		w.reporter.member.skipped(report[0], report[0]+report[1])
	}
	w.sent = w.sent[1:]
	return true
}
