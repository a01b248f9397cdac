package words

import (
	"slices"
	"strings"
)

// isCommon tells which words say nothing about a text: of English, and of Python.
func isCommon(word []byte) bool {
	switch string(word) {
	case "and", "are", "but", "can", "for", "from", "has", "have", "its", "not", "that", "the",
		"this", "was", "with", "you",
		"class", "def", "elif", "else", "import", "none", "return", "self":
		return true
	}
	return false
}

// singular makes "entry" of "entries" and "word" of "words", in place.
func singular(word []byte) []byte {
	end := len(word)
	switch string(word[end-2:]) {
	case "ss", "us", "is":
		return word
	case "es":
		if word[end-3] == 'i' {
			return append(word[:end-3], 'y')
		}
	}
	if word[end-1] == 's' {
		return word[:end-1]
	}
	return word
}

// tally counts terms. Only a term that is new to it is allocated.
type tally struct {
	places map[string]int // in terms
	terms  []Term
}

// newTally returns a tally that has room for so many different terms, and grows if there are more.
func newTally(room int) *tally {
	return &tally{make(map[string]int, room), make([]Term, 0, room)}
}

func (t *tally) add(term []byte, line int) {
	if place, found := t.places[string(term)]; found {
		t.terms[place].Count++
		return
	}
	text := string(term)
	t.places[text] = len(t.terms)
	t.terms = append(t.terms, Term{text, 1, line})
}

// top returns the n most frequent terms, in order.
func (t *tally) top(n int) []Term {
	best := make([]Term, 0, n+1)
	for _, term := range t.terms {
		if len(best) == n && compare(term, best[n-1]) > 0 {
			continue
		}
		place, _ := slices.BinarySearchFunc(best, term, compare)
		best = slices.Insert(best, place, term)
		best = best[:min(n, len(best))]
	}
	return best
}

func compare(a, b Term) int {
	if a.Count != b.Count {
		return b.Count - a.Count
	}
	return strings.Compare(a.Text, b.Text)
}
