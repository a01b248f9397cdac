package gofunc

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestString(t *testing.T) {
	t.Run("text of any size comes back as it is, also what is no UTF-8", func(t *testing.T) {
		for _, v := range []string{"", "ä", "\xff\xfe", strings.Repeat("x", 1<<17)} {
			requireRoundTrip(t, String, v)
		}
	})
	t.Run("the function may keep it", func(t *testing.T) {
		in := pack("abc")
		v, failed := read(String, in)
		require.Nil(t, failed)
		clear(in)
		require.Equal(t, "abc", v)
	})
	t.Run("nothing else is a str", func(t *testing.T) {
		requireFailure(t, String, typeError, "F() argument 'x' must be str, not bytes", []byte("abc"))
		requireFailure(t, String, typeError, "F() argument 'x' must be str, not None", nil)
	})
}

func TestBytes(t *testing.T) {
	t.Run("bytes come back as they are, and None is nil", func(t *testing.T) {
		for _, v := range [][]byte{nil, {}, {0, 255}, make([]byte, 1<<17)} {
			requireRoundTrip(t, Bytes, v)
		}
	})
	t.Run("the function may keep those that are in the message", func(t *testing.T) {
		in := pack([]byte("abc"))
		v, failed := read(Bytes, in)
		require.Nil(t, failed)
		clear(in)
		require.Equal(t, "abc", string(v))
	})
	t.Run("a buffer of bytes will do", func(t *testing.T) {
		requireRead(t, Bytes, []byte{1, 2}, inline('B', []byte{1, 2}, 2))
	})
	t.Run("neither text nor other numbers will", func(t *testing.T) {
		requireFailure(t, Bytes, typeError, "F() argument 'x' must be bytes, not str", "abc")
		requireFailure(t, Bytes, typeError, "F() argument 'x' must be bytes, not list", []any{1})
		requireFailure(t, Bytes, typeError, "F() argument 'x' must be bytes, not buffer of 'b'", inline('b', []byte{1}, 1))
	})
}
