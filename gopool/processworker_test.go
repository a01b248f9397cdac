package gopool

import (
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gopool/gopool/gopool/wire"
)

// The descriptors of a worker process. It holds the pipes only for a child of
// its own.
const (
	workerSocket = 3 + iota
	workerPage
	workerHold // end of file: go
	workerHeld // closed with the process
)

// processWorker is this test binary as a worker process: what
// python/gopool/_worker.py does, less everything to do with Python. A function
// is named by its code; its argument is one byte of the batch.
type processWorker struct {
	socket    *os.File
	in        packets
	page      page
	functions map[uint64]string
	batch     []byte
	outbox    wire.Outcomes
}

// serveWorker is the main function of a worker process.
func serveWorker(script string) {
	if script == "hold" {
		_, _ = io.Copy(io.Discard, os.NewFile(workerHold, "hold"))
		return
	}
	socket := os.NewFile(workerSocket, "socket")
	w := &processWorker{socket: socket, in: packets{in: socket}, functions: map[uint64]string{}}
	var err error
	if w.page, err = mapPage(workerPage); err != nil {
		panic(err)
	}
	if script == "fails" {
		w.send(wire.AppendFailed(nil, "no such luck"))
		os.Exit(1)
	}
	w.send(wire.AppendReady(nil))
	if script == "deaf" {
		pause()
	}
	for w.next() {
	}
	if script == "lingers" {
		_ = socket.Close()
		_, _ = io.Copy(io.Discard, os.NewFile(workerHold, "hold"))
		os.Exit(5)
	}
}

// pause waits for the signal that ends the process.
func pause() {
	for {
		time.Sleep(time.Hour)
	}
}

func (w *processWorker) send(frame []byte) {
	for part := range slices.Chunk(frame, maxPacket) {
		_, _ = w.socket.Write(part)
	}
}

// next obeys one frame and tells whether there will be more.
func (w *processWorker) next() bool {
	var header [16]byte
	if _, err := io.ReadFull(&w.in, header[:]); err != nil {
		return false
	}
	payload := make([]byte, binary.LittleEndian.Uint64(header[8:]))
	if _, err := io.ReadFull(&w.in, payload); err != nil {
		return false
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(payload[8*i:]) }
	switch wire.Kind(binary.LittleEndian.Uint32(header[:])) {
	case wire.Function:
		w.functions[word(0)] = string(payload[8:])
	case wire.Forget:
		delete(w.functions, word(0))
	case wire.Run:
		if binary.LittleEndian.Uint32(header[4:])&wire.Carried != 0 {
			w.batch = payload[32:]
		}
		offset, count := word(3)&(1<<32-1), word(3)>>32
		w.run(word(0), w.functions[word(1)], w.batch[offset:offset+count])
	default:
		return false
	}
	return true
}

func (w *processWorker) run(sequence uint64, function string, arguments []byte) {
	end := sequence + uint64(len(arguments))
	for _, argument := range arguments {
		w.page.slot(slotStarted).Swap(sequence) // see page.recall for why it is no Store
		if w.page.slot(slotRecalled).Load() <= sequence {
			w.flush()
			w.send(wire.AppendSkipped(nil, sequence, end-sequence))
			return
		}
		w.publish(sequence, w.call(function, argument))
		sequence++
	}
	w.flush()
	switch function {
	case "leave":
		os.Exit(4)
	case "retire":
		w.send(wire.AppendRetire(nil))
		os.Exit(0)
	}
}

// publish puts a result into the outbox, and what is too large for it out.
func (w *processWorker) publish(sequence uint64, result []byte) {
	if len(result) > 1<<12 {
		w.flush()
	}
	o := &w.outbox
	if o.Count == 0 {
		*o = wire.Outcomes{First: sequence, Encoding: wire.Stream}
		w.page.slot(slotEncoding).Store(uint64(wire.Stream))
		w.page.slot(slotFirst).Store(sequence)
	}
	o.Count++
	o.Elapsed += time.Microsecond
	o.Lengths = binary.LittleEndian.AppendUint64(o.Lengths, uint64(len(result)))
	o.Data = append(o.Data, result...)
	if len(result) > 1<<12 {
		w.flush()
		return
	}
	copy(w.page.memory[lengthsStart:], o.Lengths)
	copy(w.page.memory[dataStart:], o.Data)
	w.page.slot(slotPublished).Store(uint64(o.Count)<<32 | uint64(len(o.Data)))
}

func (w *processWorker) flush() {
	if w.outbox.Count > 0 {
		w.send(wire.AppendOutcomes(nil, w.outbox))
		w.page.slot(slotPublished).Store(0)
		w.outbox = wire.Outcomes{}
	}
}

// call runs a task. What is to happen happens at argument 1.
func (w *processWorker) call(function string, argument byte) []byte {
	if function == "large" {
		return []byte(strings.Repeat(string(rune('a'+argument)), 300_000))
	}
	if argument == 1 {
		switch function {
		case "die":
			_ = unix.Kill(os.Getpid(), unix.SIGKILL)
			pause()
		case "exit":
			os.Exit(3)
		case "hang":
			pause()
		case "rubbish":
			w.send([]byte("this is no frame, and what follows is none either"))
			w.send(wire.AppendOutcomes(nil, wire.Outcomes{First: 1, Count: 1, Data: []byte("x")}))
			pause()
		case "lie":
			w.send(wire.AppendOutcomes(nil, wire.Outcomes{First: 1, Count: 99, Data: make([]byte, 99)}))
			pause()
		case "bequeath":
			child := exec.Command(os.Args[0])
			child.Env = append(os.Environ(), workerEnv+"=hold")
			child.ExtraFiles = []*os.File{w.socket, nil, os.NewFile(workerHold, "hold"), os.NewFile(workerHeld, "held")}
			if err := child.Start(); err != nil {
				panic(err)
			}
			_ = unix.Kill(os.Getpid(), unix.SIGKILL)
		}
	}
	return []byte{argument}
}
