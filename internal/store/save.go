package store

import (
	"fmt"
	"slices"
	"time"

	"overdue/internal/monitor"
)

// Transition is a heartbeat as it stands after a change.
type Transition struct {
	Heartbeat monitor.Heartbeat
	Change    monitor.Change
}

var stateBatch = columnBatch{table: "heartbeats", keyColumns: 1, columns: []column{
	{"key", "bigint"},
	{"status", "text"},
	{"counted_from", "bigint"},
	{"heard", "bigint"},
	{"last_ping", "bigint"},
	{"began", "bigint"},
	{"run_time", "bigint"},
	{"runs", "text"},
	{"pings", "bigint"},
	{"incident", "text"},
	{"cause", "text"},
	{"next_at", "bigint"},
	{"ledger", "text"},
	{"finished", "text"},
}}

// stateRow is how a heartbeat stands, in the order of stateBatch.
func stateRow(h monitor.Heartbeat) []any {
	row := []any{
		h.Key, string(h.Status), micros(h.CountedFrom), micros(h.StaleBefore), micros(h.LastPing), micros(h.LastStart),
		nil, nil, h.PingCount, nullableText(h.OpenIncident), string(h.DownCause), micros(h.NextEvaluation()), encodeRunState(h),
		encodeFinishedRuns(h.FinishedRuns),
	}
	if h.HasRunTime {
		row[6] = h.LastRunTime.Microseconds()
	}
	if len(h.ActiveRuns) > 0 {
		row[7] = encodeList(h.ActiveRuns)
	}
	return row
}

// Save keeps judgements: how each heartbeat stands, the pings that led there,
// the incidents that opened or were resolved, and the alerts that this owes,
// all in this transaction. Several judgements of one heartbeat are given in
// their order. It tells how many alerts became owed.
func (tx *Tx) Save(now time.Time, judged []Transition) (owed int, err error) {
	b := incidentChanges{tx: tx, now: now, channels: map[int64][]monitor.Channel{}, nextNumber: map[int64]int64{}}
	pings := make([][]any, 0, len(judged))
	var slots [][]any
	last := make(map[int64]int, len(judged))
	for i, j := range judged {
		if j.Change.Ping.Number > 0 {
			pings = append(pings, pingRow(j.Heartbeat.Key, j.Change.Ping))
			if err := tx.prunePings(j.Heartbeat.Key, j.Change.Ping.Number); err != nil {
				return 0, err
			}
		}
		for _, s := range j.Change.ClosedSpans {
			slots = append(slots, spanRow(j.Heartbeat.Key, s))
		}
		last[j.Heartbeat.Key] = i
	}
	if err := tx.addSpans(slots); err != nil {
		return 0, err
	}
	if err := b.collect(judged); err != nil {
		return 0, err
	}
	states := make([][]any, 0, len(last))
	for i, j := range judged {
		if last[j.Heartbeat.Key] == i {
			states = append(states, stateRow(b.withIncident(j.Heartbeat)))
		}
	}
	if err := tx.insertBatch(&pingBatch, pings); err != nil {
		return 0, fmt.Errorf("add pings: %w", err)
	}
	if err := b.write(); err != nil {
		return 0, err
	}
	if err := tx.updateBatch(&stateBatch, states); err != nil {
		return 0, fmt.Errorf("save heartbeats: %w", err)
	}
	return b.alertCount, nil
}

// incidentChanges collects the rows that news make, so that many are written at once.
type incidentChanges struct {
	tx         *Tx
	now        time.Time
	channels   map[int64][]monitor.Channel // by project
	nextNumber map[int64]int64             // next incident number, by project
	openedHere map[int64]string            // incidents that opened here and still stand, by heartbeat

	incidents, entries, alerts [][]any
	alerted                    []int64 // heartbeats with new alerts about incidents
	alertCount                 int     // alerts written so far
}

// collect collects the news of all judgements.
func (b *incidentChanges) collect(judged []Transition) error {
	b.openedHere = map[int64]string{}
	if !slices.ContainsFunc(judged, func(j Transition) bool { return j.Change.Notable() }) {
		return nil
	}
	if err := b.prepare(judged); err != nil {
		return err
	}
	for _, j := range judged {
		if err := b.collectOne(b.withIncident(j.Heartbeat), j.Change); err != nil {
			return err
		}
	}
	return nil
}

// prepare fetches the channels of the projects concerned, and takes as many
// incident numbers as will be needed. The number's row also puts the incidents
// of a project in one order.
func (b *incidentChanges) prepare(judged []Transition) error {
	needed := map[int64]int64{}
	for _, j := range judged {
		if j.Change.Notable() {
			needed[j.Heartbeat.Project] += 0
		}
		if j.Change.Opened != nil {
			needed[j.Heartbeat.Project]++
		}
	}
	projects := make([]int64, 0, len(needed))
	for p := range needed {
		projects = append(projects, p)
	}
	slices.Sort(projects) // locked in one order on every node
	for _, p := range projects {
		channels, err := b.tx.ChannelRoutes(p)
		if err != nil {
			return fmt.Errorf("channels to tell: %w", err)
		}
		b.channels[p] = channels
		if needed[p] == 0 {
			continue
		}
		newest, _, err := queryOne(b.tx, func(row scanner) (n int64, err error) { return n, row.Scan(&n) },
			`UPDATE projects SET incidents = incidents + $2 WHERE key = $1 RETURNING incidents`, p, needed[p])
		if err != nil {
			return fmt.Errorf("incident number: %w", err)
		}
		b.nextNumber[p] = newest - needed[p] + 1
	}
	return nil
}

// withIncident fills in the incident that opened in this batch.
func (b *incidentChanges) withIncident(h monitor.Heartbeat) monitor.Heartbeat {
	if h.Status == monitor.Down && h.OpenIncident == "" {
		h.OpenIncident = b.openedHere[h.Key]
	}
	return h
}

// collectOne collects the rows of one change.
func (b *incidentChanges) collectOne(h monitor.Heartbeat, c monitor.Change) error {
	i := monitor.Incident{ID: h.OpenIncident}
	var told []string
	if c.Opened != nil {
		i = monitor.Incident{ID: newID(), Number: b.nextNumber[h.Project]}
		b.nextNumber[h.Project]++
		b.open(i, h, c)
	}
	if c.FailedAgain && i.ID != "" {
		b.addTimelineEntry(i.ID, c.Ping.At, "failure", repeatedFailureText(c.Ping))
	}
	if c.Resolved != nil {
		var err error
		if c.Resolved.Incident != "" {
			i.ID = c.Resolved.Incident
		} else if i.ID == "" {
			i.ID = b.openedHere[h.Key]
		}
		if i.Number, told, err = b.resolve(i, h, c); err != nil {
			return err
		}
	}
	owed := h.AlertsFor(c, i, told, b.channels[h.Project], b.now)
	for _, a := range owed {
		a.ID = alertID(a, 0)
		b.alerts = append(b.alerts, alertRow(a))
	}
	if len(owed) > 0 && i.ID != "" {
		b.alerted = append(b.alerted, h.Key)
	}
	return nil
}

// repeatedFailureText tells of one more bad run.
func repeatedFailureText(p monitor.Ping) string {
	if p.Kind == monitor.PingSuccess {
		return "A run was too short again."
	}
	return "The job reported a failure again."
}

// open collects a new incident. How it began and ended is read from its row.
func (b *incidentChanges) open(i monitor.Incident, h monitor.Heartbeat, c monitor.Change) {
	id, o := i.ID, c.Opened
	var resolved time.Time
	var ending monitor.ResolutionReason
	if c.Resolved != nil {
		resolved, ending = c.Resolved.At, c.Resolved.Reason
	} else {
		b.openedHere[h.Key] = id
	}
	b.incidents = append(b.incidents, []any{
		id, i.Number, h.Project, h.Key, string(o.Cause), o.At.UnixMicro(), b.now.UnixMicro(),
		micros(o.Due), micros(o.LastPing), o.Reason, o.PingNumber, micros(resolved), string(ending), "",
	})
}

// resolve ends an incident that was open before, or notes the end of one that
// opened in the same change. It returns the incident's number, and which
// channels were told when it opened, nil for one of the same change.
func (b *incidentChanges) resolve(i monitor.Incident, h monitor.Heartbeat, c monitor.Change) (number int64, told []string, err error) {
	if c.Opened == nil && i.ID == b.openedHere[h.Key] {
		// It opened earlier in this batch: its row must be there to be changed.
		if err := b.write(); err != nil {
			return 0, nil, err
		}
	}
	delete(b.openedHere, h.Key)
	r := c.Resolved
	if c.Opened != nil {
		return i.Number, nil, nil
	}
	number, _, err = queryOne(b.tx, func(row scanner) (n int64, err error) { return n, row.Scan(&n) },
		`UPDATE incidents SET resolved = $2, resolution = $3 WHERE id = $1 AND resolved IS NULL RETURNING number`, i.ID, micros(r.At), string(r.Reason))
	if err != nil {
		return 0, nil, fmt.Errorf("resolve incident: %w", err)
	}
	if told, err = b.tx.notifiedChannels(i.ID); err != nil {
		return 0, nil, err
	}
	return number, told, b.tx.deleteUnsentReminders(i.ID)
}

// addTimelineEntry collects one line of a timeline.
func (b *incidentChanges) addTimelineEntry(incident string, at time.Time, kind, sentence string) {
	b.entries = append(b.entries, []any{newID(), incident, at.UnixMicro(), kind, sentence})
}

// write adds all that was collected, and begins anew.
func (b *incidentChanges) write() error {
	for _, part := range []struct {
		block *columnBatch
		rows  [][]any
	}{{&incidentBatch, b.incidents}, {&timelineBatch, b.entries}, {&alertBatch, b.alerts}} {
		if err := b.tx.insertBatch(part.block, part.rows); err != nil {
			return fmt.Errorf("add %s: %w", part.block.table, err)
		}
	}
	if len(b.alerted) > 0 {
		if err := b.tx.expedite(b.alerted, b.now); err != nil {
			return err
		}
	}
	b.alertCount += len(b.alerts)
	b.incidents, b.entries, b.alerts, b.alerted = nil, nil, nil, nil
	return nil
}
