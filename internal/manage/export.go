package manage

import (
	"context"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// MaxExportRows bounds the rows of a file, and exportBatch how many of them are
// read at a time: a file is never in memory as a whole.
const (
	MaxExportRows = 10_000
	exportBatch   = 500
)

// ExportEvents hands the event log of a heartbeat to each, in parts, newest
// first and without bodies. No transaction is open meanwhile, however slow each
// is. It reports whether there are more than it may hand out.
func (d *Service) ExportEvents(ctx context.Context, a auth.Actor, idOrRef, kind string, each func([]monitor.Ping) error) (more bool, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return false, err
	}
	var h monitor.Heartbeat
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		h, err = findHeartbeat(tx, a, idOrRef)
		return err
	})
	if err != nil {
		return false, err
	}
	if err := d.auditExport(ctx, a, auditEntry{action: "heartbeat.export", target: heartbeatLabel(h)}); err != nil {
		return false, err
	}
	before := int64(0)
	return exportBatches(each, func() (part []monitor.Ping, err error) {
		err = d.db.View(ctx, func(tx *store.Tx) (err error) {
			part, err = tx.PingLog(store.PingLogFilter{Heartbeat: h.Key, Kind: eventKinds[kind], Before: before, Limit: exportBatch})
			if err != nil {
				return err
			}
			return redactPings(tx, a, h.ID, part)
		})
		if n := len(part); n > 0 {
			before = part[n-1].Number
		}
		return part, err
	})
}

// ExportIncidents hands the incidents that a query finds to each, like
// [Service.ExportEvents].
func (d *Service) ExportIncidents(ctx context.Context, a auth.Actor, q IncidentListQuery, each func([]monitor.Incident) error) (more bool, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return false, err
	}
	if err := d.auditExport(ctx, a, auditEntry{action: "incident.export", target: "incidents"}); err != nil {
		return false, err
	}
	s := q.storeFilter(a)
	s.From, s.Backwards, s.Limit = 0, false, exportBatch
	return exportBatches(each, func() (part []monitor.Incident, err error) {
		err = d.db.View(ctx, func(tx *store.Tx) (err error) {
			if part, err = tx.SearchIncidents(s); err != nil {
				return err
			}
			return redactIncidents(tx, a, part)
		})
		for _, i := range part {
			s.From = i.Number
		}
		return part, err
	})
}

// auditExport records a download before its first row leaves.
func (d *Service) auditExport(ctx context.Context, a auth.Actor, what auditEntry) error {
	return d.db.Update(ctx, func(tx *store.Tx) error { return writeAudit(tx, a, currentTime(), what) })
}

// exportBatches reads parts until one is not full, or there are enough.
func exportBatches[T any](each func([]T) error, next func() ([]T, error)) (more bool, err error) {
	for n := 0; n < MaxExportRows; n += exportBatch {
		part, err := next()
		if err != nil {
			return false, err
		}
		if err := each(part); err != nil {
			return false, err
		}
		if len(part) < exportBatch {
			return false, nil
		}
	}
	return true, nil
}
