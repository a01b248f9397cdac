package words

import (
	"bytes"
	"iter"
)

// What a byte is in a text.
const (
	other = iota
	newline
	small
	capital
)

var kinds = func() (table [256]byte) {
	table['\n'] = newline
	for c := 'a'; c <= 'z'; c++ {
		table[c] = small
		table[c-'a'+'A'] = capital
	}
	return table
}()

// split yields the words of a text, in small letters, each with the number of its line: runs of
// ASCII letters, cut where a capital letter begins a word. It writes the small letters into the
// text, so that nothing is allocated.
func split(text []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		line := 1
		for i := 0; i < len(text); {
			switch kinds[text[i]] {
			case newline:
				line++
				i++
			case other:
				i++
			default:
				start := i
				i = endOfWord(text, start)
				if !yield(line, lower(text[start:i])) {
					return
				}
			}
		}
	}
}

// endOfWord returns where the word ends that begins at start: "http" in "httpGet", "Get" in
// "GetURL", and "HTTP" in "HTTPServer".
func endOfWord(text []byte, start int) int {
	i := start + 1
	if kinds[text[start]] == capital {
		for i < len(text) && kinds[text[i]] == capital {
			i++
		}
		if i-start > 1 {
			if i < len(text) && kinds[text[i]] == small {
				i-- // the last capital letter begins the next word
			}
			return i
		}
	}
	for i < len(text) && kinds[text[i]] == small {
		i++
	}
	return i
}

func lower(word []byte) []byte {
	for i, c := range word {
		if kinds[c] == small {
			break
		}
		word[i] = c - 'A' + 'a'
	}
	return word
}

func countLines(text []byte) int {
	lines := bytes.Count(text, []byte("\n"))
	if len(text) > 0 && text[len(text)-1] != '\n' {
		lines++
	}
	return lines
}
