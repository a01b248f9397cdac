package gofunc

import "fmt"

// Function is a function of the user's package, and how to call it.
type Function struct {
	Name     string
	Params   []string // their names, without a context
	Variadic bool     // the last one takes what is left of the arguments: see Rest
	Context  bool     // there is a context: see Task.Context
	Run      func(*Task)
}

// functions are those of the package, by number.
var functions []Function

// Register makes functions known by their places. Generated code calls it once,
// in an init function.
func Register(f ...Function) { functions = append(functions, f...) }

// find returns a function. If there is none of that number, whoever calls has
// another version of the package in mind, and is told so.
func find(number int64) *Function {
	if number >= 0 && number < int64(len(functions)) {
		return &functions[number]
	}
	return &Function{Params: []string{""}, Variadic: true, Run: func(t *Task) {
		t.fail(typeError, fmt.Sprintf("there is no function %d: the package has changed", number))
	}}
}
