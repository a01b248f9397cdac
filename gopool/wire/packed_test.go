package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// packedOutcomes are records with the marks of each.
func packedOutcomes(marks []uint64, records ...string) Outcomes {
	o := Outcomes{First: 1, Count: len(records), Encoding: Packed}
	for i, record := range records {
		o.Lengths = order.AppendUint64(o.Lengths, uint64(len(record))|marks[i])
		o.Data = append(o.Data, record...)
	}
	return o
}

func TestPacked(t *testing.T) {
	token := string(order.AppendUint64(nil, 1<<40)) + "\xc0"
	o := packedOutcomes([]uint64{0, FailureBit, LentBit, FailureBit}, "\x01", "\x94\x03no", token, "\x94\x00why")
	require.NoError(t, o.Check())

	t.Run("a record is lent under its token", func(t *testing.T) {
		require.Equal(t, []Loan{{2, 1 << 40, 0}}, o.Loans())
		require.Equal(t, []Loan{{0, 1 << 40, 0}}, o.Window(2, 2).Loans())
	})
	t.Run("a loan has the bytes of all buffers that it names", func(t *testing.T) {
		buffer := func(code byte, shape ...uint64) string {
			b := []byte{code, byte(len(shape)), 0, 0, 0, 0, 0, 0}
			for _, n := range append(shape, 1<<47) {
				b = order.AppendUint64(b, n)
			}
			return string(append([]byte{0xc7, byte(len(b)), 2}, b...))
		}
		for value, want := range map[string]uint64{
			"\xc0":            0,
			buffer('d', 1000): 8000,
			buffer('B', 7):    7,
			"\x82\xa1a\x92" + buffer('h', 10, 100) + "\xa2hi\xa1b" + buffer('f', 5): 2020,
			"\x92" + buffer('i', 1):                 4, // and what is missing
			"\xdd\xff\xff\xff\xff" + buffer('q', 1): 8,
			buffer('d', 1<<63, 1<<63)[:20]:          0,
			"\xd6\x02abcd":                          0,
		} {
			o := packedOutcomes([]uint64{LentBit}, token[:8]+value)
			require.Equal(t, []Loan{{0, 1 << 40, want}}, o.Loans(), "%x", value)
		}
	})
	t.Run("a failure tells its kind", func(t *testing.T) {
		for i, want := range []int{-1, 3, -1, 0} {
			kind, ok := o.FailureKind(i)
			require.Equal(t, want >= 0, ok)
			require.Equal(t, max(want, 0), kind)
		}
	})
	t.Run("a failure of another shape has none", func(t *testing.T) {
		for _, record := range []string{"", "\x94", "\x94\xcc"} {
			_, ok := packedOutcomes([]uint64{FailureBit}, record).FailureKind(0)
			require.False(t, ok)
		}
		_, ok := stream(1, map[int]bool{0: true}, "\x94\x03").FailureKind(0)
		require.False(t, ok, "it is not Go's")
	})
	t.Run("only results that are here are plain", func(t *testing.T) {
		for i, want := range []bool{true, false, false, false} {
			require.Equal(t, want, o.Window(i, 1).Plain())
		}
		require.True(t, Outcomes{Count: 1, Encoding: Nones}.Plain())
	})
	t.Run("a token that is cut is refused, as is a table of another length", func(t *testing.T) {
		require.ErrorIs(t, packedOutcomes([]uint64{LentBit}, token[:7]).Check(), ErrMalformed)
		o := packedOutcomes([]uint64{0}, "x")
		o.Count = 2
		require.ErrorIs(t, o.Check(), ErrMalformed)
	})
	t.Run("what comes behind is appended", func(t *testing.T) {
		one, two := o.Window(0, 2), o.Window(2, 2)
		one.Lengths, one.Data = one.Lengths[:16:16], one.Data[:5:5]
		one.Elapsed, two.Elapsed = 3, 4
		one.Append(two)
		require.Equal(t, o.Lengths, one.Lengths)
		require.Equal(t, o.Data, one.Data)
		require.EqualValues(t, 7, one.Elapsed)
		require.NoError(t, one.Check())
	})
}
