module example.org/neighbours

go 1.26.0
