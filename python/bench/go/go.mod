module example.org/gopoolbench

go 1.26.0

require example.org/accesslog v0.0.0

replace example.org/accesslog => ../../../examples/go/accesslog
