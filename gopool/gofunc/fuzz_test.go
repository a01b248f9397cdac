package gofunc

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
)

// everything has a value of each kind, and of kinds in kinds.
type everything struct {
	Bool    bool
	Int     int8
	Uint    uint64
	Floats  [2]float32
	Texts   map[string][]string
	Levels  map[level]*bool
	Bytes   []byte
	Matrix  [][]float64
	When    time.Time
	Elapsed time.Duration
	Entry   entry
}

var all = Struct[everything]("Everything")

func init() {
	all.Fields(
		Field("Bool", Bool, func(s *everything) *bool { return &s.Bool }),
		Field("Int", Int8, func(s *everything) *int8 { return &s.Int }),
		Field("Uint", Uint64, func(s *everything) *uint64 { return &s.Uint }),
		Field("Floats", Array(Float32, func(a *[2]float32) []float32 { return a[:] }), func(s *everything) *[2]float32 { return &s.Floats }),
		Field("Texts", Map(String, Slice(String)), func(s *everything) *map[string][]string { return &s.Texts }),
		Field("Levels", Map(Convert[level](Int8), Pointer(Bool)), func(s *everything) *map[level]*bool { return &s.Levels }),
		Field("Bytes", Bytes, func(s *everything) *[]byte { return &s.Bytes }),
		Field("Matrix", Slice(doubles), func(s *everything) *[][]float64 { return &s.Matrix }),
		Field("When", Time, func(s *everything) *time.Time { return &s.When }),
		Field("Elapsed", Duration, func(s *everything) *time.Duration { return &s.Elapsed }),
		Field("Entry", entries, func(s *everything) *entry { return &s.Entry }),
	)
}

// FuzzArguments: whatever comes as an argument, reading it ends in a failure that says
// why, or in a value that is written as it was read. An address is believed, and so is
// none here. What fuzzing has found worth keeping is in testdata/fuzz.
func FuzzArguments(f *testing.F) {
	yes := true
	for _, v := range []everything{
		{},
		{Bool: true, Int: -1, Uint: 1 << 63, Floats: [2]float32{1, 2}, Texts: map[string][]string{"a": {"b", "\xff"}}},
		{Levels: map[level]*bool{1: &yes, 2: nil}, Bytes: []byte{1}, Matrix: [][]float64{{1, 2}, {}}, When: time.Unix(1<<33, 1), Elapsed: -1},
		{Entry: entry{Tags: []string{"x"}, Next: &entry{}}},
	} {
		out, failed := tryWrite(all, v)
		if failed != nil {
			f.Fatal(failed.text)
		}
		f.Add(out)
	}
	f.Add(pack(map[string]any{"Matrix": []any{inline('d', make([]byte, 8), 1)}}))
	f.Add(append(append(pack("Matrix"), inline('d', nil, 1<<62, 0)...), 0x81))
	f.Add(appendExtension(nil, bufferExtension, 1<<31))
	f.Fuzz(func(t *testing.T, in []byte) {
		if hasAddress(in) {
			return
		}
		function := define(t, unary(all, all, func(v everything) everything { return v }))
		m := call(function, packed, 1, in).run()
		require.EqualValues(t, 1, m.ran)
		o := m.outcomes(t)[0]
		if o.marks&failureBit != 0 {
			kind, text, _, _ := told(t, o)
			require.Contains(t, []failureKind{typeError, overflowError, valueError}, kind)
			require.Contains(t, text, "F() argument 'x")
			return
		}
		again := call(function, packed, 1, bytes.Clone(o.data)).run().outcomes(t)[0]
		require.Zero(t, again.marks)
		require.Len(t, again.data, len(o.data), "only what is in maps may change places")
	})
}

// hasAddress tells whether there might be a buffer by address in b.
func hasAddress(b []byte) bool {
	for i, lead := range b {
		if lead >= ext8 && lead <= ext32 || lead >= fixExt1 && lead <= fixLast {
			kind, _, _, ok := splitExtension(b[i:])
			if ok && kind == addressExtension {
				return true
			}
		}
	}
	return false
}

// FuzzStar: so does a list of arguments, whatever it is of.
func FuzzStar(f *testing.F) {
	f.Add(pack([]any{"a", 1, 2}))
	f.Add(pack([]any{}))
	f.Add(msgp.AppendArrayHeader(nil, 1<<31))
	f.Fuzz(func(t *testing.T, in []byte) {
		function := define(t, Function{Name: "F", Params: []string{"x", "rest"}, Variadic: true, Run: func(t *Task) {
			Arg(t, String)
			Rest(t, Int8)
		}})
		m := call(function, packed, 1, in)
		m.star = 1
		m.run()
		require.EqualValues(t, 1, m.ran)
		if m.encoding != nones {
			_, text, _, _ := told(t, m.outcomes(t)[0])
			require.Contains(t, text, "F() ")
		}
	})
}
