// Package faults has functions that fail, each in its own way, and functions that wait.
package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Panic panics with a text.
func Panic(text string) int { panic(text) }

// PanicAt panics for one number and returns all others.
func PanicAt(n, at int) int {
	if n == at {
		panic(fmt.Sprintf("at %d", n))
	}
	return n
}

// PanicError panics with an error.
func PanicError(path string) int {
	_, err := os.Open(path)
	panic(err)
}

// OutOfRange reads behind the end of a slice.
func OutOfRange(n int) int { return []int{1, 2, 3}[n] }

// Open fails as os.Open does, with a chain of errors.
func Open(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening: %w", err)
	}
	return file.Close()
}

// Refused is an error of a type of its own.
type Refused struct{ Number int }

func (r *Refused) Error() string { return fmt.Sprintf("%d is refused", r.Number) }

// RefuseOdd fails for odd numbers.
func RefuseOdd(n int) (int, error) {
	if n%2 != 0 {
		return 0, &Refused{n}
	}
	return n, nil
}

// Join fails with two errors at once.
func Join(n int) error {
	return errors.Join(&Refused{n}, os.ErrNotExist)
}

// WarmUp has Go's runtime open what it keeps open to the end: tests look for what was left open.
func WarmUp() { time.Sleep(time.Millisecond) }

// Counters by name.

var counters sync.Map

func counter(name string) *atomic.Int64 {
	found, _ := counters.LoadOrStore(name, new(atomic.Int64))
	return found.(*atomic.Int64)
}

// Tick counts, and returns how often it was called with this name.
func Tick(name string) int { return int(counter(name).Add(1)) }

// Ticks returns how often Tick was called with this name, and FailFirst.
func Ticks(name string) int { return int(counter(name).Load()) }

// FailFirst fails the first few times that it is called with this name.
func FailFirst(name string, times int) (int, error) {
	call := Tick(name)
	if call <= times {
		return 0, &Refused{call}
	}
	return call, nil
}

// PanicFirst panics the first few times that it is called with this name.
func PanicFirst(name string, times int) int {
	call := Tick(name)
	if call <= times {
		panic("not yet")
	}
	return call
}

// Gates by name, which tests open and wait at.

type gate struct {
	open    chan struct{}
	opening sync.Once
	lock    sync.Mutex
	changed *sync.Cond
	arrived int
}

var gates sync.Map

func gateOf(name string) *gate {
	g := &gate{open: make(chan struct{})}
	g.changed = sync.NewCond(&g.lock)
	found, _ := gates.LoadOrStore(name, g)
	return found.(*gate)
}

func (g *gate) arrive() {
	g.lock.Lock()
	g.arrived++
	g.lock.Unlock()
	g.changed.Broadcast()
}

// Stay waits at a gate until it is open, whatever its context says.
func Stay(ctx context.Context, name string) string {
	g := gateOf(name)
	g.arrive()
	<-g.open
	return name
}

// StayDeaf waits at a gate until it is open, and has no context.
func StayDeaf(name string) string { return Stay(context.Background(), name) }

// Linger waits at a gate until it is open, or its context is done.
func Linger(ctx context.Context, name string) (string, error) {
	g := gateOf(name)
	g.arrive()
	select {
	case <-g.open:
		return name, nil
	case <-ctx.Done():
		Tick(name + " cancelled")
		return "", ctx.Err()
	}
}

// LingerFor waits at a gate if a number is the one that does, and returns all others.
func LingerFor(ctx context.Context, n, one int, name string) (int, error) {
	if n == one {
		_, err := Linger(ctx, name)
		return n, err
	}
	return n, nil
}

// Await waits until so many calls have come to a gate.
func Await(name string, calls int) {
	g := gateOf(name)
	g.lock.Lock()
	defer g.lock.Unlock()
	for g.arrived < calls {
		g.changed.Wait()
	}
}

// OpenGate lets all go on that wait at a gate, and all that come.
func OpenGate(name string) {
	g := gateOf(name)
	g.opening.Do(func() { close(g.open) })
}

// Carry waits at a gate, and then returns so many numbers.
func Carry(n int, name string) []float64 {
	StayDeaf(name)
	return make([]float64, n)
}

// ReadAt waits at a gate, and then reads from an array, which is still the caller's.
func ReadAt(numbers []float64, name string) float64 {
	StayDeaf(name)
	sum := 0.0
	for _, number := range numbers {
		sum += number
	}
	return sum
}
