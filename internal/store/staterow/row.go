// Package staterow is the only place that converts the state of a heartbeat, which pings
// and evaluations change, to the columns of its row, and packs it into few bytes. It is
// pure: package store reads and writes the rows.
package staterow

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"overdue/internal/monitor"
)

// Row is the state of a heartbeat as it is stored. Times are microseconds since 1970,
// NULL for the zero time.
type Row struct {
	Status                                          monitor.Status
	CountedFrom, StaleBefore, LastPing, LastStart   sql.NullInt64
	RunTime                                         sql.NullInt64  // µs, NULL if unknown
	Runs                                            sql.NullString // active runs as JSON, NULL for none
	Pings                                           int64
	Incident                                        sql.NullString
	Cause                                           monitor.Cause
	NextAt                                          sql.NullInt64 // of the next evaluation; only written
	History, Finished, Blackout, Hosts, Maintenance sql.NullString
}

// Of returns the state of a heartbeat.
func Of(h *monitor.Heartbeat) Row {
	r := Row{
		Status: h.Status, CountedFrom: nullTime(h.CountedFrom), StaleBefore: nullTime(h.StaleBefore), LastPing: nullTime(h.LastPing), LastStart: nullTime(h.LastStart),
		RunTime: sql.NullInt64{Int64: h.LastRunTime.Microseconds(), Valid: h.HasRunTime}, Pings: h.PingCount,
		Incident: sql.NullString{String: h.OpenIncident, Valid: h.OpenIncident != ""}, Cause: h.DownCause, NextAt: nullTime(h.EvaluationDue()),
		History: encodeRunState(h), Finished: encodeFinishedRuns(h.FinishedRuns), Blackout: encodeBlackoutState(h.Blackout), Hosts: encodeHosts(h),
		Maintenance: encodeMaintenance(h.Maintenance),
	}
	if len(h.ActiveRuns) > 0 {
		b, _ := json.Marshal(h.ActiveRuns) // runs always marshal
		r.Runs = sql.NullString{String: string(b), Valid: true}
	}
	return r
}

// Apply sets the state of a heartbeat.
func (r *Row) Apply(h *monitor.Heartbeat) (err error) {
	h.Status, h.PingCount, h.OpenIncident, h.DownCause = r.Status, r.Pings, r.Incident.String, r.Cause
	h.CountedFrom, h.StaleBefore, h.LastPing, h.LastStart = timeOf(r.CountedFrom), timeOf(r.StaleBefore), timeOf(r.LastPing), timeOf(r.LastStart)
	h.LastRunTime, h.HasRunTime = micros(r.RunTime.Int64), r.RunTime.Valid
	if err := decodeRunState(h, r.History); err != nil {
		return fmt.Errorf("heartbeat %d: %w", h.Key, err)
	}
	if h.Blackout, err = decodeBlackoutState(r.Blackout); err != nil {
		return fmt.Errorf("heartbeat %d: %w", h.Key, err)
	}
	if h.Maintenance, err = decodeMaintenance(r.Maintenance); err != nil {
		return fmt.Errorf("heartbeat %d: %w", h.Key, err)
	}
	if h.FinishedRuns, err = decodeFinishedRuns(r.Finished.String); err != nil {
		return fmt.Errorf("heartbeat %d: %w", h.Key, err)
	}
	if err := decodeHosts(h, r.Hosts.String); err != nil {
		return fmt.Errorf("heartbeat %d: %w", h.Key, err)
	}
	h.ActiveRuns = nil
	if r.Runs.String != "" && r.Runs.String != "[]" {
		var runs []monitor.ActiveRun // h itself would be allocated
		if err := json.Unmarshal([]byte(r.Runs.String), &runs); err != nil {
			return fmt.Errorf("heartbeat %d: %w", h.Key, err)
		}
		h.ActiveRuns = runs
	}
	return nil
}

// Args returns the key of the heartbeat and the values of all columns, in the order of
// the fields.
func (r *Row) Args(key int64) []any {
	return []any{
		key, string(r.Status), number(r.CountedFrom), number(r.StaleBefore), number(r.LastPing), number(r.LastStart), number(r.RunTime),
		text(r.Runs), r.Pings, text(r.Incident), string(r.Cause), number(r.NextAt), text(r.History), text(r.Finished), text(r.Blackout), text(r.Hosts), text(r.Maintenance),
	}
}

// number returns a value as drivers expect it.
func number(n sql.NullInt64) any {
	if !n.Valid {
		return nil
	}
	return n.Int64
}

// text returns a value as drivers expect it.
func text(s sql.NullString) any {
	if !s.Valid {
		return nil
	}
	return s.String
}

// nullTime returns a time as it is stored.
func nullTime(t time.Time) sql.NullInt64 {
	if t.IsZero() {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: true}
}

// timeOf returns a stored time.
func timeOf(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}
