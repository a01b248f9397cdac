package neighbours

// squaredDistance returns the square of the distance of two points. It gives up where the sum
// has come to limit: most points are too far away, and a few dimensions are enough to see it.
func squaredDistance(a, b []float64, limit float64) float64 {
	var sum float64
	for len(a) >= 8 && len(b) >= 8 {
		d0, d1, d2, d3 := a[0]-b[0], a[1]-b[1], a[2]-b[2], a[3]-b[3]
		d4, d5, d6, d7 := a[4]-b[4], a[5]-b[5], a[6]-b[6], a[7]-b[7]
		// Not one chain of additions: the processor works on these at the same time.
		sum += (d0*d0 + d1*d1 + (d2*d2 + d3*d3)) + (d4*d4 + d5*d5 + (d6*d6 + d7*d7))
		if sum >= limit {
			return sum
		}
		a, b = a[8:], b[8:]
	}
	for i := range a {
		d := a[i] - b[i]
		sum += d * d
	}
	return sum
}
