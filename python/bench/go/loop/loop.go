// Package loop is what programs are made of that do a benchmark's work in Go alone.
//
// Such a program is told how many goroutines to use, and finds the arguments of all calls on
// standard input, as a JSON array of arrays. It makes the calls and prints the results, and how
// long the calls took: without the start of the program, and without JSON.
package loop

import (
	"encoding/json"
	"log"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Main1 is the main function of a program that calls a function of one parameter.
func Main1[A, R any](f func(A) R) {
	run(func(args []json.RawMessage) func() R {
		a := decode[A](args[0])
		return func() R { return f(a) }
	})
}

// Main2 is Main1 for a function of two parameters.
func Main2[A, B, R any](f func(A, B) R) {
	run(func(args []json.RawMessage) func() R {
		a, b := decode[A](args[0]), decode[B](args[1])
		return func() R { return f(a, b) }
	})
}

// Main4 is Main1 for a function of four parameters. Arguments that are equal in several calls are
// one value for all of them, as in a Python program that refers to the same array each time.
func Main4[A, B, C, D, R any](f func(A, B, C, D) R) {
	as, bs, cs, ds := values[A]{}, values[B]{}, values[C]{}, values[D]{}
	run(func(args []json.RawMessage) func() R {
		a, b, c, d := as.decode(args[0]), bs.decode(args[1]), cs.decode(args[2]), ds.decode(args[3])
		return func() R { return f(a, b, c, d) }
	})
}

// answer is what a program prints.
type answer[R any] struct {
	Seconds float64 `json:"seconds"`
	Results []R     `json:"results"`
}

// run makes the calls that bind makes of arguments.
func run[R any](bind func([]json.RawMessage) func() R) {
	goroutines, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var items [][]json.RawMessage
	if err := json.NewDecoder(os.Stdin).Decode(&items); err != nil {
		log.Fatal(err)
	}
	calls := make([]func() R, len(items))
	for i, args := range items {
		calls[i] = bind(args)
	}
	begin := time.Now()
	results := callAll(calls, goroutines)
	seconds := time.Since(begin).Seconds()
	if err := json.NewEncoder(os.Stdout).Encode(answer[R]{seconds, results}); err != nil {
		log.Fatal(err)
	}
}

// callAll makes the calls, each goroutine the next one that no other has begun.
func callAll[R any](calls []func() R, goroutines int) []R {
	results := make([]R, len(calls))
	var next atomic.Int64
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(calls)); i = next.Add(1) - 1 {
				results[i] = calls[i]()
			}
		})
	}
	all.Wait()
	return results
}

func decode[T any](text json.RawMessage) T {
	var value T
	if err := json.Unmarshal(text, &value); err != nil {
		log.Fatal(err)
	}
	return value
}

// values has the value of each text that was decoded.
type values[T any] map[string]T

func (v values[T]) decode(text json.RawMessage) T {
	value, found := v[string(text)]
	if !found {
		value = decode[T](text)
		v[string(text)] = value
	}
	return value
}
