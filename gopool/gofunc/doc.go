// Package gofunc is the half of Go functions that is linked into the extension
// of a user's package. The other half, the pool, is in another Go runtime of the
// same process: it calls by address (call.h), for a range of tasks at a time.
//
// # What generated code says
//
// A package is registered once, and a function is known by its place in it:
//
//	func init() {
//		gofunc.Register(
//			gofunc.Function{Name: "Count", Params: []string{"text"}, Run: func(t *gofunc.Task) {
//				a0 := gofunc.Arg(t, gofunc.String)
//				if t.Failed() {
//					return
//				}
//				gofunc.Return(t, gofunc.Int, wordcount.Count(a0))
//			}},
//			gofunc.Function{Name: "Load", Params: []string{"name", "lines"}, Context: true, Variadic: true, Run: func(t *gofunc.Task) {
//				a0 := gofunc.Arg(t, gofunc.String)
//				a1 := gofunc.Rest(t, gofunc.Int)
//				if t.Failed() {
//					return
//				}
//				r0, r1, err := wordcount.Load(t.Context(), a0, a1...)
//				if err != nil {
//					t.Fail(err)
//					return
//				}
//				t.Results(2)
//				gofunc.Return(t, slice0, r0)
//				gofunc.Return(t, gofunc.Bool, r1)
//			}},
//		)
//	}
//
// A function without results returns nothing. Error results come last, and only
// by Fail.
//
// # Codecs
//
// A [Codec] reads and writes the values of one type. They are composed, once, in
// variables of the generated package:
//
//	var (
//		slice0 = gofunc.Slice(gofunc.Float64)                                       // []float64
//		array0 = gofunc.Array(gofunc.Int8, func(a *[4]int8) []int8 { return a[:] }) // [4]int8
//		map0   = gofunc.Map(gofunc.String, slice0)                                  // map[string][]float64
//		named0 = gofunc.Convert[wordcount.Level](gofunc.Int)                        // type Level int
//		entry  = gofunc.Struct[wordcount.Entry]("Entry")
//	)
//
//	// Fields are set apart, so that a struct may have pointers to its own type.
//	func init() {
//		entry.Fields(
//			gofunc.Field("Name", gofunc.String, func(s *wordcount.Entry) *string { return &s.Name }),
//			gofunc.Field("Next", gofunc.Pointer(entry), func(s *wordcount.Entry) **wordcount.Entry { return &s.Next }),
//		)
//	}
//
// []byte is [Bytes]; Slice of [Uint8] is not for it.
//
// # What becomes of a call
//
// Arguments and results are msgpack, with extensions for arrays of numbers, times and
// durations. Large arrays are not copied: those of an argument are the caller's, and a
// function must not keep them; those of a result are lent, and must not change any more.
//
// Errors, arguments that do not fit, panics and runtime.Goexit are outcomes as results
// are. A panic in a goroutine that the function has started ends the process, as ever.
//
// # What Python calls
//
// [ABI], [Call], [Fetch], [Release], [Address], [Goroutines] and [Handles] take and
// return integers only, so that gopy binds them as they are.
package gofunc
