module example.org/gopoolbench

go 1.26.0

require example.org/neighbours v0.0.0

replace example.org/neighbours => ../../../examples/go/neighbours
