package foreign

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gopool/gopool/gopool/wire"
)

// items returns a batch as Python sends it.
func items(kind, token int, data ...byte) []byte {
	head := binary.LittleEndian.AppendUint64(nil, uint64(kind))
	return append(binary.LittleEndian.AppendUint64(head, uint64(token)), data...)
}

func words(values ...int64) (b []byte) {
	for _, v := range values {
		b = binary.NativeEndian.AppendUint64(b, uint64(v))
	}
	return b
}

func TestItems(t *testing.T) {
	t.Run("packed ones begin where each does", func(t *testing.T) {
		batch, err := NewItems(items(kindPacked, 7, 0x01, 0xa2, 'h', 'i', 0x92, 0x01, 0xc4, 0x01, 'x', 0xc0), 4)
		require.NoError(t, err)
		require.Equal(t, int64(7), batch.Token)
		require.Equal(t, 10, batch.Size)
		for i, want := range []int{0, 1, 4, 9} {
			require.Len(t, batch.from(i), 10-want)
		}
	})
	t.Run("memory that they name is of their size", func(t *testing.T) {
		named := append([]byte{0xc7, 24, 2, 'd', 1, 0, 0, 0, 0, 0, 0}, words(1000, 1<<20)...)
		data := append(bytes.Clone(named), 0x91)
		batch, err := NewItems(items(kindPacked, 7, append(data, named...)...), 2)
		require.NoError(t, err)
		require.Equal(t, 2*(len(named)+8*1000)+1, batch.Size)
	})
	t.Run("columns are cut by their width", func(t *testing.T) {
		for _, kind := range []int{kindInts, kindFloats} {
			batch, err := NewItems(items(kind, 0, words(1, 2, 3)...), 3)
			require.NoError(t, err)
			require.Equal(t, words(2, 3), batch.from(1))
		}
	})
	t.Run("a range goes on from any of its items", func(t *testing.T) {
		batch, err := NewItems(items(kindRange, 0, words(10, -3)...), 1<<40)
		require.NoError(t, err)
		require.Equal(t, words(10-3*5, -3), batch.from(5))
	})
}

func TestItemsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		data  []byte
		count int
	}{
		"no head":                  {make([]byte, 15), 1},
		"no items":                 {items(kindPacked, 0), 0},
		"fewer items than none":    {items(kindPacked, 0, 1), -1},
		"an unknown kind":          {items(4, 0, 1), 1},
		"a kind beyond all":        {items(math.MinInt, 0, 1), 1},
		"an item that is cut":      {items(kindPacked, 0, 0xa5, 'a'), 1},
		"too few items":            {items(kindPacked, 0, 1, 2), 3},
		"a byte behind the last":   {items(kindPacked, 0, 1, 2), 1},
		"what is no msgpack":       {items(kindPacked, 0, 0xc1), 1},
		"a count beyond all bytes": {items(kindPacked, 0, 1), math.MaxInt},
		"half a number":            {items(kindInts, 0, make([]byte, 12)...), 1},
		"a column of others":       {items(kindFloats, 0, make([]byte, 16)...), 3},
		"a count that overflows":   {items(kindInts, 0), 1 << 61},
		"a range without a step":   {items(kindRange, 0, make([]byte, 8)...), 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewItems(c.data, c.count)
			require.ErrorIs(t, err, wire.ErrMalformed)
		})
	}
}

func FuzzItems(f *testing.F) {
	f.Add(items(kindPacked, 0, 0x01, 0xa2, 'h', 'i'), 2)
	f.Add(items(kindRange, 1, words(1, 2)...), 9)
	f.Fuzz(func(t *testing.T, data []byte, count int) {
		batch, err := NewItems(data, min(count, 1<<20))
		if err != nil {
			require.ErrorIs(t, err, wire.ErrMalformed)
			return
		}
		for i := range min(count, 1<<10) {
			require.NotEmpty(t, batch.from(i))
		}
	})
}
