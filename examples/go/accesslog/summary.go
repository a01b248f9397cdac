package accesslog

import (
	"strings"
	"time"
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

// Summarize parses whole lines of a log and sums them up. The strings of the summary are parts of a
// copy of the lines, which lives as long as they do.
func Summarize(lines []byte) Summary {
	var summary Summary
	statuses, paths := tally[int]{}, tally[string]{}
	var p parser
	var entry Entry
	for text, line := string(lines), ""; text != ""; {
		line, text, _ = strings.Cut(text, "\n")
		if !p.parse(line, &entry) {
			summary.Malformed++
			continue
		}
		summary.add(&entry)
		statuses.add(entry.Status, entry.Bytes)
		path, _, _ := strings.Cut(entry.Path, "?")
		paths.add(path, entry.Bytes)
	}
	summary.Statuses, summary.Paths = statuses.totals(), paths.totals()
	return summary
}

func (s *Summary) add(entry *Entry) {
	if s.Requests == 0 || entry.Time.Before(s.First) {
		s.First = entry.Time
	}
	if s.Requests == 0 || entry.Time.After(s.Last) {
		s.Last = entry.Time
	}
	if s.Requests == 0 || entry.Took > s.Slowest.Took {
		s.Slowest = *entry
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

func (t tally[K]) totals() map[K]Traffic {
	totals := make(map[K]Traffic, len(t))
	for key, traffic := range t {
		totals[key] = *traffic
	}
	return totals
}
