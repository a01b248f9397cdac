package gofunc

import (
	"testing"

	"github.com/tinylib/msgp/msgp"
)

func TestMap(t *testing.T) {
	t.Run("maps come back as they are, and None is nil", func(t *testing.T) {
		for _, v := range []map[string]int{nil, {}, {"a": 1, "b": -1}} {
			requireRoundTrip(t, Map(String, Int), v)
		}
		requireRoundTrip(t, Map(Bool, String), map[bool]string{true: "yes"})
		requireRoundTrip(t, Map(Uint8, Slice(String)), map[uint8][]string{1: {"a"}, 2: nil})
		requireRoundTrip(t, Map(Float64, Map(Int64, Bool)), map[float64]map[int64]bool{1.5: {-1: true}})
	})
	t.Run("the key or the value that fails is named", func(t *testing.T) {
		requireFailure(t, Map(String, Int8), overflowError, `F() argument 'x["a"]': 300 does not fit int8`, map[string]any{"a": 300})
		requireFailure(t, Map(Int, Int), typeError, "F() argument 'x.keys()' must be int, not str", map[string]any{"a": 300})
	})
	t.Run("what is no dict is refused", func(t *testing.T) {
		requireFailure(t, Map(String, Int), typeError, "F() argument 'x' must be dict, not list", []any{})
	})
	t.Run("one that says it is larger than the message is malformed", func(t *testing.T) {
		requireFailure(t, Map(String, Int), valueError, "F() argument 'x': malformed msgpack", msgp.Raw(msgp.AppendMapHeader(nil, 1<<31)))
	})
}
