package bind

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTypesThatCross(t *testing.T) {
	t.Parallel()
	p := inspect(t, `package p

import "time"

type Level uint8
type Raw []byte
type Text string
type Names []string
type Tree []Node
type Node struct{ Kids Tree }
type alias = []int
type hidden = Level

func Simple(bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64, string) {}
func Aliases(byte, rune, alias, []hidden) {}
func Bytes([]byte, Raw) {}
func Times(time.Time, time.Duration, time.Month) {}
func Named(Level, Text, Names) {}
func Composite([]int, [3]string, map[string][]float64, *int, [][]float64) {}
func Keys(map[int]bool, map[Text]int, map[float64]int) {}
func Recursive(Tree) {}
`)
	require.Equal(t, map[string]string{
		"Simple": `arg0 "bool", arg1 "int", arg2 "int8", arg3 "int16", arg4 "int32", arg5 "int64", ` +
			`arg6 "uint", arg7 "uint8", arg8 "uint16", arg9 "uint32", arg10 "uint64", ` +
			`arg11 "float32", arg12 "float64", arg13 "string" -> `,
		"Aliases":   `arg0 "uint8", arg1 "int32", arg2 ("slice", "int"), arg3 ("slice", "uint8") -> `,
		"Bytes":     `arg0 "bytes", arg1 "bytes" -> `,
		"Times":     `arg0 "time", arg1 "duration", arg2 "int" -> `,
		"Named":     `arg0 "uint8", arg1 "string", arg2 ("slice", "string") -> `,
		"Composite": `arg0 ("slice", "int"), arg1 ("array", 3, "string"), arg2 ("map", "string", ("slice", "float64")), arg3 ("pointer", "int"), arg4 ("slice", ("slice", "float64")) -> `,
		"Keys":      `arg0 ("map", "int", "bool"), arg1 ("map", "string", "int"), arg2 ("map", "float64", "int") -> `,
		"Recursive": `arg0 ("slice", ("struct", "Node")) -> `,
	}, signatures(p))
	require.Empty(t, p.Skipped)
}

func TestTypesThatDoNotCross(t *testing.T) {
	t.Parallel()
	p := inspect(t, `package p

import (
	"io"
	"sync"
	"unsafe"
)

type hidden struct{ N int }
type Endless []Endless
type Pair[T any] struct{ A, B T }
type Worker struct{ Name string; Done chan bool }
type Manager struct{ Workers []Worker }
type None struct{ N int }

func Fine() {}
func Channel(c chan int) {}
func Function(f func(int) string) {}
func Interface(r io.Reader) {}
func Any(v any) {}
func Complex(c complex128) {}
func Pointer(p unsafe.Pointer) {}
func Address(p uintptr) {}
func Generic(p Pair[int]) {}
func Hidden(h hidden) {}
func HiddenResult() hidden { return hidden{} }
func Anonymous(s struct{ N int }) {}
func Set(s map[string]struct{}) {}
func StructKeys(m map[Node]int) {}
func Opaque(m *sync.Mutex) {}
func PointerToPointer(p **int) {}
func PointerToSlice(p *[]int) {}
func Recursive(e Endless) {}
func Inside(m []Manager) {}
func Again(w Worker) {}
func Keyword(n None) {}
func List(l []chan int) {}

type Node struct{ N int }
`)
	require.Equal(t, map[string]string{
		"Channel":          "parameter c: chan int is a channel",
		"Function":         "parameter f: func(int) string is a function",
		"Interface":        "parameter r: io.Reader is an interface",
		"Any":              "parameter v: any is an interface",
		"Complex":          "parameter c: complex128 is a complex number",
		"Pointer":          "parameter p: unsafe.Pointer is an address",
		"Address":          "parameter p: uintptr is an address",
		"Generic":          "parameter p: Pair[int] is of a generic type",
		"Hidden":           "parameter h: hidden is not exported",
		"HiddenResult":     "result: hidden is not exported",
		"Anonymous":        "parameter s: struct{N int} is a struct without a name",
		"Set":              "parameter s: struct{} is a struct without a name",
		"StructKeys":       "parameter m: map[Node]int is a map whose keys are neither strings nor numbers",
		"Opaque":           "parameter m: sync.Mutex is a struct without exported fields",
		"PointerToPointer": "parameter p: **int is a pointer to what may be nil itself",
		"PointerToSlice":   "parameter p: *[]int is a pointer to what may be nil itself",
		"Recursive":        "parameter e: Endless is a type that contains itself, and no struct",
		"Inside":           "parameter m: field Workers of Manager: field Done of Worker: chan bool is a channel",
		"Again":            "parameter w: field Done of Worker: chan bool is a channel",
		"Keyword":          "parameter n: None is called as a keyword of Python's",
		"List":             "parameter l: chan int is a channel",
	}, reasons(p))
	require.Empty(t, p.Structs)
}

func TestAReasonHasAPosition(t *testing.T) {
	t.Parallel()
	p := inspect(t, "package p\n\nfunc Fine() {}\n\nfunc Wait(c chan int) {}\n")
	require.Len(t, p.Skipped, 1)
	require.Equal(t, 5, p.Skipped[0].Position.Line)
	require.Regexp(t, `/p\.go$`, p.Skipped[0].Position.Filename)
}

func TestInternalPackagesMayBeImported(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		user, path string
		may        bool
	}{
		{"example.com/m/p", "example.com/other", true},
		{"example.com/m/p", "example.com/m/internal/q", true},
		{"example.com/m/p", "example.com/m/p/internal", true},
		{"example.com/m", "example.com/m/internal/q", true},
		{"example.com/m/p", "example.com/m/q/internal/r", false},
		{"example.com/mm", "example.com/m/internal/q", false},
		{"example.com/m/internal/p", "example.com/m/internal/q/internal/r", false},
		{"example.com/m", "internal/abi", false},
	} {
		require.Equal(t, c.may, mayImport(c.user, c.path), "%s imports %s", c.user, c.path)
	}
}
