package gofunc

import (
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
)

// define makes a function known for the time of a test, and returns its number.
func define(t testing.TB, f Function) int64 {
	number := len(functions)
	Register(f)
	t.Cleanup(func() { functions = functions[:number] })
	return int64(number)
}

// unary is a function of one argument and one result, as generated code has it.
func unary[A, R any](arg *Codec[A], result *Codec[R], call func(A) R) Function {
	return Function{Name: "F", Params: []string{"x"}, Run: func(t *Task) {
		a0 := Arg(t, arg)
		if t.Failed() {
			return
		}
		Return(t, result, call(a0))
	}}
}

// pack returns values one after the other, as Python packs them.
func pack(values ...any) (b []byte) {
	for _, v := range values {
		var err error
		if raw, ok := v.(msgp.Raw); ok {
			b = append(b, raw...)
		} else if b, err = msgp.AppendIntf(b, v); err != nil {
			panic(err)
		}
	}
	return b
}

// unpack returns the only value in b.
func unpack(t testing.TB, b []byte) any {
	v, rest, err := msgp.ReadIntfBytes(b)
	require.NoError(t, err)
	require.Empty(t, rest)
	return v
}

// read reads in as the argument x of a function F. The error is the failure's text.
func read[T any](c *Codec[T], in []byte) (T, *failure) {
	t := Task{function: &Function{Name: "F", Params: []string{"x"}}}
	t.start(in, false)
	v := Arg(&t, c)
	return v, t.failure
}

// requireRead requires that in is read as the value v.
func requireRead[T any](t *testing.T, c *Codec[T], v T, in any) {
	t.Helper()
	got, failed := read(c, pack(in))
	require.Nil(t, failed)
	require.Equal(t, v, got)
}

// requireFailure requires that in can't be read, and how that is told.
func requireFailure[T any](t *testing.T, c *Codec[T], kind failureKind, text string, in any) {
	t.Helper()
	_, failed := read(c, pack(in))
	require.NotNil(t, failed)
	require.Equal(t, text, failed.text)
	require.Equal(t, kind, failed.kind)
}

// write returns v as a result.
func write[T any](t *testing.T, c *Codec[T], v T) []byte {
	t.Helper()
	out, failed := tryWrite(c, v)
	require.Nil(t, failed)
	return out
}

func tryWrite[T any](c *Codec[T], v T) ([]byte, *failure) {
	t := Task{function: &Function{Name: "F"}, encoding: records}
	Return(&t, c, v)
	return t.out, t.failure
}

// requireRoundTrip requires that v is read back as it was written.
func requireRoundTrip[T any](t *testing.T, c *Codec[T], v T) {
	t.Helper()
	requireRead(t, c, v, msgp.Raw(write(t, c, v)))
}

// memory is what a caller has for a range.
type memory struct {
	callRange
	started, recalled atomic.Uint64
	lengths           []uint64
	out               []byte
	spilled           []byte
}

const noRecall = 1 << 62

// call makes a range that is ready to run, of tasks that are numbered from 1 on.
func call(function int64, kind itemKind, count int, items []byte) *memory {
	m := &memory{lengths: make([]uint64, count), out: make([]byte, 4096)}
	m.recalled.Store(noRecall)
	m.callRange = callRange{
		function: function, kind: kind, items: unsafe.SliceData(items), size: int64(len(items)),
		count: int64(count), sequence: 1, started: &m.started, recalled: &m.recalled,
		lengths: unsafe.SliceData(m.lengths), out: unsafe.SliceData(m.out), room: int64(len(m.out)),
	}
	return m
}

// run runs it.
func (m *memory) run() *memory {
	m.spilled = run(&m.callRange)
	return m
}

// outcome is a record.
type outcome struct {
	data  []byte
	marks uint64
}

// outcomes returns the records that the range has answered.
func (m *memory) outcomes(t *testing.T) (list []outcome) {
	require.Equal(t, records, m.encoding)
	data := m.bytes()
	for _, length := range m.lengths[:m.ran] {
		n := length &^ (failureBit | lentBit)
		list = append(list, outcome{data[:n], length &^ n})
		data = data[n:]
	}
	require.Empty(t, data)
	return list
}

func (m *memory) bytes() []byte {
	if m.spilled != nil {
		return m.spilled
	}
	return m.out[:m.used]
}

// column returns the words of a column.
func (m *memory) column(t *testing.T, e encoding) (words []uint64) {
	require.Equal(t, e, m.encoding)
	for b := m.bytes(); len(b) > 0; b = b[8:] {
		words = append(words, order.Uint64(b))
	}
	require.Len(t, words, int(m.ran))
	return words
}

// words packs the items of a column.
func words(values ...uint64) (b []byte) {
	for _, v := range values {
		b = order.AppendUint64(b, v)
	}
	return b
}

// told returns what Python reads of a failure.
func told(t *testing.T, o outcome) (kind failureKind, text string, names []any, stack string) {
	require.EqualValues(t, uint64(failureBit), o.marks)
	parts := unpack(t, o.data).([]any)
	return failureKind(parts[0].(int64)), parts[1].(string), parts[2].([]any), parts[3].(string)
}
