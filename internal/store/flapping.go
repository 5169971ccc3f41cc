package store

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
)

// flappingColumns are the columns with how a heartbeat flaps. Statements read the last one, which
// follows from the first.
var flappingColumns = dialect.Columns(`flaps text, flapping_since bigint, flapping_until bigint`)

// flappingRow returns how a heartbeat flaps in the order of flappingColumns.
func flappingRow(f monitor.Flapping) []any {
	return []any{encodeChanges(f), micros(f.Since), micros(f.Until())}
}

// flappingAlerts is how the setting of a heartbeat is stored: the zero value is hold.
func flappingAlerts(h monitor.Heartbeat) string {
	return string(cmp.Or(h.FlappingAlerts, monitor.FlappingHold))
}

// encodeChanges returns the counts and the times of changes in microseconds, separated by spaces. It
// is NULL without changes.
func encodeChanges(f monitor.Flapping) any {
	if len(f.Changes) == 0 {
		return nil
	}
	b := strconv.AppendInt(nil, int64(f.Started), 10)
	b = strconv.AppendInt(append(b, ' '), int64(f.Total), 10)
	for _, t := range f.Changes {
		b = strconv.AppendInt(append(b, ' '), t.UnixMicro(), 10)
	}
	return string(b)
}

var errFlapping = errors.New("invalid changes of a heartbeat")

// decodeFlapping parses the result of flappingRow.
func decodeFlapping(since sql.NullInt64, changes sql.NullString) (f monitor.Flapping, err error) {
	if !changes.Valid {
		return f, nil
	}
	fields := strings.Split(changes.String, " ")
	if len(fields) < 3 {
		return f, errFlapping
	}
	numbers := make([]int64, len(fields))
	for i, field := range fields {
		if numbers[i], err = strconv.ParseInt(field, 10, 64); err != nil {
			return f, errFlapping
		}
	}
	f.Since, f.Started, f.Total = timeFromMicros(since), int(numbers[0]), int(numbers[1])
	for _, n := range numbers[2:] {
		f.Changes = append(f.Changes, time.UnixMicro(n).UTC())
	}
	return f, nil
}

// flap is how a heartbeat flapped before and after a transition.
type flap struct{ before, after monitor.Flapping }

// recordChanges counts the openings and recoveries of all transitions.
func (b *incidentChanges) recordChanges(transitions []Transition) {
	b.flapping = map[int64]monitor.Flapping{}
	for n := range transitions {
		t := &transitions[n]
		if !t.Change.Notable() {
			continue
		}
		if b.flaps == nil {
			b.flaps = make([]flap, len(transitions))
		}
		h := t.Heartbeat
		if f, known := b.flapping[h.Key]; known {
			h.Flapping = f
		}
		b.flaps[n] = flap{h.Flapping, h.Flapping}
		if t.Change.Opened != nil || t.Change.Resolved != nil {
			b.flaps[n].after = h.AfterChange(t.Change, b.now)
			b.flapping[h.Key] = b.flaps[n].after
		}
	}
}

// explainFlapping adds an entry to the timeline of an incident that opens: it announces that the
// heartbeat flaps, or it is not announced.
func (b *incidentChanges) explainFlapping(i monitor.Incident, h monitor.Heartbeat, c monitor.Change) {
	switch {
	case c.Opened == nil:
	case h.Flapping.Since.Equal(c.Opened.At):
		b.addTimelineEntry(i.ID, b.now, "flapping", h.Flapping.ExplainFlappingStart())
	case h.Flaps(b.now):
		b.addTimelineEntry(i.ID, b.now, "flapping", "Not sent: "+monitor.ExplainFlappingHold+".")
	}
}

// endFlapping deletes the alerts about the opening of a resolved incident that waited because the heartbeat
// flaps. If a user ended the incident, the heartbeat no longer flaps, and a recovery that waits is
// sent now.
func (b *incidentChanges) endFlapping(i monitor.Incident, before monitor.Heartbeat, r *monitor.Resolution) error {
	if !before.Flaps(b.now) {
		return nil
	}
	if before.FlappingHolds(monitor.IncidentOpened, i, b.now) {
		held, err := b.tx.deleteHeldAlerts(i.ID)
		if err != nil {
			return err
		}
		if held > 0 {
			b.addTimelineEntry(i.ID, b.now, "flapping", "Not sent: the incident ended while the heartbeat flapped.")
		}
	}
	if r.Reason == monitor.ResolvedByPing {
		return nil
	}
	if err := b.tx.ReleaseHeld(before, b.now); err != nil {
		return fmt.Errorf("end flapping: %w", err)
	}
	return nil
}
