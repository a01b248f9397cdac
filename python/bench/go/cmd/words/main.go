// Command words is words.Summarize without Python: see package loop.
package main

import (
	"log"

	"example.org/gopoolbench/loop"
	"example.org/words"
)

func main() {
	loop.Main2(func(path string, top int) words.Summary {
		summary, err := words.Summarize(path, top)
		if err != nil {
			log.Fatal(err)
		}
		return summary
	})
}
