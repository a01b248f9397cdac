// Package kinds has a function for each kind of parameter and result.
//
// Most return what they are given.
package kinds

import (
	"context"
	"errors"
	"strings"
	"time"
)

func Bool(v bool) bool          { return v }
func Int(v int) int             { return v }
func Int8(v int8) int8          { return v }
func Int16(v int16) int16       { return v }
func Int32(v int32) int32       { return v }
func Int64(v int64) int64       { return v }
func Uint(v uint) uint          { return v }
func Uint8(v uint8) uint8       { return v }
func Uint16(v uint16) uint16    { return v }
func Uint32(v uint32) uint32    { return v }
func Uint64(v uint64) uint64    { return v }
func Float32(v float32) float32 { return v }
func Float64(v float64) float64 { return v }
func String(v string) string    { return v }
func Bytes(v []byte) []byte     { return v }

func Time(v time.Time) time.Time             { return v }
func Duration(v time.Duration) time.Duration { return v }

// Slices of numbers, which numpy arrays become and which become numpy arrays.

func Bools(v []bool) []bool          { return v }
func Ints(v []int) []int             { return v }
func Int8s(v []int8) []int8          { return v }
func Int16s(v []int16) []int16       { return v }
func Int32s(v []int32) []int32       { return v }
func Int64s(v []int64) []int64       { return v }
func Uints(v []uint) []uint          { return v }
func Uint16s(v []uint16) []uint16    { return v }
func Uint32s(v []uint32) []uint32    { return v }
func Uint64s(v []uint64) []uint64    { return v }
func Float32s(v []float32) []float32 { return v }
func Float64s(v []float64) []float64 { return v }

func IntMatrix(v [][]int) [][]int           { return v }
func FloatMatrix(v [][]float64) [][]float64 { return v }

// Other composite types.

func Strings(v []string) []string                          { return v }
func ByteSlices(v [][]byte) [][]byte                       { return v }
func Array(v [3]int) [3]int                                { return v }
func ArrayOfStrings(v [2]string) [2]string                 { return v }
func Map(v map[string]int) map[string]int                  { return v }
func MapOfInts(v map[int64]string) map[int64]string        { return v }
func Nested(v map[string][][]string) map[string][][]string { return v }
func Pointer(v *int) *int                                  { return v }
func Pointers(v []*string) []*string                       { return v }

// Point is a place in the plane.
type Point struct {
	X, Y float64
}

// Entry has fields of most kinds, one of them named by its tag, and one of its own type.
type Entry struct {
	Word    string `json:"word"`
	Count   int
	At      time.Time
	Took    time.Duration
	Weights []float64
	Where   *Point
	Parts   []Entry
	Labels  map[string]Point
	Raw     []byte
	hidden  int
}

func Struct(v Entry) Entry                 { return v }
func Structs(v []Point) []Point            { return v }
func PointerToStruct(v *Point) *Point      { return v }
func Points(v map[int]Point) map[int]Point { return v }

// Celsius is a named number.
type Celsius float64

// Level is a named integer.
type Level uint8

// Path is a named slice.
type Path []Point

func Named(v Celsius) Celsius { return v }
func NamedInt(v Level) Level  { return v }
func NamedSlice(v Path) Path  { return v }

// Shapes of signatures.

// Nothing takes nothing and returns nothing.
func Nothing() {}

// Drop returns nothing.
func Drop(n int) {}

// Swap has two results.
func Swap(a int, b string) (string, int) { return b, a }

// Half returns an error for odd numbers.
func Half(n int) (int, error) {
	if n%2 != 0 {
		return 0, errors.New("odd")
	}
	return n / 2, nil
}

// Check returns only an error, for negative numbers.
func Check(n int) error {
	if n < 0 {
		return errors.New("negative")
	}
	return nil
}

// Divide has two results and an error.
func Divide(a, b int) (quotient, remainder int, err error) {
	if b == 0 {
		return 0, 0, errors.New("division by zero")
	}
	return a / b, a % b, nil
}

// Join is variadic.
func Join(separator string, parts ...string) string { return strings.Join(parts, separator) }

// Self has a parameter that is called as methods of Python call theirs.
func Self(self int) int { return self }

// Keywords has parameters whose names Python can't use.
func Keywords(lambda, from int) int { return 10*lambda + from }

// Unnamed has parameters without names.
func Unnamed(int, string) int { return 1 }

// HasDeadline takes a context, which callers from Python don't see.
func HasDeadline(ctx context.Context, n int) bool {
	_, ok := ctx.Deadline()
	return ok
}

// WarmUp has Go's runtime open what it keeps open to the end: tests look for what was left open.
func WarmUp() { time.Sleep(time.Millisecond) }

// Work.

// Count returns how many words a text has.
func Count(text string) int { return len(strings.Fields(text)) }

// Sum returns the sum of numbers.
func Sum(numbers []float64) (sum float64) {
	for _, number := range numbers {
		sum += number
	}
	return sum
}

// Scale multiplies numbers where they are: in the caller's own array if that is large.
func Scale(numbers []float64, factor float64) {
	for i := range numbers {
		numbers[i] *= factor
	}
}

// Range returns the numbers below n.
func Range(n int) []int64 {
	numbers := make([]int64, n)
	for i := range numbers {
		numbers[i] = int64(i)
	}
	return numbers
}

// Grid returns a matrix whose numbers count up row by row.
func Grid(rows, columns int) [][]float64 {
	grid := make([][]float64, rows)
	for i := range grid {
		grid[i] = make([]float64, columns)
		for j := range grid[i] {
			grid[i][j] = float64(i*columns + j)
		}
	}
	return grid
}

// Repeat returns bytes.
func Repeat(b byte, n int) []byte { return []byte(strings.Repeat(string(rune(b)), n)) }

// Invalid returns a string that is not UTF-8.
func Invalid() string { return "a\xff\xfeb" }
