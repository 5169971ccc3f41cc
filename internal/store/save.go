package store

import (
	"fmt"
	"slices"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
	"overdue/internal/store/writebehind"
)

// Transition is a heartbeat after a change, and the change.
type Transition = writebehind.Transition

var stateBatch = dialect.Batch{Table: "heartbeats", KeyColumns: 1, Columns: dialect.Columns(`
	key bigint, status text, counted_from bigint, heard bigint, last_ping bigint, began bigint,
	run_time bigint, runs text, pings bigint, incident text, cause text, next_at bigint,
	` + historyColumn + ` text, finished text, blackout text`)}

// stateRow returns the state of a heartbeat in the order of stateBatch.
func stateRow(h monitor.Heartbeat) []any {
	row := []any{
		h.Key, string(h.Status), micros(h.CountedFrom), micros(h.StaleBefore), micros(h.LastPing), micros(h.LastStart),
		nil, nil, h.PingCount, nullableText(h.OpenIncident), string(h.DownCause), micros(h.EvaluationDue()), encodeRunState(h),
		encodeFinishedRuns(h.FinishedRuns), encodeBlackoutState(h.Blackout),
	}
	if h.HasRunTime {
		row[6] = h.LastRunTime.Microseconds()
	}
	if len(h.ActiveRuns) > 0 {
		row[7] = encodeList(h.ActiveRuns)
	}
	return row
}

// Save stores transitions in this transaction: the state of each heartbeat, its
// pings, the incidents that opened or were resolved, and their pending alerts.
// Several transitions of one heartbeat are in chronological order. It returns the
// number of alerts that became pending.
func (tx *Tx) Save(now time.Time, transitions []Transition) (newAlerts int, err error) {
	b := incidentChanges{tx: tx, now: now, channels: map[int64][]monitor.Channel{}, nextNumber: map[int64]int64{}}
	pings := make([][]any, 0, len(transitions))
	var spans, effects [][]any
	last := make(map[int64]int, len(transitions))
	for i, t := range transitions {
		if t.Change.Ping.Number > 0 {
			pings = append(pings, pingRow(t.Heartbeat.Key, t.Change.Ping))
			if err := tx.prunePings(t.Heartbeat.Key, t.Change.Ping.Number); err != nil {
				return 0, err
			}
		}
		for _, s := range t.Change.ClosedSpans {
			spans = append(spans, spanRow(t.Heartbeat.Key, s))
		}
		for _, e := range t.Change.BlackoutEffects {
			effects = append(effects, effectRow(t.Heartbeat.Key, e))
		}
		last[t.Heartbeat.Key] = i
	}
	if err := tx.addSpans(spans); err != nil {
		return 0, err
	}
	if err := tx.insertBatch(&effectBatch, effects); err != nil {
		return 0, fmt.Errorf("add effects of blackouts: %w", err)
	}
	b.assignIDs(transitions)
	states := make([][]any, 0, len(last))
	for i, t := range transitions {
		if last[t.Heartbeat.Key] == i {
			states = append(states, stateRow(b.withIncident(t.Heartbeat)))
		}
	}
	if err := tx.insertBatch(&pingBatch, pings); err != nil {
		return 0, fmt.Errorf("add pings: %w", err)
	}
	if err := tx.updateBatch(&stateBatch, states); err != nil {
		return 0, fmt.Errorf("save heartbeats: %w", err)
	}
	// Last, because it locks the projects: another node, or another transaction of a sweep,
	// can do everything else meanwhile.
	if err := b.collect(transitions); err != nil {
		return 0, err
	}
	if err := b.write(); err != nil {
		return 0, err
	}
	return b.alertCount, nil
}

// incidentChanges collects the rows of incidents, timelines and alerts, so that many
// are written at once.
type incidentChanges struct {
	tx         *Tx
	now        time.Time
	channels   map[int64][]monitor.Channel // by project
	nextNumber map[int64]int64             // next incident number, by project
	ids        []string                    // of the incidents that open in this batch, in their order
	openedHere map[int64]string            // incidents that opened in this batch and are unresolved, by heartbeat

	incidents, entries, alerts [][]any
	alerted                    []int64 // heartbeats with new alerts about incidents
	alertCount                 int     // alerts written so far
}

// assignIDs assigns an id to each incident that opens, so that heartbeats can be saved before
// their incidents.
func (b *incidentChanges) assignIDs(transitions []Transition) {
	b.openedHere = map[int64]string{}
	for i := range transitions {
		key, c := transitions[i].Heartbeat.Key, &transitions[i].Change
		if c.Resolved != nil {
			delete(b.openedHere, key)
		}
		if c.Opened != nil {
			id := newID()
			if b.ids = append(b.ids, id); c.Resolved == nil {
				b.openedHere[key] = id
			}
		}
	}
}

// collect collects the rows of all transitions.
func (b *incidentChanges) collect(transitions []Transition) error {
	b.openedHere = map[int64]string{}
	if !slices.ContainsFunc(transitions, func(t Transition) bool { return t.Change.Notable() }) {
		return nil
	}
	if err := b.prepare(transitions); err != nil {
		return err
	}
	for _, t := range transitions {
		if err := b.collectOne(b.withIncident(t.Heartbeat), t.Change); err != nil {
			return err
		}
	}
	return nil
}

// prepare reads the channels of the projects and reserves incident numbers. The row
// with the number also serializes the incidents of a project.
func (b *incidentChanges) prepare(transitions []Transition) error {
	needed := map[int64]int64{}
	for _, t := range transitions {
		if t.Change.Notable() {
			needed[t.Heartbeat.Project] += 0
		}
		if t.Change.Opened != nil {
			needed[t.Heartbeat.Project]++
		}
	}
	projects := make([]int64, 0, len(needed))
	for p := range needed {
		projects = append(projects, p)
	}
	slices.Sort(projects) // every node locks them in the same order
	for _, p := range projects {
		channels, err := b.tx.ChannelRoutes(p)
		if err != nil {
			return fmt.Errorf("channels to notify: %w", err)
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

// withIncident sets the incident that opened in this batch.
func (b *incidentChanges) withIncident(h monitor.Heartbeat) monitor.Heartbeat {
	if h.Status == monitor.Down && h.OpenIncident == "" {
		h.OpenIncident = b.openedHere[h.Key]
	}
	return h
}

// collectOne collects the rows of one transition.
func (b *incidentChanges) collectOne(h monitor.Heartbeat, c monitor.Change) error {
	i := monitor.Incident{ID: h.OpenIncident}
	var notified []string
	if c.Opened != nil {
		i = monitor.Incident{ID: b.ids[0], Number: b.nextNumber[h.Project]}
		b.ids = b.ids[1:]
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
		if i.Number, notified, err = b.resolve(i, h, c); err != nil {
			return err
		}
	}
	alerts := h.AlertsFor(c, i, notified, b.channels[h.Project], b.now)
	for _, a := range alerts {
		a.ID = alertID(a, 0)
		b.alerts = append(b.alerts, alertRow(a))
	}
	if len(alerts) > 0 && i.ID != "" {
		b.alerted = append(b.alerted, h.Key)
	}
	return nil
}

// repeatedFailureText describes a further failed run.
func repeatedFailureText(p monitor.Ping) string {
	if p.Kind == monitor.PingSuccess {
		return "Another run was too short."
	}
	return "The job reported another failure."
}

// open collects a new incident. Its timeline reads how it began and ended from its
// row.
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

// resolve resolves an incident that was open before, or one that opened in the same
// change. It returns the incident's number, and the channels that were notified of
// its opening, nil for one of the same change.
func (b *incidentChanges) resolve(i monitor.Incident, h monitor.Heartbeat, c monitor.Change) (number int64, notified []string, err error) {
	if c.Opened == nil && i.ID == b.openedHere[h.Key] {
		// It opened earlier in this batch: its row must exist before the update.
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
	if notified, err = b.tx.notifiedChannels(i.ID); err != nil {
		return 0, nil, err
	}
	return number, notified, b.tx.deleteUnsentReminders(i.ID)
}

// addTimelineEntry collects one entry of a timeline.
func (b *incidentChanges) addTimelineEntry(incident string, at time.Time, kind, text string) {
	b.entries = append(b.entries, []any{newID(), incident, at.UnixMicro(), kind, text})
}

// write writes all collected rows and starts again. It looks for earlier alerts first: then
// it does not read those that it adds.
func (b *incidentChanges) write() error {
	if len(b.alerted) > 0 {
		if err := b.tx.expedite(b.alerted, b.now); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		batch *dialect.Batch
		rows  [][]any
	}{{&incidentBatch, b.incidents}, {&timelineBatch, b.entries}, {&alertBatch, b.alerts}} {
		if err := b.tx.insertBatch(part.batch, part.rows); err != nil {
			return fmt.Errorf("add %s: %w", part.batch.Table, err)
		}
	}
	b.alertCount += len(b.alerts)
	b.incidents, b.entries, b.alerts, b.alerted = nil, nil, nil, nil
	return nil
}
