package gopool

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool/wire"
)

// publish writes outcomes to the outbox, as a worker does.
func (p page) publish(first uint64, records ...string) {
	data := dataStart
	for i, r := range records {
		binary.NativeEndian.PutUint64(p.memory[lengthsStart+8*i:], uint64(len(r)))
		data += copy(p.memory[data:], r)
	}
	p.slot(slotEncoding).Store(uint64(wire.Stream))
	p.slot(slotFirst).Store(first)
	p.slot(slotPublished).Store(uint64(len(records))<<32 | uint64(data-dataStart))
}

func TestHarvest(t *testing.T) {
	t.Run("finds nothing in an empty outbox", func(t *testing.T) {
		_, ok := newPage(t).harvest()
		require.False(t, ok)
	})
	t.Run("copies what was published", func(t *testing.T) {
		p := newPage(t)
		p.publish(7, "a", "", "ccc")
		o, ok := p.harvest()
		p.publish(10, "overwritten")
		require.True(t, ok)
		require.Equal(t, uint64(7), o.First)
		require.Equal(t, 3, o.Count)
		require.Equal(t, "accc", string(o.Data))
		require.Equal(t, "ccc", string(o.Window(2, 1).Data))
	})
	t.Run("takes a full outbox", func(t *testing.T) {
		p := newPage(t)
		p.publish(1, make([]string, maxOutcomes)...)
		o, ok := p.harvest()
		require.True(t, ok)
		require.Equal(t, maxOutcomes, o.Count)
		p.publish(1, string(make([]byte, PageSize-dataStart)))
		_, ok = p.harvest()
		require.True(t, ok)
	})
	t.Run("copies a column", func(t *testing.T) {
		p := newPage(t)
		copy(p.memory[columnStart:], "12345678abcdefgh")
		p.slot(slotFirst).Store(3)
		p.slot(slotEncoding).Store(uint64(wire.Floats))
		p.slot(slotPublished).Store(2)
		o, ok := p.harvest()
		require.True(t, ok)
		require.Equal(t, wire.Outcomes{First: 3, Count: 2, Encoding: wire.Floats, Data: []byte("12345678abcdefgh")}, o)
		p.slot(slotEncoding).Store(uint64(wire.Nones))
		o, ok = p.harvest()
		require.True(t, ok)
		require.Equal(t, wire.Outcomes{First: 3, Count: 2, Encoding: wire.Nones, Data: []byte{}}, o)
	})
	t.Run("believes no column that the page can't hold", func(t *testing.T) {
		p := newPage(t)
		for _, encoding := range []wire.Encoding{wire.Ints, wire.Bools, wire.Nones} {
			p.slot(slotEncoding).Store(uint64(encoding))
			for _, published := range []uint64{0, PageSize, 1 << 32, 1<<64 - 1} {
				p.slot(slotPublished).Store(published)
				_, ok := p.harvest()
				require.False(t, ok, "%d of encoding %d", published, encoding)
			}
		}
	})
	t.Run("believes nothing that can't be", func(t *testing.T) {
		p := newPage(t)
		p.publish(1, "a")
		for name, published := range map[string]uint64{
			"more outcomes than lengths":    (maxOutcomes + 1) << 32,
			"more bytes than the page":      1<<32 | (PageSize - dataStart + 1),
			"bytes that no outcome has":     1<<32 | 2,
			"outcomes that have no bytes":   1 << 32,
			"all bits":                      1<<64 - 1,
			"a count of the largest number": 1 << 63,
		} {
			p.slot(slotPublished).Store(published)
			_, ok := p.harvest()
			require.False(t, ok, name)
		}
	})
}

func TestHarvestWhileTheWorkerWrites(t *testing.T) {
	p := newPage(t)
	p.slot(slotEncoding).Store(uint64(wire.Stream))
	records := []string{"first", "second", "third"}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for first := uint64(1); ; first += 3 {
			select {
			case <-stop:
				return
			default:
			}
			p.slot(slotFirst).Store(first)
			size := uint64(0)
			for i, r := range records {
				// Words and not bytes, for the race detector: both sides of what
				// harvest reads and then throws away.
				p.slot(lengthsStart + 8*i).Store(uint64(len(r)))
				size += uint64(len(r))
				p.slot(slotPublished).Store(uint64(i+1)<<32 | size)
			}
			p.slot(slotPublished).Store(0)
		}
	}()
	for found := 0; found < 200; {
		if o, ok := p.harvest(); ok {
			found++
			require.Equal(t, uint64(1), o.First%3)
			require.LessOrEqual(t, o.Count, 3)
		}
	}
	close(stop)
	<-done
}

func TestRecallOfAPage(t *testing.T) {
	p := newPage(t)
	require.Equal(t, uint64(never), p.slot(slotRecalled).Load())
	p.recall(4)
	require.Equal(t, uint64(4), p.slot(slotRecalled).Load())
	p.slot(slotStarted).Store(6)
	p.restore()
	require.Equal(t, uint64(never), p.slot(slotRecalled).Load())
	require.Equal(t, uint64(6), p.started())
}

func TestMapPage(t *testing.T) {
	_, err := mapPage(-1)
	require.ErrorContains(t, err, "mapping a worker's page")
}
