package gofunc

import (
	"time"

	"github.com/tinylib/msgp/msgp"
)

// Time is the codec of time.Time. Times are in UTC.
var Time = &Codec[time.Time]{
	name: "datetime",
	read: func(t *Task) time.Time {
		if kind, _, _, ok := splitExtension(t.in); ok && kind == timestampExtension {
			v, rest, err := msgp.ReadTimeUTCBytes(t.in)
			if err != nil {
				t.malformed()
				return time.Time{}
			}
			t.in = rest
			return v
		}
		t.mismatch("datetime")
		return time.Time{}
	},
	append: func(t *Task, v time.Time) { t.out = msgp.AppendTimeExt(t.out, v) },
}

// Duration is the codec of time.Duration.
var Duration = &Codec[time.Duration]{
	name: "timedelta",
	read: func(t *Task) time.Duration {
		kind, data, rest, ok := splitExtension(t.in)
		if !ok || kind != durationExtension || len(data) != 8 {
			t.mismatch("timedelta")
			return 0
		}
		t.in = rest
		return time.Duration(order.Uint64(data))
	},
	append: func(t *Task, v time.Duration) {
		t.out = append(t.out, fixExt8, durationExtension)
		t.out = order.AppendUint64(t.out, uint64(v))
	},
}
