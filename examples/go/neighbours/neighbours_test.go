package neighbours

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestClassify(t *testing.T) {
	points := [][]float64{{0, 0}, {0, 1}, {5, 5}, {5, 6}, {6, 5}}
	labels := []int64{1, 1, 2, 2, 2}
	got, err := Classify(points, labels, [][]float64{{1, 0}, {5, 4}}, 2)
	if want := []int64{1, 2}; err != nil || !slices.Equal(got, want) {
		t.Errorf("labels are %v, %v, want %v", got, err, want)
	}
}

func TestClassifyTies(t *testing.T) {
	for _, test := range []struct {
		name   string
		labels []int64
		k      int
		want   int64
	}{
		{"the first of points that are as near", []int64{7, 8, 9, 9}, 1, 7},
		{"the nearest of labels that are as frequent", []int64{8, 7, 8, 7}, 4, 8},
		{"the more frequent label", []int64{7, 8, 8, 9}, 3, 8},
	} {
		t.Run(test.name, func(t *testing.T) {
			points := [][]float64{{1}, {-1}, {2}, {-2}}
			got, err := Classify(points, test.labels, [][]float64{{0}}, test.k)
			if err != nil || got[0] != test.want {
				t.Errorf("label is %v, %v, want %v", got, err, test.want)
			}
		})
	}
}

func TestClassifyWhatDoesNotFit(t *testing.T) {
	points, labels := [][]float64{{1, 2}, {3, 4}}, []int64{1, 2}
	for _, k := range []int{-1, 0, 3} {
		if _, err := Classify(points, labels, points, k); !errors.Is(err, ErrNoNeighbours) {
			t.Errorf("error is %v for k = %d", err, k)
		}
	}
	if _, err := Classify(points, labels[:1], points, 1); err == nil {
		t.Error("no error for a point without a label")
	}
	if _, err := Classify(points, labels, [][]float64{{1}}, 1); err == nil {
		t.Error("no error for a query of one dimension")
	}
}

// The window and the early end leave out nothing that a sort of all distances finds.
func TestWindow(t *testing.T) {
	const dims, k = 19, 5
	random := rand.New(rand.NewPCG(1, 2))
	query, points := make([]float64, dims), make([][]float64, 200) // the query is 0
	labels, all := make([]int64, len(points)), make([]neighbour, len(points))
	for j := range points {
		points[j] = make([]float64, dims)
		for d := range points[j] {
			points[j][d] = float64(random.IntN(3))
			all[j].distance += points[j][d] * points[j][d]
		}
		labels[j] = int64(j)
		all[j].label = labels[j]
	}
	slices.SortStableFunc(all, func(a, b neighbour) int { return int(a.distance - b.distance) })
	nearest := newWindow(k)
	nearest.find(query, points, labels)
	if !slices.Equal(nearest.nearest, all[:k]) {
		t.Errorf("nearest are %v, want %v", nearest.nearest, all[:k])
	}
}
