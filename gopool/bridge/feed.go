package bridge

import (
	"context"
	"math"

	"github.com/gopool/gopool/gopool"
)

// Room notes that used outcomes of the job were made use of, and blocks until
// it holds less than so many bytes and less than so many tasks that were not; 0
// is no bound. It returns how many may be added, or why no more may be added.
func Room(handle, bytes, tasks, used int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 {
		j.Use(int(used))
		free, err := j.Room(context.Background(), int(bytes), int(tasks))
		if err != nil {
			return statusOf(err)
		}
		return int64(min(free, math.MaxInt32))
	})
}

// RoomForArguments blocks until the job's tasks that are not settled hold less
// than so many bytes. It returns any number, or why no more may be added.
func RoomForArguments(handle, bytes int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 {
		if err := j.RoomForArguments(context.Background(), int(bytes)); err != nil {
			return statusOf(err)
		}
		return math.MaxInt32
	})
}

// Use says that the caller has made use of so many outcomes of the job in all.
func Use(handle, count int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 { j.Use(int(count)); return 0 })
}

// AddLocal adds the task number index of the job, whose outcome Python has.
func AddLocal(handle, index int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 {
		if err := j.AddLocal(int(index)); err != nil {
			return statusOf(err)
		}
		return 0
	})
}

// Neglect drops the job's results, those here and those to come. More tasks can
// still be added, and the handle stays.
func Neglect(handle int64) int64 {
	return withJob(handle, func(j *gopool.Job) int64 { j.Forget(); return 0 })
}

// Drain lets Room of all jobs of the pool return at once from now on.
func Drain(handle int64) int64 {
	return withPool(handle, func(p *pool) int64 { p.Drain(); return 0 })
}
