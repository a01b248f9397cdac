package gopool

import (
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gopool/gopool/gopool/wire"
)

// Code is the Value of a Function that worker processes run: bytes that the
// program in the worker understands, and how it is to call what they say.
type Code struct {
	Bytes      []byte
	Convention uint32
}

// process is a Worker at the other end of a stream socket. Three goroutines
// serve it; the reader is the one that declares it gone:
//
//	reader  reads frames until end of file, unless somebody else does (inbound)
//	writer  writes what Flush could not write at once
//	death   waits for the process to end and then shuts the socket, so that the
//	        reader comes to an end also where a child of the worker holds the
//	        other end open
//
// Release ends them, as far as the end of the process has not, and waits.
type process struct {
	socket *arrival
	page   page
	out    outbound
	in     inbound
	pid    int
	args   *Region  // of the pool's; nil: none
	region *Region  // of the worker's; nil: none
	death  *os.File // readable when the process has ended; nil: only end of file tells
	served sync.WaitGroup

	// Guarded by the pool's lock.
	known map[uint64]struct{} // functions that the worker was told
	batch uint64              // the last one that it was sent
	sent  int                 // bytes
}

// NewProcess returns a worker for the process pid, which reads and writes
// frames (package wire) on the other end of socket and shares the page behind
// the descriptor page, with the region behind it if there is one. Arguments may
// be in args. The socket becomes the worker's, the page's descriptor stays the
// caller's. A process that has ended already is no error: the worker
// will be gone as soon as it is started.
func NewProcess(socket, pagefd, pid int, args *Region) (Worker, error) {
	shared, err := mapPage(pagefd)
	if err != nil {
		return nil, err
	}
	region, err := OpenRegion(pagefd)
	if err != nil {
		shared.release()
		return nil, err
	}
	if err := unix.SetNonblock(socket, false); err != nil {
		shared.release()
		region.Close()
		return nil, os.NewSyscallError("fcntl", err)
	}
	arrival, err := newArrival(stream(socket))
	if err != nil {
		shared.release()
		region.Close()
		return nil, err
	}
	w := &process{
		socket: arrival,
		page:   shared,
		pid:    pid,
		args:   args.retain(),
		region: region,
		known:  map[uint64]struct{}{},
	}
	w.out.init(w.socket.stream)
	var ended bool
	if w.death, ended = openProcess(pid); ended {
		w.socket.shut()
	}
	return w, nil
}

func (w *process) Start(r *Reporter) {
	handle := func(f wire.Frame) error { return w.handle(f, r) }
	w.in.init(w.socket, handle, r.Expected)
	w.served.Go(w.out.serve)
	if w.death != nil {
		w.served.Go(w.awaitDeath)
	}
	w.served.Go(func() {
		w.in.serve()
		w.socket.shut()
		w.out.end()
		if w.death != nil && r.Leaving() {
			awaitReadable(w.death) // its exit handlers may take their time
		}
		r.Gone()
	})
}

// handle takes in what the worker reports. An error ends the worker: one that
// sends rubbish is lost, not believed.
func (w *process) handle(frame wire.Frame, r *Reporter) error {
	switch frame.Kind {
	case wire.Ready:
		r.Ready()
	case wire.Results:
		o, err := frame.Outcomes()
		if err != nil {
			return err
		}
		outcomes, err := w.outcomes(o)
		if err != nil {
			return err
		}
		return r.Outcomes(outcomes)
	case wire.Skipped:
		first, count, err := frame.Skipped()
		if err != nil {
			return err
		}
		r.Skipped(first, count)
	case wire.Trimmed:
		r.Trimmed()
	case wire.Retire:
		r.Retires()
	case wire.Failed:
		r.Failed(errors.New(string(frame.Payload)))
	}
	return nil
}

func (w *process) outcomes(o wire.Outcomes) (Outcomes, error) {
	loans, err := borrow(w.region, o)
	return Outcomes{
		First: o.First, Count: o.Count, Elapsed: o.Elapsed, Ended: o.Ended,
		Size: len(o.Lengths) + len(o.Data) + loans.size(), Payload: o, loans: loans,
	}, err
}

// awaitDeath is the death watch. What the worker wrote before it died can
// still be read after the socket is shut.
func (w *process) awaitDeath() {
	awaitReadable(w.death)
	w.socket.shut()
	w.in.end()
}

func (w *process) Grant(g Grant) {
	if _, told := w.known[g.Function.id]; !told {
		code := g.Function.Value.(Code)
		w.known[g.Function.id] = struct{}{}
		w.sent += len(code.Bytes)
		w.out.add(func(b []byte) []byte {
			return wire.AppendFunction(b, g.Function.id, code.Convention, code.Bytes)
		})
	}
	var carried []byte
	if g.Batch.id != w.batch {
		w.batch = g.Batch.id
		carried = g.Batch.Data.([]byte)
		w.sent += len(carried) + g.Batch.Size
	}
	span := wire.Span{
		Sequence: g.Sequence,
		Function: g.Function.id,
		Batch:    g.Batch.id,
		Offset:   uint32(g.Offset),
		Count:    uint32(g.Count),
		Report:   g.Report,
	}
	w.out.add(func(b []byte) []byte { return wire.AppendRun(b, span, carried) })
	w.out.addBlob(carried)
}

// Forget waits for the next flush: it is in no hurry.
func (w *process) Forget(f *Function) {
	if _, told := w.known[f.id]; told {
		delete(w.known, f.id)
		w.out.add(func(b []byte) []byte { return wire.AppendForget(b, f.id) })
	}
}

func (w *process) Started() uint64    { return w.page.started() }
func (w *process) Began() uint64      { return w.page.began() }
func (w *process) Process() int       { return w.pid }
func (w *process) Sent() int          { return w.sent }
func (w *process) Recall(from uint64) { w.page.recall(from) }
func (w *process) Restore()           { w.page.restore() }
func (w *process) Trim()              { w.out.add(wire.AppendTrim) }
func (w *process) Stop()              { w.out.add(wire.AppendStop) }

func (w *process) Flush() {
	w.out.flush()
	w.in.attend()
}

// FlushAndLead does as Flush, and then has the caller read what the worker
// reports, if that can be, until done.
func (w *process) FlushAndLead(done func() bool, deadline time.Time) {
	w.out.flush()
	if w.death == nil || !w.in.lead(done, deadline) {
		w.in.attend()
	}
}

func (w *process) Harvest() (Outcomes, bool) {
	o, ok := w.page.harvest()
	if !ok { // not checked: o may be rubbish
		return Outcomes{}, false
	}
	outcomes, err := w.outcomes(o)
	return outcomes, err == nil
}

func (w *process) Release() {
	w.socket.shut()
	w.out.end()
	w.in.end()
	if w.death != nil {
		_ = w.death.Close()
	}
	w.served.Wait()
	w.socket.release()
	w.socket.close()
	w.page.release()
	w.region.Close()
	w.args.bury(w.pid)
	w.args.Close()
}
