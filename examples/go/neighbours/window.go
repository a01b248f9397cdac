package neighbours

import "math"

// neighbour is a point that is near to the query.
type neighbour struct {
	distance float64 // squared
	label    int64
}

// window has the k nearest points so far, the nearest first.
//
// It is sorted, and not a heap: k is small, and few points are near enough to get in.
type window struct {
	k       int
	nearest []neighbour
}

func newWindow(k int) *window { return &window{k: k, nearest: make([]neighbour, 0, k)} }

// find fills the window with the points that are nearest to the query.
func (w *window) find(query []float64, points [][]float64, labels []int64) {
	w.nearest = w.nearest[:0]
	worst := w.worst()
	for i, point := range points {
		if d := squaredDistance(query, point, worst); d < worst {
			w.insert(neighbour{d, labels[i]})
			worst = w.worst()
		}
	}
}

// worst returns the distance that a point must be below to get in.
func (w *window) worst() float64 {
	if len(w.nearest) < w.k {
		return math.Inf(1)
	}
	return w.nearest[w.k-1].distance
}

// insert puts a point behind those that are as near, and drops the farthest if there are too many.
func (w *window) insert(n neighbour) {
	if len(w.nearest) < w.k {
		w.nearest = append(w.nearest, n)
	}
	i := len(w.nearest) - 1
	for ; i > 0 && w.nearest[i-1].distance > n.distance; i-- {
		w.nearest[i] = w.nearest[i-1]
	}
	w.nearest[i] = n
}

// vote returns the most frequent label.
func (w *window) vote() int64 {
	var winner int64
	most := 0
	for _, n := range w.nearest { // the nearest first: a later label has to be more frequent
		if votes := w.count(n.label); votes > most {
			winner, most = n.label, votes
		}
	}
	return winner
}

func (w *window) count(label int64) int {
	votes := 0
	for _, n := range w.nearest {
		if n.label == label {
			votes++
		}
	}
	return votes
}
