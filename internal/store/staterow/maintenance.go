package staterow

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"overdue/internal/monitor"
)

// maintenance is the state of maintenance as it is stored, in JSON. Times and durations are
// microseconds.
type maintenance struct {
	Windows   []window     `json:"windows,omitempty"`
	Applied   int64        `json:"applied,omitempty"`
	Credit    int64        `json:"credit,omitempty"`
	Excused   int64        `json:"excused,omitempty"`
	Restarted *window      `json:"restarted,omitempty"`
	Failure   *heldFailure `json:"failure,omitempty"`
}

type window struct {
	From   int64  `json:"from"`
	To     int64  `json:"to"`
	Reason string `json:"reason,omitempty"`
}

type heldFailure struct {
	At     int64         `json:"at"`
	Cause  monitor.Cause `json:"cause"`
	Ping   int64         `json:"ping"`
	Reason string        `json:"reason"`
}

// windowOf returns a window as it is stored.
func windowOf(w monitor.Window) window {
	return window{w.From.UnixMicro(), w.To.UnixMicro(), w.Reason}
}

// value returns a stored window.
func (w window) value() monitor.Window {
	return monitor.Window{From: time.UnixMicro(w.From).UTC(), To: time.UnixMicro(w.To).UTC(), Reason: w.Reason}
}

// encodeMaintenance returns the state as it is stored. It is NULL for most heartbeats.
func encodeMaintenance(s *monitor.MaintenanceState) sql.NullString {
	if s == nil {
		return sql.NullString{}
	}
	m := maintenance{Credit: s.Credit.Microseconds(), Excused: s.Excused.Microseconds(), Applied: nullTime(s.Applied).Int64}
	for _, w := range s.Windows {
		m.Windows = append(m.Windows, windowOf(w))
	}
	if !s.Restarted.To.IsZero() {
		w := windowOf(s.Restarted)
		m.Restarted = &w
	}
	if f := s.Failure; !f.At.IsZero() {
		m.Failure = &heldFailure{f.At.UnixMicro(), f.Cause, f.PingNumber, f.Reason}
	}
	b, _ := json.Marshal(m) // it always marshals
	return sql.NullString{String: string(b), Valid: true}
}

// decodeMaintenance parses the result of encodeMaintenance.
func decodeMaintenance(text sql.NullString) (*monitor.MaintenanceState, error) {
	if !text.Valid {
		return nil, nil
	}
	var m maintenance
	if err := json.Unmarshal([]byte(text.String), &m); err != nil {
		return nil, fmt.Errorf("invalid state of maintenance: %w", err)
	}
	s := &monitor.MaintenanceState{Credit: micros(m.Credit), Excused: micros(m.Excused)}
	if m.Applied != 0 {
		s.Applied = time.UnixMicro(m.Applied).UTC()
	}
	for _, w := range m.Windows {
		s.Windows = append(s.Windows, w.value())
	}
	if m.Restarted != nil {
		s.Restarted = m.Restarted.value()
	}
	if f := m.Failure; f != nil {
		s.Failure = monitor.HeldFailure{At: time.UnixMicro(f.At).UTC(), Cause: f.Cause, PingNumber: f.Ping, Reason: f.Reason}
	}
	return s, nil
}
