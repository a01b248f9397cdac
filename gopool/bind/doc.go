// Package bind makes Python packages of Go packages.
//
// It loads a package as the go command sees it from the package's own
// directory ([Load]), finds the functions that Python can call and says why it
// can't call the others ([Inspect]), and writes what gopool build compiles and
// installs ([Package.Write]): a Go module that registers the functions with
// package gofunc, and the Python package around it.
//
// The user's files are read and never written, and the user's module needs to
// know nothing of gopool: the generated module requires both.
package bind
