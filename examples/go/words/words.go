// Package words makes an index of text files: the terms that a file uses most, and where they
// come up first.
package words

import "os"

// Summary says what there is in a file.
type Summary struct {
	Path  string
	Lines int
	Words int    // all of them
	Terms int    // different ones that mean something
	Top   []Term // the most frequent first, and those of equal frequency by the alphabet
}

// Term is a word in small letters and in the singular.
type Term struct {
	Text  string
	Count int
	Line  int // the first that it is in
}

// bytesPerTerm is how much text there is for each different term, in short files.
const bytesPerTerm = 48

// Summarize reads a file and names its most frequent terms, as many as top says.
//
// Names are taken apart: parseHTTPResponses and parse_http_response have the same terms.
func Summarize(path string, top int) (Summary, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Summary{}, err
	}
	summary := Summary{Path: path, Lines: countLines(text)}
	counts := newTally(len(text) / bytesPerTerm)
	for line, word := range split(text) {
		summary.Words++
		if len(word) > 2 && !isCommon(word) {
			counts.add(singular(word), line)
		}
	}
	summary.Terms = len(counts.terms)
	summary.Top = counts.top(top)
	return summary, nil
}
