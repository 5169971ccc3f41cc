package manage

import (
	"context"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// MostExported bounds the rows of a file, and exportPage how many of them are
// read at a time: a file is never in memory as a whole.
const (
	MostExported = 10_000
	exportPage   = 500
)

// ExportEvents hands the event log of a heartbeat to each, in parts, newest
// first and without bodies. No transaction is open meanwhile, however slow each
// is. It reports whether there are more than it may hand out.
func (d *Desk) ExportEvents(ctx context.Context, a auth.Actor, idOrRef, kind string, each func([]monitor.Ping) error) (more bool, err error) {
	if err := may(a, auth.Read); err != nil {
		return false, err
	}
	var h monitor.Heartbeat
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		h, err = heartbeat(tx, a, idOrRef)
		return err
	})
	if err != nil {
		return false, err
	}
	if err := d.exporting(ctx, a, deed{action: "heartbeat.export", target: called(h)}); err != nil {
		return false, err
	}
	before := int64(0)
	return exported(each, func() (part []monitor.Ping, err error) {
		err = d.db.View(ctx, func(tx *store.Tx) (err error) {
			part, err = tx.PingLog(store.PingLog{Heartbeat: h.Key, Kind: logKinds[kind], Before: before, Limit: exportPage})
			if err != nil {
				return err
			}
			return veilPings(tx, a, h.ID, part)
		})
		if n := len(part); n > 0 {
			before = part[n-1].N
		}
		return part, err
	})
}

// ExportIncidents hands the incidents that a query finds to each, like
// [Desk.ExportEvents].
func (d *Desk) ExportIncidents(ctx context.Context, a auth.Actor, q IncidentListQuery, each func([]monitor.Incident) error) (more bool, err error) {
	if err := may(a, auth.Read); err != nil {
		return false, err
	}
	if err := d.exporting(ctx, a, deed{action: "incident.export", target: "incidents"}); err != nil {
		return false, err
	}
	s := q.search(a)
	s.From, s.Back, s.Limit = 0, false, exportPage
	return exported(each, func() (part []monitor.Incident, err error) {
		err = d.db.View(ctx, func(tx *store.Tx) (err error) {
			if part, err = tx.FindIncidents(s); err != nil {
				return err
			}
			return veilIncidents(tx, a, part)
		})
		for _, i := range part {
			s.From = i.Number
		}
		return part, err
	})
}

// exporting records a download before its first row leaves.
func (d *Desk) exporting(ctx context.Context, a auth.Actor, what deed) error {
	return d.db.Update(ctx, func(tx *store.Tx) error { return note(tx, a, stamp(), what) })
}

// exported reads parts until one is not full, or there are enough.
func exported[T any](each func([]T) error, next func() ([]T, error)) (more bool, err error) {
	for n := 0; n < MostExported; n += exportPage {
		part, err := next()
		if err != nil {
			return false, err
		}
		if err := each(part); err != nil {
			return false, err
		}
		if len(part) < exportPage {
			return false, nil
		}
	}
	return true, nil
}
