package loop

import "time"

// Signals tell other parts of the server what a transaction changed. They are sent
// after the commit, and only for speed: the loops find everything in the database a
// few seconds later. The functions must return at once; nil functions are skipped.
type Signals struct {
	Due     func(next time.Time) // a heartbeat may be due at next, which may be sooner than known
	Pending func()               // alerts are pending
	Pinged  func(keys []int64)   // heartbeats got pings, by key
	Changed func(keys []int64)   // heartbeats changed in another way, or their status did, by key
}

// Effects are the changes of one transaction that Signals passes to the loops.
type Effects struct {
	NextDue time.Time // zero: no heartbeat became due sooner
	Pending bool
	Pinged  []int64
	Changed []int64
}

// Send calls the functions that the effects concern.
func (s Signals) Send(e Effects) {
	if s.Due != nil && !e.NextDue.IsZero() {
		s.Due(e.NextDue)
	}
	if s.Pending != nil && e.Pending {
		s.Pending()
	}
	if s.Pinged != nil && len(e.Pinged) > 0 {
		s.Pinged(e.Pinged)
	}
	if s.Changed != nil && len(e.Changed) > 0 {
		s.Changed(e.Changed)
	}
}
