package accesslog

import (
	"maps"
	"strings"
	"testing"
	"time"
)

const line = `192.0.2.7 - anne [10/Oct/2025:13:55:36 +0200] "GET /a?b=1 HTTP/1.1" 200 2326 "-" "curl/8.5" 1204`

var at = time.Date(2025, 10, 10, 11, 55, 36, 0, time.UTC)

func TestParse(t *testing.T) {
	escaped := `::1 - - [31/Dec/2024:23:59:59 -0100] "\x16\x03" 400 - "a \"b\\" "" 7`
	entries, err := Parse([]byte(line + "\n" + escaped + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{
		{
			Host: "192.0.2.7", User: "anne", Time: at,
			Method: "GET", Path: "/a?b=1", Protocol: "HTTP/1.1", Status: 200, Bytes: 2326,
			Agent: "curl/8.5", Took: 1204 * time.Microsecond,
		},
		{
			Host: "::1", Time: time.Date(2025, 1, 1, 0, 59, 59, 0, time.UTC), Path: `\x16\x03`,
			Status: 400, Referer: `a \"b\\`, Took: 7 * time.Microsecond,
		},
	}
	if len(entries) != len(want) {
		t.Fatalf("%d entries", len(entries))
	}
	for i := range want {
		if entries[i] != want[i] {
			t.Errorf("entry %d is %+v, want %+v", i, entries[i], want[i])
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, broken := range map[string]string{
		"an empty line":        "",
		"a line cut short":     line[:60],
		"more than a line":     line + " ",
		"no time":              strings.Replace(line, "10/Oct/2025:13:55:36 +0200", "-", 1),
		"a day that is not":    strings.Replace(line, "10/Oct", "31/Sep", 1),
		"an hour that is not":  strings.Replace(line, "13:55", "24:55", 1),
		"a minute of a letter": strings.Replace(line, "13:55", "13:5x", 1),
		"a status of letters":  strings.Replace(line, "200", "2oo", 1),
		"no size":              strings.Replace(line, "2326", "", 1),
		"an endless request":   strings.Replace(line, `HTTP/1.1"`, `HTTP/1.1\"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(line + "\n" + broken + "\n"))
			if err == nil || !strings.HasPrefix(err.Error(), "line 2 is not in the combined log format") {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestSummarize(t *testing.T) {
	slow := strings.NewReplacer("13:55", "13:54", "b=1", "b=2", "1204", "9999").Replace(line)
	missing := strings.NewReplacer("/a", "/b", "200 2326", "404 -").Replace(line)
	lines := []byte(strings.Join([]string{line, slow, "broken", missing}, "\n"))
	summary := Summarize(lines)
	clear(lines) // which the caller may do
	if summary.Requests != 3 || summary.Malformed != 1 || summary.Bytes != 2*2326 {
		t.Errorf("summary is %+v", summary)
	}
	if !summary.First.Equal(at.Add(-time.Minute)) || !summary.Last.Equal(at) {
		t.Errorf("requests from %v to %v", summary.First, summary.Last)
	}
	if summary.Slowest.Path != "/a?b=2" {
		t.Errorf("slowest is %+v", summary.Slowest)
	}
	if want := map[int]Traffic{200: {2, 4652}, 404: {1, 0}}; !maps.Equal(summary.Statuses, want) {
		t.Errorf("by status: %v", summary.Statuses)
	}
	if want := map[string]Traffic{"/a": {2, 4652}, "/b": {1, 0}}; !maps.Equal(summary.Paths, want) {
		t.Errorf("by path: %v", summary.Paths)
	}
}

func BenchmarkSummarize(b *testing.B) {
	lines := []byte(strings.Repeat(line+"\n", 10_000))
	b.SetBytes(int64(len(lines)))
	for b.Loop() {
		Summarize(lines)
	}
}
