package gofunc

import (
	"fmt"
	"iter"
	"runtime"
	"runtime/debug"
	"strings"
)

// exited is what a panic is about that takes the place of runtime.Goexit.
type exited struct{}

// shield calls a function that may panic, or call runtime.Goexit, and comes back.
// It is made once for many calls, as what it needs is most of what one costs.
//
// The goroutine that is called from C can't end, for it has to return. So the
// function is given one of its own, a coroutine: to switch to it takes no other
// thread, and no scheduler. In that one, a Goexit can't be stopped either, but it can
// be made to look like a panic to whoever called the coroutine.
type shield struct {
	function  func()
	coroutine iter.Seq[struct{}]
	returned  bool
	failed    *failure
}

func newShield(function func()) *shield {
	s := &shield{function: function}
	s.coroutine = s.run
	return s
}

// call calls the function. It returns why that has not returned, if so.
func (s *shield) call() *failure {
	s.returned, s.failed = false, nil
	s.enter()
	return s.failed
}

func (s *shield) enter() {
	defer func() { _ = recover() }() // from exited: all else has ended where it was
	next, _ := iter.Pull(s.coroutine)
	next()
}

func (s *shield) run(func(struct{}) bool) {
	defer s.end()
	s.function()
	s.returned = true
}

// unlockThread undoes what a function has locked and not unlocked. The thread is the
// caller's, who goes on to use it, and a coroutine can only switch back as it came.
func unlockThread() { runtime.UnlockOSThread() }

// end is deferred by run.
func (s *shield) end() {
	unlockThread()
	if s.returned {
		return
	}
	reason := recover()
	s.failed = panicked(reason)
	if reason == nil {
		panic(exited{})
	}
}

// panicked returns the failure of a task that has panicked for a reason. If there
// is none, it has called Goexit.
func panicked(reason any) *failure {
	f := &failure{kind: goPanic, text: "runtime.Goexit called", stack: userStack(string(debug.Stack()))}
	if reason != nil {
		f.text = fmt.Sprint(reason)
		err, _ := reason.(error)
		f.names = typeNames(nil, err)
	}
	return f
}

// caller is who of ours calls functions.
const caller = "github.com/gopool/gopool/gopool/gofunc.(*Task).call("

// userStack leaves of a stack, as debug.Stack returns it to a deferred function,
// what is the user's: from who panicked to who was called.
func userStack(stack string) string {
	lines := strings.SplitAfter(stack, "\n")
	from := 1
	for i := 1; i < len(lines); i += 2 {
		if strings.HasPrefix(lines[i], "panic(") || strings.HasPrefix(lines[i], "runtime.Goexit(") {
			from = i + 2
			break
		}
	}
	for from+1 < len(lines) && strings.HasPrefix(lines[from], "runtime.") {
		from += 2
	}
	to := from
	for to+1 < len(lines) && !strings.HasPrefix(lines[to], caller) {
		to += 2
	}
	return strings.Join(lines[from:to], "")
}
