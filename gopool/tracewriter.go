package gopool

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"strconv"
)

// traceWriter writes records as events of the trace event format: a JSON object
// with a list of events, times in µs. Each worker is a thread of one process; what
// is about no worker is in the thread 0.
type traceWriter struct {
	out  *bufio.Writer
	name func(*Function) string
	line []byte
	sep  string
	err  error
}

func newTraceWriter(out io.Writer, name func(*Function) string) *traceWriter {
	return &traceWriter{out: bufio.NewWriterSize(out, 1<<16), name: name}
}

func (w *traceWriter) begin() {
	w.put([]byte(`{"displayTimeUnit":"ms","traceEvents":[`))
	w.meta("process_name", 0, "gopool")
	w.meta("thread_name", 0, "pool")
}

// end writes the end, and how many records were left out.
func (w *traceWriter) end(omitted int) {
	w.put([]byte("\n],\"otherData\":{\"omitted\":" + strconv.Itoa(omitted) + "}}\n"))
	if err := w.out.Flush(); w.err == nil {
		w.err = err
	}
}

func (w *traceWriter) put(b []byte) {
	if _, err := w.out.Write(b); w.err == nil {
		w.err = err
	}
}

// write writes the events of a record. Times count from origin.
func (w *traceWriter) write(r record, origin uint64) {
	switch r.kind {
	case ran, lostTask, inTask:
		w.slice(r, origin)
	case submitted:
		w.event("i", "submit "+w.nameOf(r.function), r, origin)
		if w.field(`,"s":"t"`); r.count > 0 {
			w.args("tasks", r.count)
		}
		w.close()
	case attached:
		label := "worker " + strconv.Itoa(r.worker)
		if r.process > 0 {
			label += " (process " + strconv.Itoa(r.process) + ")"
		}
		w.meta("thread_name", r.worker, label)
		w.instant("started", r, origin)
	case isReady:
		w.instant("ready", r, origin)
	case exited:
		w.instant(r.text, r, origin)
	case depth:
		w.event("C", "queue", r, origin)
		w.args("tasks", r.count)
		w.close()
	}
}

func (w *traceWriter) slice(r record, origin uint64) {
	name := w.nameOf(r.function)
	if r.count > 1 {
		name += " ×" + strconv.Itoa(r.count)
	}
	if r.kind == lostTask {
		name += " (lost)"
	}
	w.event("X", name, r, origin)
	w.field(`,"dur":`)
	w.time(r.end - r.start)
	switch r.kind {
	case lostTask:
		w.field(`,"cname":"terrible","args":{"index":`)
	case inTask:
		w.field(`,"args":{"unfinished":true,"index":`)
	default:
		w.field(`,"args":{"index":`)
	}
	w.line = strconv.AppendInt(w.line, int64(r.index), 10)
	w.field(`,"count":`)
	w.line = strconv.AppendInt(w.line, int64(r.count), 10)
	if r.kind == lostTask {
		w.field(`,"lost":`)
		w.quoted(r.text)
	}
	w.field("}")
	w.close()
}

func (w *traceWriter) instant(name string, r record, origin uint64) {
	w.event("i", name, r, origin)
	w.field(`,"s":"t"`)
	w.close()
}

// event begins a line, which close ends.
func (w *traceWriter) event(phase, name string, r record, origin uint64) {
	w.open(phase, name, r.worker)
	w.field(`,"ts":`)
	w.time(max(r.start, origin) - origin)
}

// meta writes what a process or a thread is called.
func (w *traceWriter) meta(what string, thread int, name string) {
	w.open("M", what, thread)
	w.field(`,"args":{"name":`)
	w.quoted(name)
	w.field("}")
	w.close()
}

func (w *traceWriter) open(phase, name string, thread int) {
	w.line = append(append(w.line[:0], w.sep...), "\n{\"ph\":\""...)
	w.sep = ","
	w.field(phase + `","pid":`)
	w.line = strconv.AppendInt(w.line, int64(os.Getpid()), 10)
	w.field(`,"tid":`)
	w.line = strconv.AppendInt(w.line, int64(thread), 10)
	w.field(`,"name":`)
	w.quoted(name)
}

func (w *traceWriter) close() {
	w.line = append(w.line, '}')
	w.put(w.line)
}

func (w *traceWriter) args(name string, value int) {
	w.field(`,"args":{"` + name + `":`)
	w.line = strconv.AppendInt(w.line, int64(value), 10)
	w.field("}")
}

func (w *traceWriter) field(text string) { w.line = append(w.line, text...) }

func (w *traceWriter) quoted(text string) {
	quoted, _ := json.Marshal(text) // that of a string can't fail
	w.line = append(w.line, quoted...)
}

// time appends ns in µs.
func (w *traceWriter) time(ns uint64) {
	w.line = strconv.AppendFloat(w.line, float64(ns)/1e3, 'f', 3, 64)
}

// nameOf returns the name of a function, for which it asks once.
func (w *traceWriter) nameOf(f *Function) string {
	if f.name == "" {
		f.name = w.name(f)
	}
	return f.name
}
