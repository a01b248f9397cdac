package wire

// Loan is memory of the worker's that an outcome is in: a slab of its region, or
// what the package of a Go function keeps under a token.
type Loan struct {
	Outcome int    // which of the outcomes
	ID      uint64 // the slab, or the token
	Size    uint64 // bytes
}

// lentSize is how many bytes at the beginning of a record say what is lent. In a
// Stream: region, slab, where it begins, how many bytes it has. In Packed: the token.
func (e Encoding) lentSize() uint64 {
	if e == Packed {
		return 8
	}
	return 32
}

// Loans returns what outcomes are in. The outcomes have been checked.
func (o Outcomes) Loans() (loans []Loan) {
	if !o.Encoding.isTable() {
		return nil
	}
	start := uint64(0)
	for i := range o.Count {
		if order.Uint64(o.Lengths[8*i:])&LentBit != 0 {
			id, size := o.Encoding.lent(o.Data[start : start+Length(o.Lengths[8*i:])])
			loans = append(loans, Loan{i, id, size})
		}
		start += Length(o.Lengths[8*i:])
	}
	return loans
}

func (e Encoding) lent(record []byte) (id, size uint64) {
	if e == Packed {
		return order.Uint64(record), DistantBytes(record[8:])
	}
	return order.Uint64(record[8:]), order.Uint64(record[24:])
}
