// Command count is calls.Count without Python: see package loop.
package main

import (
	"example.org/gopoolbench/calls"
	"example.org/gopoolbench/loop"
)

func main() { loop.Main1(calls.Count) }
