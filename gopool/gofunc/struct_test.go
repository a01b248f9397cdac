package gofunc

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
)

type entry struct {
	Name  string
	Count int8
	Tags  []string
	Next  *entry
}

var entries = Struct[entry]("Entry")

func init() {
	entries.Fields(
		Field("Name", String, func(s *entry) *string { return &s.Name }),
		Field("count", Int8, func(s *entry) *int8 { return &s.Count }),
		Field("Tags", Slice(String), func(s *entry) *[]string { return &s.Tags }),
		Field("Next", Pointer(entries), func(s *entry) **entry { return &s.Next }),
	)
}

// chain returns n entries, each in the one before.
func chain(n int) *entry {
	var e *entry
	for range n {
		e = &entry{Next: e}
	}
	return e
}

func TestStruct(t *testing.T) {
	t.Run("structs come back as they are", func(t *testing.T) {
		requireRoundTrip(t, entries, entry{Name: "a", Count: -1, Tags: []string{"x"}, Next: &entry{Name: "b"}})
		requireRoundTrip(t, Map(String, Slice(entries)), map[string][]entry{"k": {{}, {Count: 1}}})
		requireRoundTrip(t, Pointer(entries), chain(maxDepth))
	})
	t.Run("fields come in any order, and what may be nil need not come", func(t *testing.T) {
		requireRead(t, entries, entry{Name: "a", Count: 1}, map[string]any{"count": 1, "Name": "a"})
		requireRead(t, entries, entry{Name: "a", Count: 1, Tags: []string{}},
			map[string]any{"Tags": []any{}, "count": 1, "Next": nil, "Name": "a"})
	})
	t.Run("what is missing, unknown or wrong is named", func(t *testing.T) {
		requireFailure(t, entries, typeError, "F() argument 'x': Entry lacks field 'count'", map[string]any{"Name": "a"})
		requireFailure(t, entries, typeError, "F() argument 'x': Entry has no field 'Count'", map[string]any{"Count": 1})
		requireFailure(t, Slice(entries), overflowError, "F() argument 'x[0].count': 300 does not fit int8", []any{map[string]any{"count": 300}})
		requireFailure(t, entries, typeError, "F() argument 'x.Next': Entry lacks field 'Name'", map[string]any{"Next": map[string]any{}})
		requireFailure(t, entries, typeError, "F() argument 'x' must be Entry, not list", []any{})
		requireFailure(t, entries, typeError, "F() argument 'x.keys()' must be str, not int", msgp.Raw{0x81, 1, 2})
	})
	t.Run("a struct that goes round in a circle is no result", func(t *testing.T) {
		circle := &entry{}
		circle.Next = circle
		_, failed := tryWrite(Pointer(entries), circle)
		require.NotNil(t, failed)
		require.Equal(t, valueError, failed.kind)
		require.Equal(t, "F() result: structs are too deep in each other", failed.text)
	})
	t.Run("nor is one too deep an argument", func(t *testing.T) {
		in := pack("end")
		for range maxDepth + 1 {
			in = append(pack(map[string]any{"Next": 0})[:6:6], in...)
		}
		_, failed := read(entries, in)
		require.NotNil(t, failed)
		require.Equal(t, valueError, failed.kind)
		require.Contains(t, failed.text, ".Next.Next': structs are too deep in each other")
	})
}
