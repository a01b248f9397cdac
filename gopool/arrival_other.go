//go:build !linux

package gopool

// arrival reads a stream. Where there is nothing to read, a thread waits.
type arrival struct{ stream }

func newArrival(s stream) (*arrival, error) { return &arrival{s}, nil }

func (a *arrival) release() {}
