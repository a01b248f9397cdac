module example.org/accesslog

go 1.26.0
