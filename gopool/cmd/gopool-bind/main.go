// The command gopool-bind writes what `gopool build` compiles for a Go package: a Go module
// and a Python package (see package bind). It prints what it has found as JSON.
//
//	gopool-bind -gopool DIR -module DIR -python DIR PACKAGE-DIRECTORY
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/gopool/gopool/gopool/bind"
)

// report is what the build has to know.
type report struct {
	Name      string    `json:"name"`
	Path      string    `json:"path"`
	Functions []string  `json:"functions"`
	Skipped   []skipped `json:"skipped"`
	bind.Inputs
}

type skipped struct {
	Name   string `json:"name"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

func main() {
	gopool := flag.String("gopool", "", "the directory of gopool's Go module")
	module := flag.String("module", "", "where to write the Go module")
	python := flag.String("python", "", "where to write the Python package")
	flag.Parse()
	if flag.NArg() != 1 || *gopool == "" || *module == "" || *python == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := generate(flag.Arg(0), *module, *python, *gopool); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(directory, module, python, gopool string) error {
	loaded, err := bind.Load(directory)
	if err != nil {
		return err
	}
	p, err := bind.Inspect(loaded)
	if err != nil {
		return err
	}
	if err := p.Write(module, python, gopool); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(reportOf(p))
}

func reportOf(p *bind.Package) report {
	r := report{Name: p.Name, Path: p.Path, Skipped: []skipped{}, Inputs: p.Inputs()}
	for _, f := range p.Functions {
		r.Functions = append(r.Functions, f.Name)
	}
	for _, s := range p.Skipped {
		r.Skipped = append(r.Skipped, skipped{s.Name, s.Position.Filename, s.Position.Line, s.Reason})
	}
	return r
}
