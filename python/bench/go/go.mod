module example.org/gopoolbench

go 1.26.0
