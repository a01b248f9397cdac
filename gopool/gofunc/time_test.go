package gofunc

import (
	"math"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
)

func TestTime(t *testing.T) {
	t.Run("times come back in UTC, to the nanosecond", func(t *testing.T) {
		for _, v := range []time.Time{
			{},
			time.Unix(0, 0).UTC(),
			time.Unix(-1, 999999999).UTC(),
			time.Date(2026, 2, 3, 4, 5, 6, 7, time.UTC),
			time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		} {
			requireRoundTrip(t, Time, v)
		}
		noon := time.Date(2026, 2, 3, 12, 0, 0, 0, time.FixedZone("", 3600))
		requireRead(t, Time, noon.UTC(), msgp.Raw(write(t, Time, noon)))
	})
	t.Run("nothing else is a time", func(t *testing.T) {
		requireFailure(t, Time, typeError, "F() argument 'x' must be datetime, not float", 1.5)
		requireFailure(t, Time, typeError, "F() argument 'x' must be datetime, not timedelta", msgp.Raw(write(t, Duration, 1)))
		requireFailure(t, Time, valueError, "F() argument 'x': malformed msgpack", msgp.Raw{fixExt1, 0xff, 1})
	})
}

func TestDuration(t *testing.T) {
	for _, v := range []time.Duration{0, -1, math.MinInt64, math.MaxInt64} {
		requireRoundTrip(t, Duration, v)
	}
	requireFailure(t, Duration, typeError, "F() argument 'x' must be timedelta, not int", 1)
	requireFailure(t, Duration, typeError, "F() argument 'x' must be timedelta, not datetime", msgp.Raw(write(t, Time, time.Time{})))
}
