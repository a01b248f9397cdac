module example.org/gopoolbench

go 1.26.0

require (
	example.org/accesslog v0.0.0
	example.org/neighbours v0.0.0
	example.org/words v0.0.0
)

replace (
	example.org/accesslog => ../../../examples/go/accesslog
	example.org/neighbours => ../../../examples/go/neighbours
	example.org/words => ../../../examples/go/words
)
