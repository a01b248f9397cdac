// Package neighbours classifies points by their k nearest neighbours.
package neighbours

import (
	"errors"
	"fmt"
)

// ErrNoNeighbours is the error for a k below 1, or above the number of points.
var ErrNoNeighbours = errors.New("k must be at least 1 and at most the number of points")

// Classify returns a label for each query: the one that most of the k nearest points have.
//
// Of points at the same distance those that come first are nearer. Of labels that are equally
// frequent the one with the nearest point wins.
func Classify(points [][]float64, labels []int64, queries [][]float64, k int) ([]int64, error) {
	if len(labels) != len(points) {
		return nil, fmt.Errorf("%d points have %d labels", len(points), len(labels))
	}
	if k < 1 || k > len(points) {
		return nil, fmt.Errorf("%w: k is %d of %d", ErrNoNeighbours, k, len(points))
	}
	dims := len(points[0])
	for _, rows := range [][][]float64{points, queries} {
		for _, row := range rows {
			if len(row) != dims {
				return nil, fmt.Errorf("a row has %d dimensions, the first one %d", len(row), dims)
			}
		}
	}
	result := make([]int64, len(queries))
	nearest := newWindow(k)
	for i, query := range queries {
		nearest.find(query, points, labels)
		result[i] = nearest.vote()
	}
	return result, nil
}
