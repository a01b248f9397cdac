package gopool

import (
	"bytes"
	"encoding/binary"
	"io"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// newOutbound returns an outbound with its writer goroutine, and the end that
// it writes to.
func newOutbound(t *testing.T) (o *outbound, theirs stream) {
	t.Helper()
	ours, theirs := streams(t)
	o = &outbound{}
	o.init(ours)
	var served sync.WaitGroup
	served.Go(o.serve)
	t.Cleanup(func() {
		ours.shut()
		o.end()
		served.Wait()
	})
	return o, theirs
}

func (o *outbound) addText(text string) {
	o.add(func(b []byte) []byte { return append(b, text...) })
}

func TestOutbound(t *testing.T) {
	t.Run("nothing is written before flush, then all in one go", func(t *testing.T) {
		o, theirs := newOutbound(t)
		o.addText("one ")
		o.addBlob([]byte("small "))
		o.addBlob(nil)
		o.addText("two")
		require.Len(t, o.queued, 1, "what is small is sent together")
		o.flush()
		buffer := make([]byte, 100)
		n, err := theirs.Read(buffer)
		require.NoError(t, err)
		require.Equal(t, "one small two", string(buffer[:n]))
	})
	t.Run("a large blob is not copied, and keeps its place", func(t *testing.T) {
		o, theirs := newOutbound(t)
		blob := bytes.Repeat([]byte("x"), small+1)
		o.addText("before ")
		o.addBlob(blob)
		o.addText(" after")
		require.Same(t, &blob[0], &o.queued[1][0])
		o.flush()
		got := make([]byte, len("before ")+len(blob)+len(" after"))
		_, err := io.ReadFull(&packets{in: theirs}, got)
		require.NoError(t, err)
		require.Equal(t, "before "+string(blob)+" after", string(got))
	})
	t.Run("the writer takes over when the socket is full, and gives it up", func(t *testing.T) {
		o, theirs := newOutbound(t)
		blob := bytes.Repeat([]byte("0123456789abcdef"), 1<<17)
		o.addBlob(blob)
		o.flush()
		o.addText("behind")
		o.flush()
		got := make([]byte, len(blob)+len("behind"))
		_, err := io.ReadFull(&packets{in: theirs}, got)
		require.NoError(t, err)
		require.Equal(t, "behind", string(got[len(blob):]))
		require.True(t, bytes.Equal(blob, got[:len(blob)]))
		eventually(t, "the writer", func() bool {
			o.mu.Lock()
			defer o.mu.Unlock()
			return !o.owned
		})
	})
	t.Run("many flush at once, and each one's bytes keep their order", func(t *testing.T) {
		const writers, each = 4, 2000
		o, theirs := newOutbound(t)
		var adding sync.WaitGroup
		for writer := range byte(writers) {
			adding.Go(func() {
				for n := range uint32(each) {
					o.add(func(b []byte) []byte {
						b = append(b, writer)
						return append(binary.LittleEndian.AppendUint32(b, n), make([]byte, n%400)...)
					})
					o.flush()
				}
			})
		}
		in := &packets{in: theirs}
		var next [writers]uint32
		for range writers * each {
			var head [5]byte
			_, err := io.ReadFull(in, head[:])
			require.NoError(t, err)
			n := binary.LittleEndian.Uint32(head[1:])
			require.Equal(t, next[head[0]], n)
			next[head[0]]++
			_, err = io.CopyN(io.Discard, in, int64(n%400))
			require.NoError(t, err)
		}
		adding.Wait()
	})
	t.Run("end waits for a flush that is writing", func(t *testing.T) {
		o, _ := newOutbound(t)
		o.mu.Lock()
		o.owned = true // as flush has it while it writes
		o.mu.Unlock()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			o.end()
		}()
		eventually(t, "end", func() bool {
			o.mu.Lock()
			defer o.mu.Unlock()
			return o.ended
		})
		select {
		case <-ended:
			require.Fail(t, "the socket may be closed while it is written to")
		default:
		}
		o.mu.Lock()
		o.owned = false
		o.work.Broadcast()
		o.mu.Unlock()
		await(t, ended, "end")
	})
	t.Run("after end nothing is written any more", func(t *testing.T) {
		o, theirs := newOutbound(t)
		o.end()
		o.addText("late")
		o.flush()
		o.socket.shut()
		got, err := io.ReadAll(&packets{in: theirs})
		require.NoError(t, err)
		require.Empty(t, got)
	})
}
