// Package gopool is a pool of workers: it queues the tasks of jobs, hands them
// out fairly and in measured portions, notices when a worker is gone, and sees
// to it that each task runs once or is reported lost once.
//
// A worker is anything that implements [Worker]: a process at the other end of
// a socket ([NewProcess]), a goroutine ([NewGoroutine]), a thread that is not
// Go's and asks for its tasks ([NewPuller]), or a goroutine that calls what is not this
// Go's, and is given up if that does not come back ([Runners]). The package knows nothing of
// Python; the Python package gopool sits on top of it by way of the package
// bridge.
//
// # Model
//
// A [Job] asks for calls of one [Function]; its arguments come in [Batch]es,
// which the pool never looks into. A worker is granted ranges of a batch. What
// became of tasks comes back as [Segment]s, which stay with the job until they
// are taken.
//
//	Submit ─▶ Job.pending ─▶ queue ─▶ Grant ─▶ Worker ─▶ Reporter ─▶ Job.arrived ─▶ Take
//	              ▲                              │
//	              └── recalled, or worker lost ──┘
//
// A job may be fed while it runs, in the pace in which its outcomes are taken:
// [Job.Room] says how much may be added, [Job.Order] has outcomes come in turn. Tasks
// may be run again ([Job.Retry]), come before others ([Job.Prioritize]), or have to
// wait for others to complete ([Options].MaxPending).
//
// # Lifecycle
//
// A pool is running, then closed (no new jobs; workers leave when all is done)
// or terminated (all jobs end where they are), then finished. A worker's end
// has two steps: it can't be reached ([Reporter.Gone]), and it certainly runs
// nothing any more ([Pool.Exited]). Only after the second are its tasks given
// to others, so none can run twice.
//
// A task may be ended with its worker: [Job.Limit], [Job.Cancel]. Then the owner of
// the worker is told to kill it ([Kill]).
//
// # Goroutines
//
// Each has an owner that waits for it. A process worker has three (reader,
// writer, death watch), which end with its socket and before [Pool.Exited] has
// settled it; a goroutine worker is one itself, and so is each of Runners, of which those
// that were given up end with their call. The pool starts none, but a
// timer while workers have tasks queued behind a long one, or with a time limit, and
// while tasks wait to be run again.
//
// # What it does
//
// [Pool.Stats] has figures, and [Pool.StartTrace] begins a timeline.
package gopool
