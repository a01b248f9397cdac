package accesslog

import (
	"strings"
	"time"
)

// parser takes lines apart, without regular expressions and without copies: strings are parts of
// the line.
type parser struct {
	rest   string // of the line
	broken bool   // it is not in the format
	clock  clock
}

// parse reads a line into an entry, and tells whether the line is in the format.
func (p *parser) parse(line string, entry *Entry) bool {
	p.rest, p.broken = line, false
	entry.Host = p.until(' ')
	p.until(' ') // what identd says, which nobody asks
	entry.User = value(p.until(' '))
	p.expect("[")
	at := p.until(']')
	p.expect(` "`)
	request := value(p.quoted())
	p.expect(" ")
	entry.Status = p.number(p.until(' '))
	size := value(p.until(' '))
	p.expect(`"`)
	entry.Referer = value(p.quoted())
	p.expect(` "`)
	entry.Agent = value(p.quoted())
	p.expect(" ")
	entry.Took = time.Duration(p.number(p.rest)) * time.Microsecond
	if p.broken {
		return false
	}
	entry.Bytes = 0
	if size != "" {
		entry.Bytes = p.number(size)
	}
	entry.Method, entry.Path, entry.Protocol = cutRequest(request)
	var inOrder bool
	entry.Time, inOrder = p.clock.read(at)
	return inOrder && !p.broken
}

// until returns what is in front of the mark, at least one byte, and goes on behind the mark.
func (p *parser) until(mark byte) string {
	end := strings.IndexByte(p.rest, mark)
	if end < 1 {
		p.broken = true
		return ""
	}
	field := p.rest[:end]
	p.rest = p.rest[end+1:]
	return field
}

func (p *parser) expect(text string) {
	rest, found := strings.CutPrefix(p.rest, text)
	if !found {
		p.broken = true
	}
	p.rest = rest
}

// quoted returns what is in front of the next quotation mark that no backslash escapes.
func (p *parser) quoted() string {
	end := 0
	for {
		step := strings.IndexByte(p.rest[end:], '"')
		if step < 0 {
			p.broken = true
			return ""
		}
		end += step
		text := p.rest[:end]
		backslashes := len(text) - len(strings.TrimRight(text, `\`))
		if backslashes%2 == 0 {
			p.rest = p.rest[end+1:]
			return text
		}
		end++
	}
}

// number reads digits, of microseconds perhaps: not more of them than a time.Duration has room for.
func (p *parser) number(digits string) int {
	const most = 15
	if digits == "" || len(digits) > most {
		p.broken = true
	}
	n := 0
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			p.broken = true
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// value returns a field, or "" for the "-" that stands for no value.
func value(field string) string {
	if field == "-" {
		return ""
	}
	return field
}

// cutRequest returns the three words of a request. All of it is the path if there are not three:
// what comes to a server is not always HTTP.
func cutRequest(request string) (method, path, protocol string) {
	method, rest, _ := strings.Cut(request, " ")
	path, protocol, found := strings.Cut(rest, " ")
	if !found || strings.Contains(protocol, " ") {
		return "", request, ""
	}
	return method, path, protocol
}
