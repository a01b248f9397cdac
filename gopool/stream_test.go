package gopool

import (
	"bytes"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// streams returns both ends of a socket.
func streams(t *testing.T) (ours, theirs stream) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() {
		stream(fds[0]).close()
		stream(fds[1]).close()
	})
	return stream(fds[0]), stream(fds[1])
}

// parts are buffers of those sizes, together the bytes 0, 1, 2 …
func parts(sizes ...int) (buffers [][]byte, all []byte) {
	for _, size := range sizes {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(len(all) + i)
		}
		buffers, all = append(buffers, b), append(all, b...)
	}
	return buffers, all
}

func TestStream(t *testing.T) {
	t.Run("writes many buffers in order", func(t *testing.T) {
		ours, theirs := streams(t)
		sizes := bytes.Repeat([]byte{1, 0, 7}, 800)
		buffers, all := parts()
		for _, size := range sizes {
			b, _ := parts(int(size))
			buffers, all = append(buffers, b...), append(all, b[0]...)
		}
		for len(buffers) > 0 {
			rest, err := ours.write(buffers, true)
			require.NoError(t, err)
			require.Less(t, len(rest), len(buffers))
			buffers = rest
		}
		got := make([]byte, len(all))
		_, err := io.ReadFull(&packets{in: theirs}, got)
		require.NoError(t, err)
		require.True(t, bytes.Equal(all, got))
	})
	t.Run("returns what a full socket does not take", func(t *testing.T) {
		ours, theirs := streams(t)
		buffers, all := parts(3000, 1<<20)
		rest, err := ours.write(buffers, false)
		require.NoError(t, err)
		require.Len(t, rest, 1)
		again, err := ours.write(rest, false)
		require.NoError(t, err)
		require.Equal(t, rest, again, "nothing")
		got := make([]byte, len(all)-len(rest[0]))
		_, err = io.ReadFull(&packets{in: theirs}, got)
		require.NoError(t, err)
		require.True(t, bytes.Equal(all[:len(got)], got))
		require.True(t, bytes.Equal(all[len(got):], rest[0]))
	})
	t.Run("what was written can be read after the other side was shut", func(t *testing.T) {
		ours, theirs := streams(t)
		_, err := theirs.write([][]byte{[]byte("last words")}, true)
		require.NoError(t, err)
		ours.shut()
		got, err := io.ReadAll(&packets{in: ours})
		require.NoError(t, err)
		require.Equal(t, "last words", string(got))
		_, err = ours.write([][]byte{{1}}, true)
		require.ErrorIs(t, err, unix.EPIPE, "an error, no signal")
	})
	t.Run("a read that is limited fails if nothing comes", func(t *testing.T) {
		ours, theirs := streams(t)
		require.NoError(t, ours.limit(time.Millisecond))
		_, err := ours.Read(make([]byte, 1))
		require.ErrorIs(t, err, unix.EAGAIN)
		_, err = theirs.write([][]byte{{1}}, true)
		require.NoError(t, err)
		n, err := ours.Read(make([]byte, 1))
		require.NoError(t, err)
		require.Equal(t, 1, n)
		ours.shut()
		_, err = ours.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
	})
}

func TestPackets(t *testing.T) {
	t.Run("one that is larger than what is read is read in parts", func(t *testing.T) {
		ours, theirs := streams(t)
		buffers, all := parts(maxPacket, 3, 2*maxPacket+1)
		go func() {
			for len(buffers) > 0 {
				buffers, _ = ours.write(buffers, true)
			}
		}()
		in := &packets{in: theirs}
		var got []byte
		for size := 1; len(got) < len(all); size = 2*size + 1 {
			part := make([]byte, min(size, len(all)-len(got)))
			_, err := io.ReadFull(in, part)
			require.NoError(t, err)
			got = append(got, part...)
		}
		require.True(t, bytes.Equal(all, got))
	})
	t.Run("what was written can be read also if the other side ended with something unread", func(t *testing.T) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		ours, theirs := stream(fds[0]), stream(fds[1])
		defer ours.close()
		for _, s := range []stream{ours, theirs} {
			_, err := s.write([][]byte{[]byte("last words")}, true)
			require.NoError(t, err)
		}
		theirs.close()
		a, err := newArrival(ours)
		require.NoError(t, err)
		defer a.release()
		got, err := io.ReadAll(&packets{in: a})
		require.NoError(t, err)
		require.Equal(t, "last words", string(got))
	})
}

func TestAfter(t *testing.T) {
	sizes := []int{2, 0, 3, 1}
	_, all := parts(sizes...)
	for n := 0; n <= len(all); n++ {
		buffers, _ := parts(sizes...)
		require.Equal(t, string(all[n:]), string(bytes.Join(after(buffers, n), nil)), "after %d bytes", n)
	}
}

func TestArrival(t *testing.T) {
	ours, theirs := streams(t)
	a, err := newArrival(ours)
	require.NoError(t, err)
	t.Cleanup(a.release)
	got := make(chan string)
	go func() {
		defer close(got)
		buffer := make([]byte, 10)
		for {
			n, err := a.Read(buffer)
			if err != nil {
				return
			}
			got <- string(buffer[:n])
		}
	}()
	// Often something comes just when the reader begins to wait.
	for range 100_000 {
		_, err := theirs.write([][]byte{[]byte("ping")}, true)
		require.NoError(t, err)
		require.Equal(t, "ping", await(t, got, "what was written"))
	}
	ours.shut()
	await(t, got, "the end")
}

// TestArrivalOfTheEnd: the end of a stream often comes just when the reader
// begins to wait for the first time.
func TestArrivalOfTheEnd(t *testing.T) {
	for range 20_000 {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		a, err := newArrival(stream(fds[0]))
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() {
			_, err := a.Read(make([]byte, 1))
			ended <- err
		}()
		runtime.Gosched()
		stream(fds[1]).close()
		require.ErrorIs(t, await(t, ended, "the end"), io.EOF)
		a.release()
		a.close()
	}
}
