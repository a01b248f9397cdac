package gofunc

import (
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/tinylib/msgp/msgp"
)

// benchmarkRange measures the tasks of a range; what the call costs is shared by
// all of them.
func benchmarkRange(b *testing.B, function int64, kind itemKind, items []byte) {
	const count = 1000
	var started, recalled atomic.Uint64
	recalled.Store(1 << 62)
	lengths := make([]uint64, count)
	out := make([]byte, 64<<10)
	b.ReportAllocs()
	for n := 0; n < b.N; n += count {
		r := callRange{
			function: function, kind: kind, items: unsafe.SliceData(items), size: int64(len(items)),
			count: count, sequence: 1, started: &started, recalled: &recalled,
			lengths: unsafe.SliceData(lengths), out: unsafe.SliceData(out), room: int64(len(out)),
		}
		if run(&r); r.ran != count {
			b.Fatal(r.ran)
		}
	}
}

func BenchmarkRangeOfInts(b *testing.B) {
	benchmarkRange(b, fnSame, rangeItems, order.AppendUint64(order.AppendUint64(nil, 0), 1))
}

func BenchmarkStrings(b *testing.B) {
	var items []byte
	for range 1000 {
		items = msgp.AppendString(items, "the quick brown fox")
	}
	benchmarkRange(b, fnLength, packed, items)
}

func BenchmarkCall(b *testing.B) {
	in := msgp.AppendString(nil, "the quick brown fox")
	out := make([]byte, 4096)
	address := func(b []byte) int64 { return int64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }
	b.ReportAllocs()
	for b.Loop() {
		Call(fnLength, 0, address(in), int64(len(in)), address(out), int64(len(out)))
	}
}
