package gofunc

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// benchmarkRange measures the tasks of a range. What the call costs is shared by
// all of them.
func benchmarkRange(b *testing.B, f Function, kind itemKind, items []byte) {
	const count = 500
	m := call(define(b, f), kind, count, items)
	m.room, m.out = 1<<16, make([]byte, 1<<16)
	m.callRange.out = &m.out[0]
	b.ReportAllocs()
	for n := 0; n < b.N; n += count {
		m.ran = 0
		m.run()
	}
	require.EqualValues(b, count, m.ran)
}

func BenchmarkRange(b *testing.B) {
	b.Run("ints", func(b *testing.B) { benchmarkRange(b, same, rangeItems, words(0, 1)) })
	b.Run("floats", func(b *testing.B) {
		f := unary(Float64, Float64, func(x float64) float64 { return x })
		benchmarkRange(b, f, floatItems, make([]byte, 8*500))
	})
	b.Run("text", func(b *testing.B) {
		f := unary(String, Int, func(s string) int { return len(s) })
		benchmarkRange(b, f, packed, []byte(strings.Repeat(string(pack("the quick brown fox")), 500)))
	})
	b.Run("structs", func(b *testing.B) {
		f := unary(entries, entries, func(e entry) entry { return e })
		benchmarkRange(b, f, packed, []byte(strings.Repeat(string(pack(map[string]any{"Name": "a", "count": 1})), 500)))
	})
}

func BenchmarkCall(b *testing.B) {
	f := define(b, unary(String, Int, func(s string) int { return len(s) }))
	in, out := pack("the quick brown fox"), make([]byte, 256)
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&in[0])
	pinner.Pin(&out[0])
	b.ReportAllocs()
	for b.Loop() {
		Call(f, 0, addressOf(in), int64(len(in)), addressOf(out), int64(len(out)))
	}
}
