package bridge

import (
	"io"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStacks(t *testing.T) {
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	stderr := os.Stderr
	os.Stderr = writer
	t.Cleanup(func() { os.Stderr = stderr })

	release := make(chan struct{})
	var started sync.WaitGroup
	for range 200 { // more than the first buffer holds
		started.Add(1)
		go waitForRelease(&started, release)
	}
	started.Wait() // before, their stacks do not say what they run
	text := make(chan []byte)
	go func() {
		all, _ := io.ReadAll(reader)
		text <- all
	}()
	require.Zero(t, Stacks())
	close(release)
	require.NoError(t, writer.Close())
	all := string(<-text)
	require.Contains(t, all, "bridge.TestStacks")
	require.Contains(t, all, "bridge.waitForRelease")
}

func waitForRelease(started *sync.WaitGroup, release <-chan struct{}) {
	started.Done()
	<-release
}
