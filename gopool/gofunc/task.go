package gofunc

import (
	"context"
	"errors"
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

// Task is one call of a function after the other: of a range of tasks of the
// pool, or of one direct call. It is used by one goroutine at a time.
type Task struct {
	function *Function
	context  context.Context

	in       []byte   // what is left of the arguments; nil: they can't be read
	count    int      // arguments that were given
	argument int      // those read
	depth    int      // of structs in structs
	views    []extent // memory of the caller that arguments share

	encoding encoding // of all outcomes so far; undecided before the first one
	out      []byte   // outcomes
	begin    int      // where that of this call begins
	returned bool
	lent     []*byte  // memory of Go that it refers to by address
	failure  *failure // it is one
}

// Arg reads the next argument.
func Arg[T any](t *Task, c *Codec[T]) (v T) {
	if t.failure != nil {
		return v
	}
	v = c.read(t)
	if t.failure != nil {
		t.blame()
	}
	t.argument++
	return v
}

// Rest reads what is left of the arguments.
func Rest[T any](t *Task, c *Codec[T]) []T {
	if t.failure != nil || t.argument == t.count {
		return nil
	}
	rest := make([]T, t.count-t.argument)
	for i := range rest {
		rest[i] = c.read(t)
		if t.failure != nil {
			t.within("[" + strconv.Itoa(i) + "]")
			t.blame()
			break
		}
	}
	return rest
}

// Failed tells whether an argument could not be read. Then the function must not
// be called.
func (t *Task) Failed() bool { return t.failure != nil }

// Context returns what ends when the task is cancelled, and no later than the
// range of tasks that it belongs to.
func (t *Task) Context() context.Context { return t.context }

// Fail says that the function returned an error.
func (t *Task) Fail(err error) {
	kind := goError
	if errors.Is(err, context.Canceled) && t.context.Err() != nil {
		kind = cancelled
	}
	t.failure = &failure{kind: kind, text: err.Error(), names: typeNames(nil, err)}
}

// Results says that the function has n results, more than one.
func (t *Task) Results(n int) {
	t.encoding, t.returned = records, true
	t.out = msgp.AppendArrayHeader(t.out, uint32(n))
}

// Return writes a result.
func Return[T any](t *Task, c *Codec[T], v T) {
	t.returned = true
	switch {
	case t.failure != nil:
	case c.column != undecided && t.encoding != records:
		t.encoding = c.column
		t.out = c.column.appendWord(t.out, c.word(v))
	default:
		t.encoding = records
		c.append(t, v)
		if t.failure != nil {
			t.failure.text = t.function.Name + "() result" + t.failure.text
		}
	}
}

// start makes t ready for a call with the arguments in: one of them, or an array
// of all.
func (t *Task) start(in []byte, star bool) {
	t.in, t.count, t.argument, t.depth, t.views = in, 1, 0, 0, t.views[:0]
	t.begin, t.returned, t.lent, t.failure = len(t.out), false, nil, nil
	if star {
		n, rest, err := msgp.ReadArrayHeaderBytes(in)
		if err != nil || uint64(n) > uint64(len(rest)) {
			t.fail(valueError, t.function.Name+"() got malformed arguments")
			return
		}
		t.in, t.count = rest, int(n)
	}
	t.checkCount()
}

func (t *Task) checkCount() {
	wanted := len(t.function.Params)
	bound := ""
	if t.function.Variadic {
		wanted--
		bound = "at least "
	}
	if t.count == wanted || t.count > wanted && t.function.Variadic {
		return
	}
	plural := "s"
	if wanted == 1 {
		plural = ""
	}
	t.fail(typeError, t.function.Name+"() takes "+bound+strconv.Itoa(wanted)+" argument"+plural+", "+strconv.Itoa(t.count)+" given")
}

// call calls the function, if that can be called.
func (t *Task) call() {
	if t.failure == nil {
		t.function.Run(t)
		unlockThread()
	}
}

// finish makes an outcome of what the call has left. It returns its length with
// marks, which is of no account in a column.
func (t *Task) finish() uint64 {
	if t.failure != nil {
		t.out = t.failure.append(t.out[:t.begin])
		return uint64(len(t.out)-t.begin) | failureBit
	}
	if !t.returned {
		if t.encoding != records {
			t.encoding = nones
			return 0
		}
		t.out = msgp.AppendNil(t.out)
	}
	if len(t.lent) > 0 {
		t.out = insertToken(t.out, t.begin, loans.lend(t.lent))
		t.lent = nil
		return uint64(len(t.out)-t.begin) | lentBit
	}
	return uint64(len(t.out) - t.begin)
}
