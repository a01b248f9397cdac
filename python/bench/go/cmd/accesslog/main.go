// Command accesslog is accesslog.Summarize without Python: see package loop.
package main

import (
	"example.org/accesslog"
	"example.org/gopoolbench/loop"
)

func main() { loop.Main1(accesslog.Summarize) }
