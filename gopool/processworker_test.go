package gopool

func serveWorker(string) {}
