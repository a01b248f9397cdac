package wire

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// pieces is an io.Reader that returns one piece at each call.
type pieces [][]byte

func (p *pieces) Read(b []byte) (int, error) {
	if len(*p) == 0 {
		return 0, io.EOF
	}
	n := copy(b, (*p)[0])
	if (*p)[0] = (*p)[0][n:]; len((*p)[0]) == 0 {
		*p = (*p)[1:]
	}
	return n, nil
}

func header(kind Kind, size uint64) []byte {
	b := order.AppendUint32(nil, uint32(kind))
	return order.AppendUint64(order.AppendUint32(b, 0), size)
}

func TestNext(t *testing.T) {
	t.Run("frames in a row come one by one, then the end", func(t *testing.T) {
		r := NewReader(bytes.NewReader(AppendTrimmed(AppendFailed(AppendSkipped(AppendReady(nil), 1, 2), "x"))))
		for _, kind := range []Kind{Ready, Skipped, Failed, Trimmed} {
			frame, err := r.Next()
			require.NoError(t, err)
			require.Equal(t, kind, frame.Kind)
		}
		_, err := r.Next()
		require.Equal(t, io.EOF, err)
	})
	t.Run("an end inside of a frame is unexpected wherever it is", func(t *testing.T) {
		whole := AppendSkipped(nil, 1, 2)
		for n := 1; n < len(whole); n++ {
			_, err := NewReader(bytes.NewReader(whole[:n])).Next()
			require.Equal(t, io.ErrUnexpectedEOF, err, "after %d bytes", n)
		}
	})
	t.Run("a kind that no worker sends is refused", func(t *testing.T) {
		for _, kind := range []Kind{0, Function, Run, Forget, Stop, Trim, Trimmed + 1, 1 << 31} {
			_, err := NewReader(bytes.NewReader(header(kind, 0))).Next()
			require.ErrorIs(t, err, ErrMalformed)
		}
	})
	t.Run("a payload larger than any memory is refused", func(t *testing.T) {
		for _, size := range []uint64{MaxPayload + 1, 1 << 63, 1<<64 - 1} {
			_, err := NewReader(bytes.NewReader(header(Failed, size))).Next()
			require.ErrorIs(t, err, ErrMalformed)
		}
	})
	t.Run("the largest payload is not allocated on the header's word", func(t *testing.T) {
		input := append(header(Failed, MaxPayload), "that's all"...)
		frame, err := NewReader(bytes.NewReader(input)).Next()
		require.Equal(t, io.ErrUnexpectedEOF, err)
		require.LessOrEqual(t, cap(frame.Payload), trusted+1<<10)
	})
	t.Run("a frame beyond what is trusted comes whole, and belongs to the receiver", func(t *testing.T) {
		text := bytes.Repeat([]byte("0123456789abcdef"), (3*trusted)/16+1)
		r := NewReader(bytes.NewReader(AppendFailed(AppendFailed(nil, string(text)), "next")))
		large, err := r.Next()
		require.NoError(t, err)
		after, err := r.Next()
		require.NoError(t, err)
		require.Equal(t, "next", string(after.Payload))
		require.True(t, bytes.Equal(text, large.Payload))
	})
}

func TestWholeLargeFill(t *testing.T) {
	t.Run("a frame is whole when its last byte is here", func(t *testing.T) {
		frame := AppendSkipped(nil, 1, 2)
		input := make(pieces, len(frame))
		for i := range frame {
			input[i] = frame[i : i+1]
		}
		r := NewReader(&input)
		for range frame {
			require.False(t, r.Whole())
			require.False(t, r.Large())
			require.NoError(t, r.Fill())
		}
		require.True(t, r.Whole())
		_, err := r.Next()
		require.NoError(t, err)
		require.False(t, r.Whole())
		require.Equal(t, io.EOF, r.Fill())
	})
	t.Run("one read may bring several frames", func(t *testing.T) {
		r := NewReader(&pieces{AppendReady(AppendReady(nil))})
		require.NoError(t, r.Fill())
		for range 2 {
			require.True(t, r.Whole())
			_, err := r.Next()
			require.NoError(t, err)
		}
		require.False(t, r.Whole())
	})
	t.Run("the largest frame that fits becomes whole, one byte more is large", func(t *testing.T) {
		fits := NewReader(nil).in.Size() - headerSize
		for _, extra := range []int{0, 1} {
			frame := AppendFailed(nil, string(make([]byte, fits+extra)))
			r := NewReader(bytes.NewReader(frame))
			require.NoError(t, r.Fill())
			require.Equal(t, extra == 1, r.Large())
			require.Equal(t, extra == 0, r.Whole())
			got, err := r.Next()
			require.NoError(t, err)
			require.Len(t, got.Payload, fits+extra)
		}
	})
	t.Run("a size that overflows is not waited for", func(t *testing.T) {
		r := NewReader(bytes.NewReader(header(Failed, 1<<64-1)))
		require.NoError(t, r.Fill())
		require.True(t, r.Whole() || r.Large())
		_, err := r.Next()
		require.ErrorIs(t, err, ErrMalformed)
	})
}
