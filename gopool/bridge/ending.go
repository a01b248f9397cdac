package bridge

import (
	"time"

	"github.com/gopool/gopool/gopool"
)

// Limit has tasks of the job end with their workers when they have run for so many ns.
// Call it before tasks are added.
func Limit(handle, ns int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 { j.Limit(time.Duration(ns)); return 0 })
}

// Cancel ends the job: tasks that have not started never will. If kill is not 0, those
// that run end with their workers. It returns 1, or 0 if the job was done.
func Cancel(handle, kill int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 { return truth(j.Cancel(kill != 0)) })
}

// CancelTask does as Cancel for the task in a slot of the job's tray. It returns 0 if
// that has its outcome.
func CancelTask(handle, slot, kill int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 {
		if t, ok := trays.find(handle); ok {
			t.empty()
		}
		return truth(j.CancelTask(int(slot), kill != 0))
	})
}
