package accesslog

import (
	"strings"
	"time"
	"unsafe"
)

// Summary is what one wants to know of many lines. Summaries of parts of a log can be added up.
type Summary struct {
	Requests  int                `json:"requests"`
	Malformed int                `json:"malformed"` // lines that are not in the format
	Bytes     int                `json:"bytes"`
	First     time.Time          `json:"first"` // with Last and Slowest: without a meaning if there are no requests
	Last      time.Time          `json:"last"`
	Slowest   Entry              `json:"slowest"`
	Statuses  map[int]Traffic    `json:"statuses"`
	Paths     map[string]Traffic `json:"paths"` // by path without the query
}

// Traffic counts requests, and the bytes of the answers.
type Traffic struct {
	Requests int `json:"requests"`
	Bytes    int `json:"bytes"`
}

// Summarize parses whole lines of a log and sums them up.
func Summarize(lines []byte) Summary {
	// Not string(lines): a megabyte of garbage per call keeps the collector busier than the parser.
	// So strings are parts of the caller's bytes, and what is kept of them is cloned.
	text := unsafe.String(unsafe.SliceData(lines), len(lines))
	var summary Summary
	statuses, paths := tally[int]{}, tally[string]{}
	var p parser
	var entry Entry
	var slowest string
	for line := ""; text != ""; {
		line, text, _ = strings.Cut(text, "\n")
		if !p.parse(line, &entry) {
			summary.Malformed++
			continue
		}
		if summary.Requests == 0 || entry.Took > summary.Slowest.Took {
			slowest, summary.Slowest.Took = line, entry.Took
		}
		summary.add(&entry)
		statuses.add(entry.Status, entry.Bytes)
		path, _, _ := strings.Cut(entry.Path, "?")
		paths.add(path, entry.Bytes)
	}
	if summary.Requests > 0 {
		p.parse(strings.Clone(slowest), &summary.Slowest)
	}
	summary.Statuses = make(map[int]Traffic, len(statuses))
	for status, traffic := range statuses {
		summary.Statuses[status] = *traffic
	}
	summary.Paths = make(map[string]Traffic, len(paths))
	for path, traffic := range paths {
		summary.Paths[strings.Clone(path)] = *traffic
	}
	return summary
}

func (s *Summary) add(entry *Entry) {
	if s.Requests == 0 || entry.Time.Before(s.First) {
		s.First = entry.Time
	}
	if s.Requests == 0 || entry.Time.After(s.Last) {
		s.Last = entry.Time
	}
	s.Requests++
	s.Bytes += entry.Bytes
}

// tally counts traffic by key. It holds pointers, so that a request costs one look into the map.
type tally[K comparable] map[K]*Traffic

func (t tally[K]) add(key K, bytes int) {
	traffic := t[key]
	if traffic == nil {
		traffic = new(Traffic)
		t[key] = traffic
	}
	traffic.Requests++
	traffic.Bytes += bytes
}
