package wire

// Packed are outcomes of Go functions: a table of lengths, then msgpack one by one.
// No frame has them.
const Packed Encoding = 9

// Append adds outcomes of the same encoding, which come right behind.
func (o *Outcomes) Append(next Outcomes) {
	o.Count += next.Count
	o.Elapsed += next.Elapsed
	o.Lengths = append(o.Lengths, next.Lengths...)
	o.Data = append(o.Data, next.Data...)
}

// FailureKind returns of which kind a failure of a Go function is: what comes first in
// the array that its record is.
func (o Outcomes) FailureKind(outcome int) (kind int, ok bool) {
	if o.Encoding != Packed || order.Uint64(o.Lengths[8*outcome:])&FailureBit == 0 {
		return 0, false
	}
	record := o.Window(outcome, 1).Data
	if len(record) < 2 || record[1] > maxFixint {
		return 0, false
	}
	return int(record[1]), true
}

// maxFixint is the largest number that msgpack has one byte for.
const maxFixint = 127
