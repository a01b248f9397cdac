package gopool

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEvents(t *testing.T) {
	t.Run("come in order, and Finished for ever after", func(t *testing.T) {
		var e events
		e.init()
		sent := []Event{{WorkerGone, 1}, {Kind: StopAll}, {WorkerGone, 2}, {Kind: Finished}}
		for _, event := range sent {
			e.push(event)
		}
		for _, event := range sent {
			require.Equal(t, event, e.next())
		}
		require.Equal(t, Event{Kind: Finished}, e.next())
	})
	t.Run("each goes to one reader, Finished to all", func(t *testing.T) {
		var e events
		e.init()
		var mu sync.Mutex
		var got []int
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for {
					event := e.next()
					if event.Kind == Finished {
						return
					}
					mu.Lock()
					got = append(got, event.Worker)
					mu.Unlock()
				}
			})
		}
		want := make([]int, 100)
		for i := range want {
			want[i] = i
			e.push(Event{WorkerGone, i})
		}
		e.push(Event{Kind: Finished})
		readers.Wait()
		require.ElementsMatch(t, want, got)
	})
}
