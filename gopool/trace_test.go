package gopool

import (
	"bytes"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// event is an event of the trace event format.
type event struct {
	Phase  string  `json:"ph"`
	Name   string  `json:"name"`
	Thread int     `json:"tid"`
	Start  float64 `json:"ts"`
	Length float64 `json:"dur"`
	Args   struct {
		Name       string
		Index      int
		Count      int
		Tasks      int
		Lost       string
		Unfinished bool
	}
}

// timeline is a Trace that is being written.
type timeline struct {
	*Trace
	t       *testing.T
	out     bytes.Buffer
	names   int
	written sync.WaitGroup
	err     error
}

func startTimeline(t *testing.T, p *Pool) *timeline {
	t.Helper()
	trace, err := p.StartTrace()
	require.NoError(t, err)
	l := &timeline{Trace: trace, t: t}
	l.written.Go(func() {
		l.err = l.Write(&l.out, func(*Function) string { l.names++; return "f" })
	})
	return l
}

// end stops it and returns its events of a phase.
func (l *timeline) end(phase string) (events []event) {
	l.t.Helper()
	l.Stop()
	l.written.Wait()
	require.NoError(l.t, l.err)
	var file struct{ TraceEvents []event }
	require.NoError(l.t, json.Unmarshal(l.out.Bytes(), &file), l.out.String())
	for _, e := range file.TraceEvents {
		if e.Phase == phase {
			events = append(events, e)
		}
	}
	return events
}

func TestTrace(t *testing.T) {
	t.Run("a report is a slice, back from when it was sent", func(t *testing.T) {
		p := New(Options{})
		m := attachMeasured(t, p)
		endPool(t, p, &m.fakeWorker)
		m.reporter.Ready()
		l := startTimeline(t, p)
		submit(t, p, p.NewFunction(nil), 3, 3)
		m.one(t)
		m.start(3)
		eventually(t, "some time", func() bool { return clock() > l.origin+2e6 })
		o := Outcomes{First: 1, Count: 3, Elapsed: time.Millisecond, Ended: l.origin + 2e6}
		require.NoError(t, m.reporter.Outcomes(o))
		slices := l.end("X")
		require.Len(t, slices, 1)
		require.Equal(t, "f ×3", slices[0].Name)
		require.Equal(t, []float64{1000, 1000}, []float64{slices[0].Start, slices[0].Length})
		require.Equal(t, 1, l.names)
	})
	t.Run("slices do not overlap, whatever workers say", func(t *testing.T) {
		p := New(Options{})
		f := attachFakes(t, p, 1)[0]
		endPool(t, p, f)
		function := p.NewFunction(nil)
		l := startTimeline(t, p)
		for _, ended := range []uint64{0, clock() + 1e15, 5, 0} {
			submit(t, p, function, 1, 1)
			g := f.one(t)
			f.start(g.Sequence)
			o := Outcomes{First: g.Sequence, Count: 1, Elapsed: time.Hour, Ended: ended}
			require.NoError(t, f.reporter.Outcomes(o))
		}
		end := 0.0
		slices := l.end("X")
		require.Len(t, slices, 4)
		for _, s := range slices {
			require.GreaterOrEqual(t, s.Start, end-0.001)
			require.GreaterOrEqual(t, s.Length, 0.0)
			end = s.Start + s.Length
		}
		require.Less(t, end, 1e9)
	})
	t.Run("a lost task, one that is not finished, and workers that come and go", func(t *testing.T) {
		p := New(Options{})
		first := attachFakes(t, p, 1)[0]
		l := startTimeline(t, p)
		j := submit(t, p, p.NewFunction(nil), 4, 4)
		first.start(1)
		first.unsent = nil
		first.reporter.Exited(-9)
		second := attachFakes(t, p, 1)[0]
		endPool(t, p, second)
		require.Equal(t, 3, second.one(t).Count)
		second.start(2)
		slices := l.end("X")
		require.Len(t, slices, 2)
		require.Equal(t, "f (lost)", slices[0].Name)
		require.Equal(t, "was killed by SIGKILL", slices[0].Args.Lost)
		require.True(t, slices[1].Args.Unfinished)
		require.Equal(t, []int{1, 2}, []int{slices[1].Args.Index, slices[1].Args.Count})
		require.False(t, j.Done())
		names := map[string]int{}
		for _, e := range l.end("i") {
			names[e.Name]++
		}
		require.Equal(t, map[string]int{"started": 2, "ready": 1, "submit f": 1, "was killed by SIGKILL": 1}, names)
		require.Len(t, l.end("M"), 4)
	})
	t.Run("the queue", func(t *testing.T) {
		p := New(Options{})
		endPool(t, p)
		l := startTimeline(t, p)
		submit(t, p, p.NewFunction(nil), 1, 7)
		depths := l.end("C")
		require.Equal(t, 7, depths[len(depths)-1].Args.Tasks)
	})
	t.Run("more events than can be kept are counted", func(t *testing.T) {
		p := New(Options{})
		endPool(t, p)
		trace, err := p.StartTrace()
		require.NoError(t, err)
		locked(p, func() {
			for range maxRecords + 10 {
				trace.instant(record{kind: isReady})
			}
		})
		require.Len(t, trace.records, maxRecords)
		trace.Stop()
		l := &timeline{Trace: trace, t: t}
		require.NoError(t, l.Write(&l.out, nil))
		require.Contains(t, l.out.String(), `{"omitted":1`)
	})
	t.Run("one at a time, of a pool that works, and it ends with the pool", func(t *testing.T) {
		p := New(Options{})
		l := startTimeline(t, p)
		_, err := p.StartTrace()
		require.ErrorIs(t, err, ErrTraced)
		p.Close()
		join(t, p)
		l.written.Wait()
		require.NoError(t, l.err)
		_, err = p.StartTrace()
		require.EqualError(t, err, "pool is finished")
	})
	t.Run("an error of the file ends it", func(t *testing.T) {
		p := New(Options{})
		endPool(t, p)
		trace, err := p.StartTrace()
		require.NoError(t, err)
		full := errors.New("full")
		locked(p, func() {
			for range worthwhile {
				trace.instant(record{kind: isReady})
			}
		})
		require.ErrorIs(t, trace.Write(failing{full}, nil), full)
		next, err := p.StartTrace()
		require.NoError(t, err)
		next.Stop()
	})
}

// failing is a Writer that fails.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
