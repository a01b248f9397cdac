// Package accesslog reads the access log of a web server: Apache's combined log format, with the
// time that a request took (%D, in microseconds) at the end of the line:
//
//	192.0.2.7 - anne [10/Oct/2025:13:55:36 +0200] "GET /index.html HTTP/1.1" 200 2326 "-" "curl/8.5" 1204
package accesslog

import (
	"fmt"
	"strings"
	"time"
)

// Entry is a line of the log. What the server has no value for is empty, or 0.
type Entry struct {
	Host     string        `json:"host"`
	User     string        `json:"user"`
	Time     time.Time     `json:"time"`
	Method   string        `json:"method"`
	Path     string        `json:"path"` // with its query; the whole request, if it is not of three words
	Protocol string        `json:"protocol"`
	Status   int           `json:"status"`
	Bytes    int           `json:"bytes"`
	Referer  string        `json:"referer"` // with the server's escapes, as the request
	Agent    string        `json:"agent"`
	Took     time.Duration `json:"took"`
}

// Parse returns the entries of whole lines of a log. Its error names the first line that is not
// in the format.
func Parse(lines []byte) ([]Entry, error) {
	text := string(lines) // all strings of the entries are parts of this one
	entries := make([]Entry, 0, strings.Count(text, "\n")+1)
	var p parser
	var entry Entry
	for number, line := 1, ""; text != ""; number++ {
		line, text, _ = strings.Cut(text, "\n")
		if !p.parse(line, &entry) {
			return nil, fmt.Errorf("line %d is not in the combined log format: %q", number, line)
		}
		entries = append(entries, entry)
	}
	return entries, nil
}
