package gofunc

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
