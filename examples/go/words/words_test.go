package words

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestSplit(t *testing.T) {
	for text, want := range map[string][]string{
		"":                        nil,
		"a word, and another":     {"a", "word", "and", "another"},
		"parse_http_response2xx":  {"parse", "http", "response", "xx"},
		"parseHTTPResponse":       {"parse", "http", "response"},
		"GetURL HTTPServer ABC_d": {"get", "url", "http", "server", "abc", "d"},
		"aB Ab AB ABc aBC":        {"a", "b", "ab", "ab", "a", "bc", "a", "bc"},
		"naïve":                   {"na", "ve"},
	} {
		var words []string
		for _, word := range split([]byte(text)) {
			words = append(words, string(word))
		}
		if !slices.Equal(words, want) {
			t.Errorf("split(%q) = %q, want %q", text, words, want)
		}
	}
}

func TestSingular(t *testing.T) {
	for word, want := range map[string]string{
		"words": "word", "entries": "entry", "class": "class", "status": "status", "axis": "axis",
	} {
		if got := string(singular([]byte(word))); got != want {
			t.Errorf("singular(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestSummarize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "text")
	text := "Pools of workers.\nA worker of the pool\nhas a workerQueue; queues are FIFO"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	summary, err := Summarize(path, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := []Term{{"worker", 3, 1}, {"pool", 2, 1}}
	if !slices.Equal(summary.Top, want) {
		t.Errorf("top terms are %v, want %v", summary.Top, want)
	}
	summary.Top = nil
	if summary.Path != path || summary.Lines != 3 || summary.Words != 15 || summary.Terms != 4 {
		t.Errorf("summary is %+v", summary)
	}
}

func TestSummarizeWithoutFile(t *testing.T) {
	if _, err := Summarize(filepath.Join(t.TempDir(), "missing"), 2); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
}
