package gopool

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// workerEnv makes the test binary a worker process: see processworker_test.go.
const workerEnv = "GOPOOL_TEST_WORKER"

func TestMain(m *testing.M) {
	if script := os.Getenv(workerEnv); script != "" {
		serveWorker(script)
		return
	}
	goleak.VerifyTestMain(m)
}
