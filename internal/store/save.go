package store

import (
	"database/sql"
	"fmt"
	"slices"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
	"overdue/internal/store/pingblock"
	"overdue/internal/store/staterow"
	"overdue/internal/store/writebehind"
)

// Transition is a heartbeat after a change, and the change.
type Transition = writebehind.Transition

var stateBatch = dialect.Batch{Table: "heartbeats", KeyColumns: 1, Columns: dialect.Columns(`
	key bigint, status text, counted_from bigint, heard bigint, last_ping bigint, began bigint,
	run_time bigint, runs text, pings bigint, incident text, cause text, next_at bigint,
	` + historyColumn + ` text, finished text, blackout text, hosts text, maintenance text`)}

// keptStateBatch is stateBatch without the time of the next evaluation, see Transition.KeepsDue.
var keptStateBatch = dialect.Batch{
	Table: stateBatch.Table, KeyColumns: stateBatch.KeyColumns,
	Columns: slices.Delete(slices.Clone(stateBatch.Columns), dueColumn, dueColumn+1),
}

// changedStateBatch is stateBatch with the changes that make a heartbeat flap.
var changedStateBatch = dialect.Batch{
	Table: stateBatch.Table, KeyColumns: stateBatch.KeyColumns,
	Columns: append(slices.Clone(stateBatch.Columns), flappingColumns...),
}

// dueColumn is the number of the column of stateBatch with the time of the next evaluation.
var dueColumn = slices.IndexFunc(stateBatch.Columns, func(c dialect.Column) bool { return c.Name == "next_at" })

// stateUpdate and changedStateUpdate update the row of one heartbeat. The key is the first value of its rows.
var stateUpdate, changedStateUpdate = stateBatch.UpdateRow(), changedStateBatch.UpdateRow()

// stateRow returns the state of a heartbeat after a transition, in the order of
// stateBatch.
func stateRow(t Transition, h monitor.Heartbeat) ([]any, error) {
	if t.Packed != nil {
		r, err := staterow.Unpack(t.Packed)
		return r.Args(h.Key), err
	}
	return stateArgs(&h), nil
}

// stateArgs returns the state of a heartbeat in the order of stateBatch.
func stateArgs(h *monitor.Heartbeat) []any {
	r := staterow.Of(h)
	return r.Args(h.Key)
}

// Save stores transitions in this transaction: the state of each heartbeat, its
// pings, the incidents that opened or were resolved, and their pending alerts.
// Several transitions of one heartbeat are in chronological order. It returns the
// number of alerts that became pending.
func (tx *Tx) Save(now time.Time, transitions []Transition) (newAlerts int, err error) {
	b := incidentChanges{tx: tx, now: now, channels: map[int64][]monitor.Channel{}, policies: map[int64][]monitor.Policy{}, nextNumber: map[int64]int64{}}
	var spans, effects [][]any
	last := make(map[int64]int, len(transitions))
	for i, t := range transitions {
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
	b.recordChanges(transitions)
	states, kept, changed := make([][]any, 0, len(last)), [][]any(nil), [][]any(nil)
	for i, t := range transitions {
		if last[t.Heartbeat.Key] == i {
			row, err := stateRow(t, b.withIncident(t.Heartbeat))
			if err != nil {
				return 0, err
			}
			if f, ok := b.flapping[t.Heartbeat.Key]; ok {
				changed = append(changed, append(row, flappingRow(f)...))
			} else if t.KeepsDue {
				kept = append(kept, slices.Delete(row, dueColumn, dueColumn+1))
			} else {
				states = append(states, row)
			}
		}
	}
	if err := tx.savePings(transitions); err != nil {
		return 0, err
	}
	if err := tx.updateBatch(&stateBatch, states); err != nil {
		return 0, fmt.Errorf("save heartbeats: %w", err)
	}
	if err := tx.updateBatch(&keptStateBatch, kept); err != nil {
		return 0, fmt.Errorf("save heartbeats: %w", err)
	}
	if err := tx.updateBatch(&changedStateBatch, changed); err != nil {
		return 0, fmt.Errorf("save heartbeats: %w", err)
	}
	tx.changes.declareStates(transitions)
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
	policies   map[int64][]monitor.Policy  // by project
	nextNumber map[int64]int64             // next incident number, by project
	ids        []string                    // of the incidents that open in this batch, in their order
	openedHere map[int64]string            // incidents that opened in this batch and are unresolved, by heartbeat
	flapping   map[int64]monitor.Flapping  // after this batch, of the heartbeats whose incidents opened or were resolved
	flaps      []flap                      // of each transition

	incidents, entries, alerts [][]any
	newAlerts                  [][]any // about incidents that open in this batch
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
	for n, t := range transitions {
		if err := b.collectOne(b.withIncident(t.Heartbeat), t.Change, b.flaps[n]); err != nil {
			return err
		}
	}
	return nil
}

// prepare reads the channels and policies of the projects, and reserves incident numbers. The row
// with the number also serializes the incidents of a project.
func (b *incidentChanges) prepare(transitions []Transition) error {
	needed, alerting := map[int64]int64{}, map[int64]bool{}
	for _, t := range transitions {
		if t.Change.Notable() {
			needed[t.Heartbeat.Project] += 0
		}
		if t.Change.Opened != nil {
			needed[t.Heartbeat.Project]++
		}
		if t.Change.Opened != nil || !t.Change.LateSince.IsZero() {
			alerting[t.Heartbeat.Project] = true
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
		if alerting[p] {
			if b.policies[p], err = b.tx.Policies(p); err != nil {
				return err
			}
		}
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
func (b *incidentChanges) collectOne(h monitor.Heartbeat, c monitor.Change, f flap) error {
	i := monitor.Incident{ID: h.OpenIncident}
	var notified []string
	if c.Opened != nil {
		i = monitor.Incident{ID: b.ids[0], Number: b.nextNumber[h.Project]}
		b.ids = b.ids[1:]
		b.nextNumber[h.Project]++
		b.open(i, h, c)
	}
	before := h
	before.Flapping, h.Flapping = f.before, f.after
	if c.Opened != nil && h.Muted(b.now) {
		b.addTimelineEntry(i.ID, b.now, "muted", "Not sent: "+h.ExplainMute(b.now)+".")
	}
	b.explainFlapping(i, h, c)
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
		if i.Number, notified, err = b.resolve(i, before, c); err != nil {
			return err
		}
	}
	if c.Resolved != nil && len(notified) > 0 && h.FlappingHolds(monitor.IncidentResolved, monitor.Incident{ResolvedAt: c.Resolved.At, Resolution: c.Resolved.Reason}, b.now) {
		b.addTimelineEntry(i.ID, b.now, "flapping", "Recovery not sent: "+monitor.ExplainFlappingHold+".")
	}
	alerts := h.AlertsFor(c, i, monitor.Audience{Channels: b.channels[h.Project], Policies: b.policies[h.Project], Notified: notified}, b.now)
	reminders := map[string]int{}
	for _, a := range alerts {
		repeat := 0
		if a.Event == monitor.IncidentReminder {
			repeat = reminders[a.Channel]
			reminders[a.Channel]++
		}
		a.ID = alertID(a, repeat)
		inBurst := a.Event == monitor.IncidentOpened && b.tx.db.bursts.Contains(a.Channel, c.Opened.Cause, b.now)
		if row := alertRow(a, inBurst); c.Opened != nil && a.Incident != "" {
			b.newAlerts = append(b.newAlerts, row)
		} else {
			b.alerts = append(b.alerts, row)
		}
	}
	if len(alerts) > 0 && i.ID != "" {
		b.alerted = append(b.alerted, h.Key)
	}
	return nil
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
		micros(o.Due), micros(o.LastPing), o.Reason, o.PingNumber, micros(resolved), string(ending), "", validText(o.Host),
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
	i, _, err = queryOne(b.tx, func(row scanner) (monitor.Incident, error) {
		var opened sql.NullInt64
		err := row.Scan(&i.Number, &opened)
		i.OpenedAt = timeFromMicros(opened)
		return i, err
	}, `UPDATE incidents SET resolved = $2, resolution = $3 WHERE id = $1 AND resolved IS NULL RETURNING number, opened`, i.ID, micros(r.At), string(r.Reason))
	number = i.Number
	if err != nil {
		return 0, nil, fmt.Errorf("resolve incident: %w", err)
	}
	// First, because channels of later steps were not notified, and no mute held these back.
	steps, err := b.tx.deleteUnsentReminders(i.ID)
	if err != nil {
		return 0, nil, err
	}
	if ended := steps[i.ID]; len(ended) > 0 {
		b.addTimelineEntry(i.ID, b.now, "escalation", monitor.EndedSteps(ended, "resolved"))
	}
	if h.Muted(b.now) {
		held, err := b.tx.deleteHeldAlerts(i.ID)
		if err != nil {
			return 0, nil, err
		}
		if held > 0 {
			b.addTimelineEntry(i.ID, b.now, "muted", "Not sent: the incident ended while "+h.ExplainMute(b.now)+".")
		}
	}
	if err := b.endFlapping(i, h, r); err != nil {
		return 0, nil, err
	}
	channels, err := b.tx.notifiedChannels(i.ID)
	return number, channels[i.ID], err
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
	}{{&incidentBatch, b.incidents}, {&timelineBatch, b.entries}, {&newAlertBatch, b.newAlerts}, {&alertBatch, b.alerts}} {
		if err := b.tx.insertBatch(part.batch, part.rows); err != nil {
			return fmt.Errorf("add %s: %w", part.batch.Table, err)
		}
	}
	b.alertCount += len(b.newAlerts) + len(b.alerts)
	b.incidents, b.entries, b.newAlerts, b.alerts, b.alerted = nil, nil, nil, nil, nil
	return nil
}

// How often the oldest pings of a history that is too long are deleted: when a
// heartbeat gets a ping whose number is a multiple of pruneEvery, so that a busy
// heartbeat does not wait for the next cleanup. Only whole blocks are deleted.
const (
	pruneEvery = 50
	maxPruned  = 300 // and as many as were added; a longer rest, after a change of the settings, is left to the cleanup
)

var blockBatch = dialect.Batch{Table: "ping_blocks", Columns: dialect.Columns(`
	heartbeat bigint, count bigint, first bigint, earliest bigint, duration bigint, body_bytes bigint, format bigint,
	pings bytea, bodies bytea`)}

// blockRow returns a block in the order of blockBatch.
func blockRow(b *pingblock.Block) []any {
	row := []any{b.Heartbeat, b.Count, b.First, b.Earliest, b.Latest - b.Earliest, b.BodyBytes, b.Format, b.Pings, nil}
	if len(b.Bodies) > 0 {
		row[8] = b.Bodies
	}
	return row
}

// savePings stores the pings of transitions as blocks, and deletes the oldest pings of
// histories that are too long. A flush can have more pings of a heartbeat than are kept:
// the others are not stored.
func (tx *Tx) savePings(transitions []Transition) error {
	blocks, expired := encodePings(transitions, int64(tx.db.retention.PingsPerHeartbeat))
	if err := tx.addBlocks(blocks); err != nil {
		return err
	}
	return tx.prunePings(expired)
}

// encodePings returns the pings of transitions as blocks, and the arguments of pruneRows
// for histories with more than keep pings, if keep is not 0.
func encodePings(transitions []Transition, keep int64) (blocks []pingblock.Block, expired [][]any) {
	var encoder pingblock.Encoder
	chains, next := pingChains(transitions)
	for _, c := range chains {
		key, before, newest := transitions[c.first].Heartbeat.Key, transitions[c.first].Change.Ping.Number-1, transitions[c.last].Change.Ping.Number
		for i := c.first; i >= 0; i = next[i] {
			if p := transitions[i].Change.Ping; keep == 0 || p.Number > newest-keep {
				validateTexts(&p)
				encoder.Add(key, &p)
			}
		}
		if needsPruning(before, newest, keep) {
			expired = append(expired, []any{key, before - keep - maxPruned, newest - keep})
		}
	}
	return encoder.Blocks(), expired
}

// needsPruning reports whether pings are deleted when the number of the newest ping of a
// heartbeat grows.
func needsPruning(before, newest, keep int64) bool {
	return keep > 0 && newest > keep && newest/pruneEvery > before/pruneEvery
}

// validateTexts makes both databases accept the texts of a ping.
func validateTexts(p *monitor.Ping) {
	p.RunID, p.Method, p.Source, p.UserAgent, p.Host = validText(p.RunID), validText(p.Method), validText(p.Source), validText(p.UserAgent), validText(p.Host)
}

// pingChain is the pings of one heartbeat: the indexes of its first and last transition.
type pingChain struct{ first, last int }

// pingChains returns the pings of each heartbeat, and for each transition the index of
// the next one of its heartbeat, -1 for none.
func pingChains(transitions []Transition) (chains []pingChain, next []int) {
	next = make([]int, len(transitions))
	byKey := make(map[int64]int, len(transitions))
	for i := range transitions {
		if next[i] = -1; transitions[i].Change.Ping.Number <= 0 {
			continue
		}
		key := transitions[i].Heartbeat.Key
		if at, found := byKey[key]; found {
			next[chains[at].last], chains[at].last = i, i
		} else {
			byKey[key] = len(chains)
			chains = append(chains, pingChain{i, i})
		}
	}
	return chains, next
}

// addBlocks inserts blocks.
func (tx *Tx) addBlocks(blocks []pingblock.Block) error {
	rows := make([][]any, 0, len(blocks))
	for i := range blocks {
		rows = append(rows, blockRow(&blocks[i]))
	}
	if err := tx.insertBatch(&blockBatch, rows); err != nil {
		return fmt.Errorf("add pings: %w", err)
	}
	return nil
}

// pruneRows delete the pings of a heartbeat between two numbers, excluding the first
// and including the second, in each of the two tables.
var pruneRows = []string{
	`DELETE FROM pings WHERE heartbeat = $1 AND n > $2 AND n <= $3`,
	`DELETE FROM ping_blocks WHERE heartbeat = $1 AND first > $2 AND first <= $3 AND first + count - 1 <= $3`,
}

// pruneArrays is pruneRows for many heartbeats, in one statement.
const pruneArrays = `WITH v AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS v (heartbeat, above, upto)),
	rows AS (DELETE FROM pings USING v WHERE pings.heartbeat = v.heartbeat AND n > above AND n <= upto)
	DELETE FROM ping_blocks USING v WHERE ping_blocks.heartbeat = v.heartbeat AND first > above AND first <= upto AND first + count - 1 <= upto`

// pruneBatch has the arguments of pruneRows.
var pruneBatch = dialect.Batch{Columns: dialect.Columns(`heartbeat bigint, above bigint, upto bigint`)}

// prunePings deletes the pings that rows with the arguments of pruneRows name.
func (tx *Tx) prunePings(rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	if tx.d.ArrayArguments {
		if _, err := tx.exec(pruneArrays, pruneBatch.Arrays(rows)...); err != nil {
			return fmt.Errorf("prune pings: %w", err)
		}
		return nil
	}
	for _, text := range pruneRows {
		if err := tx.execEach(text, rows); err != nil {
			return fmt.Errorf("prune pings: %w", err)
		}
	}
	return nil
}
