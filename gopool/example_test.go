package gopool_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gopool/gopool/gopool"
)

// Go functions as workers: the simplest use.
func ExampleMap() {
	ctx := context.Background()
	pool := gopool.New(gopool.Options{})
	for range 4 {
		if _, err := pool.Attach(gopool.NewGoroutine(ctx)); err != nil {
			panic(err)
		}
	}

	shout := func(_ context.Context, word string) (string, error) {
		if word == "" {
			return "", errors.New("nothing to shout")
		}
		return strings.ToUpper(word) + "!", nil
	}
	fmt.Println(gopool.Map(ctx, pool, shout, []string{"ready", "steady", "go"}))
	fmt.Println(gopool.Map(ctx, pool, shout, []string{"on", ""}))

	pool.Close()
	fmt.Println(pool.Join(ctx))
	// Output:
	// [READY! STEADY! GO!] <nil>
	// [ON! ] nothing to shout
	// <nil>
}

// A job whose tasks become known little by little, and whose results are taken
// as they come.
func ExamplePool_Submit() {
	ctx := context.Background()
	pool := gopool.New(gopool.Options{})
	if _, err := pool.Attach(gopool.NewGoroutine(ctx)); err != nil {
		panic(err)
	}

	square := pool.NewFunction(gopool.TaskFunc(func(_ context.Context, data any, offset int) (any, error) {
		n := data.([]int)[offset]
		return n * n, nil
	}))
	job, err := pool.Submit(square, 1, nil, false)
	if err != nil {
		panic(err)
	}
	pool.Release(square) // the job still has it
	next := 0
	for _, batch := range [][]int{{1, 2}, {3, 4, 5}} {
		if err := job.Add(&gopool.Batch{Data: batch, Count: len(batch), Index: next}); err != nil {
			panic(err)
		}
		next += len(batch)
	}
	job.Seal()

	for left := next; left > 0; {
		job.Wait(ctx, 1)
		for _, segment := range job.Take() {
			outcomes := segment.Payload.([]gopool.Outcome)[segment.Skip:][:segment.Count]
			for i, outcome := range outcomes {
				fmt.Println(segment.Index+i, outcome.Value)
			}
			left -= segment.Count
		}
	}

	pool.Close()
	fmt.Println(pool.Join(ctx))
	// Output:
	// 0 1
	// 1 4
	// 2 9
	// 3 16
	// 4 25
	// <nil>
}
