package gopool

import (
	"fmt"

	"github.com/gopool/gopool/gopool/wire"
)

// lender has memory that outcomes are in: a Region its slabs, a RangeFunc what it has
// tokens for.
type lender interface {
	// Take says that an outcome is here that is in it.
	Take(id uint64)
	// GiveBack says that the outcome will not be read, or not again. It must not block.
	GiveBack(id uint64)
}

// loans are what outcomes are in.
type loans struct {
	lender lender
	list   []wire.Loan
}

// borrow takes the slabs that outcomes name. A worker that has no slabs, or not
// so many, is not believed.
func borrow(region *Region, o wire.Outcomes) (*loans, error) {
	list := o.Loans()
	if len(list) == 0 {
		return nil, nil
	}
	for _, loan := range list {
		if region == nil || loan.ID >= maxSlabs {
			return nil, fmt.Errorf("%w: slab %d", wire.ErrMalformed, loan.ID)
		}
	}
	return &loans{region, list}, nil
}

// take takes those that outcomes from skip on are in, count of them, and
// returns how many bytes they have.
func (l *loans) take(skip, count int) (bytes int) {
	l.each(skip, count, func(loan wire.Loan) {
		l.lender.Take(loan.ID)
		bytes += int(loan.Size)
	})
	return bytes
}

// size returns how many bytes all of them have.
func (l *loans) size() (bytes int) {
	if l != nil {
		for _, loan := range l.list {
			bytes += int(loan.Size)
		}
	}
	return bytes
}

func (l *loans) giveBack(skip, count int) {
	l.each(skip, count, func(loan wire.Loan) { l.lender.GiveBack(loan.ID) })
}

func (l *loans) each(skip, count int, f func(wire.Loan)) {
	if l == nil {
		return
	}
	for _, loan := range l.list {
		if skip <= loan.Outcome && loan.Outcome < skip+count {
			f(loan)
		}
	}
}
