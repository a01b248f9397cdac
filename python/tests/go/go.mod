module example.org/gopooltests

go 1.26.0
