"""Functions of Go packages: called as any other, and run by pools, in goroutines."""
