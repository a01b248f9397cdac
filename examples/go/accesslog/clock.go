package accesslog

import "time"

// clock reads the times of a log. Lines of the same day follow each other, so it remembers when
// the day of the last one began: the calendar is asked once a day.
type clock struct {
	day, zone string
	midnight  time.Time
}

const (
	dayEnd  = len("10/Oct/2025")
	timeEnd = len("10/Oct/2025:13:55:36")
	length  = len("10/Oct/2025:13:55:36 +0200")
)

// read returns the time that a text like "10/Oct/2025:13:55:36 +0200" says, in UTC.
func (c *clock) read(text string) (time.Time, bool) {
	if len(text) != length {
		return time.Time{}, false
	}
	if day, zone := text[:dayEnd], text[timeEnd:]; day != c.day || zone != c.zone {
		midnight, err := time.Parse("02/Jan/2006 -0700", day+zone)
		if err != nil {
			return time.Time{}, false
		}
		c.day, c.zone, c.midnight = day, zone, midnight.UTC()
	}
	hours, minutes, seconds := pair(text[dayEnd:]), pair(text[dayEnd+3:]), pair(text[dayEnd+6:])
	if hours > 23 || minutes > 59 || seconds > 59 {
		return time.Time{}, false
	}
	sinceMidnight := time.Duration(hours*3600+minutes*60+seconds) * time.Second
	return c.midnight.Add(sinceMidnight), true
}

// pair returns the number in a text like ":07", and one that is too large if there is none.
func pair(text string) uint {
	tens, ones := uint(text[1]-'0'), uint(text[2]-'0')
	if text[0] != ':' || tens > 9 || ones > 9 {
		return 100
	}
	return 10*tens + ones
}
