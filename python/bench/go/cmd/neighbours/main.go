// Command neighbours is neighbours.Classify without Python: see package loop.
package main

import (
	"log"

	"example.org/gopoolbench/loop"
	"example.org/neighbours"
)

func main() {
	loop.Main4(func(points [][]float64, labels []int64, queries [][]float64, k int) []int64 {
		found, err := neighbours.Classify(points, labels, queries, k)
		if err != nil {
			log.Fatal(err)
		}
		return found
	})
}
