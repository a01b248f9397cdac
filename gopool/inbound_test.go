package gopool

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool/wire"
)

// heard is an inbound with its reader goroutine, and what it was told.
type heard struct {
	inbound
	theirs   stream
	expected atomic.Bool
	texts    chan string
	served   chan struct{} // closed when the reader goroutine has ended
}

// newHeard returns one whose reader goroutine has nothing to expect.
func newHeard(t *testing.T) *heard {
	t.Helper()
	ours, theirs := streams(t)
	h := &heard{theirs: theirs, texts: make(chan string, 10_000), served: make(chan struct{})}
	socket, err := newArrival(ours)
	require.NoError(t, err)
	t.Cleanup(socket.release)
	h.init(socket, func(f wire.Frame) error {
		h.texts <- string(f.Payload)
		switch string(f.Payload) {
		case "lie":
			return errors.New("not believed")
		case "last":
			ours.shut()
			h.end()
		}
		return nil
	}, h.expected.Load)
	h.wanted = false
	go func() {
		defer close(h.served)
		h.serve()
	}()
	t.Cleanup(func() {
		ours.shut()
		h.end()
		await(t, h.served, "the reader")
	})
	return h
}

func (h *heard) say(t *testing.T, text string) {
	t.Helper()
	buffers := [][]byte{wire.AppendFailed(nil, text)}
	for len(buffers) > 0 {
		rest, err := h.theirs.write(buffers, true)
		require.NoError(t, err)
		buffers = rest
	}
}

// until tells when so many frames were handled.
func (h *heard) until(n int) func() bool { return func() bool { return len(h.texts) >= n } }

func TestInbound(t *testing.T) {
	soon := func() time.Time { return time.Now().Add(limit) }

	t.Run("nobody reads while nothing is expected; then the reader does", func(t *testing.T) {
		h := newHeard(t)
		h.say(t, "a")
		require.Empty(t, h.texts)
		h.attend()
		require.Equal(t, "a", await(t, h.texts, "a frame"))
	})
	t.Run("who waits reads itself", func(t *testing.T) {
		h := newHeard(t)
		for range 100 {
			h.say(t, "a")
			require.True(t, h.lead(h.until(1), soon()))
			require.Equal(t, "a", <-h.texts)
		}
	})
	t.Run("the reader takes over if more is expected afterwards", func(t *testing.T) {
		h := newHeard(t)
		h.expected.Store(true)
		h.say(t, "a")
		require.True(t, h.lead(h.until(1), soon()))
		h.say(t, "b")
		require.Equal(t, "a", <-h.texts)
		require.Equal(t, "b", await(t, h.texts, "a frame"))
	})
	t.Run("or if the deadline has come", func(t *testing.T) {
		h := newHeard(t)
		require.False(t, h.lead(h.until(1), time.Now()))
		h.attend()
		h.say(t, "late")
		require.Equal(t, "late", await(t, h.texts, "a frame"))
	})
	t.Run("or if the frame is too large, or has not come whole in time", func(t *testing.T) {
		h := newHeard(t)
		large := strings.Repeat("x", 1<<20)
		var saying sync.WaitGroup
		saying.Go(func() { h.say(t, large) })
		require.False(t, h.lead(h.until(1), soon()))
		h.attend()
		require.Equal(t, large, await(t, h.texts, "a frame"))
		saying.Wait()
	})
	t.Run("who comes second does not lead, and misses nothing", func(t *testing.T) {
		h := newHeard(t)
		first, begun := make(chan bool, 1), make(chan struct{})
		var once sync.Once
		go func() {
			first <- h.lead(func() bool { once.Do(func() { close(begun) }); return len(h.texts) > 0 }, soon())
		}()
		await(t, begun, "the leader")
		h.expected.Store(true)
		require.False(t, h.lead(h.until(2), soon()))
		h.say(t, "a")
		require.True(t, await(t, first, "the leader"))
		h.say(t, "b")
		require.Equal(t, "a", <-h.texts)
		require.Equal(t, "b", await(t, h.texts, "a frame: the second was wanted"))
	})
	t.Run("the end is read also if it comes while a report is handled", func(t *testing.T) {
		for _, leads := range []bool{true, false} {
			h := newHeard(t)
			h.say(t, "last")
			if leads {
				require.True(t, h.lead(h.until(1), soon()))
			} else {
				h.attend()
			}
			await(t, h.served, "the reader's end")
		}
	})
	t.Run("rubbish and lies end the reading, whoever leads", func(t *testing.T) {
		for _, leads := range []bool{true, false} {
			for _, frame := range [][]byte{wire.AppendStop(nil), wire.AppendFailed(nil, "lie")} {
				h := newHeard(t)
				_, err := h.theirs.write([][]byte{frame, wire.AppendFailed(nil, "truth")}, true)
				require.NoError(t, err)
				if leads {
					require.False(t, h.lead(h.until(5), soon()))
				}
				h.attend()
				await(t, h.served, "the reader's end")
				require.False(t, h.lead(h.until(5), soon()), "led for ever")
				for len(h.texts) > 0 {
					require.Equal(t, "lie", <-h.texts, "what follows is not believed either")
				}
			}
		}
	})
	t.Run("all that is said is heard once, in order, however leaders change", func(t *testing.T) {
		const frames = 3000
		h := newHeard(t)
		var busy sync.WaitGroup
		for range 3 {
			busy.Go(func() {
				for len(h.texts) < frames {
					n := len(h.texts)
					if !h.lead(h.until(n+1), time.Now().Add(time.Millisecond)) {
						h.attend()
					}
				}
			})
		}
		for n := range frames {
			h.say(t, string([]byte{byte(n), byte(n >> 8)}))
		}
		eventually(t, "all frames", h.until(frames))
		busy.Wait()
		for n := range frames {
			require.Equal(t, string([]byte{byte(n), byte(n >> 8)}), <-h.texts)
		}
	})
}
