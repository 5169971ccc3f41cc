package store

import (
	"database/sql"
	"fmt"
	"slices"
	"time"

	"overdue/internal/monitor"
)

// GroupCounts counts the incidents of a group by state.
type GroupCounts struct{ Open, Acknowledged, Resolved int }

// Total returns the number of incidents of the group.
func (c GroupCounts) Total() int { return c.Open + c.Acknowledged + c.Resolved }

// State returns the state of the group: it is open while one of its incidents is.
func (c GroupCounts) State() monitor.IncidentState {
	switch {
	case c.Open > 0:
		return monitor.StateOpen
	case c.Acknowledged > 0:
		return monitor.StateAcknowledged
	}
	return monitor.StateResolved
}

// GroupFilter selects a page of the groups of a project, newest first.
type GroupFilter struct {
	Project int64
	State   monitor.IncidentState
	Before  int64 // only groups with a lower number; 0: the first page
	Limit   int
}

// groupStates are the conditions that a group has a state.
var groupStates = map[monitor.IncidentState]string{
	monitor.StateOpen: `EXISTS (SELECT 1 FROM incidents m WHERE m.project = g.project AND m.group_number = g.number AND m.resolved IS NULL AND m.acknowledged IS NULL)`,
	monitor.StateAcknowledged: `EXISTS (SELECT 1 FROM incidents m WHERE m.project = g.project AND m.group_number = g.number AND m.resolved IS NULL)
		AND NOT EXISTS (SELECT 1 FROM incidents m WHERE m.project = g.project AND m.group_number = g.number AND m.resolved IS NULL AND m.acknowledged IS NULL)`,
	monitor.StateResolved: `NOT EXISTS (SELECT 1 FROM incidents m WHERE m.project = g.project AND m.group_number = g.number AND m.resolved IS NULL)`,
}

// IncidentGroups returns a page of the groups of a project, newest first.
func (tx *Tx) IncidentGroups(f GroupFilter) ([]monitor.IncidentGroup, error) {
	c := &whereClause{}
	c.add("g.project = ?", f.Project)
	if f.Before > 0 {
		c.add("g.number < ?", f.Before)
	}
	if condition := groupStates[f.State]; condition != "" {
		c.parts = append(c.parts, condition)
	}
	c.args = append(c.args, f.Limit)
	groups, err := queryAll(tx, scanGroup, fmt.Sprintf(`SELECT %s FROM incident_groups g WHERE %s ORDER BY g.number DESC LIMIT $%d`, groupColumns, c, len(c.args)), c.args...)
	if err != nil {
		return nil, fmt.Errorf("list groups of incidents: %w", err)
	}
	return groups, nil
}

// CountGroups counts the incidents of groups, by number.
func (tx *Tx) CountGroups(project int64, numbers []int64) (map[int64]GroupCounts, error) {
	counts := map[int64]GroupCounts{}
	if len(numbers) == 0 {
		return counts, nil
	}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var number int64
		var c GroupCounts
		err := row.Scan(&number, &c.Open, &c.Acknowledged, &c.Resolved)
		counts[number] = c
		return struct{}{}, err
	}, `SELECT i.group_number, COUNT(CASE WHEN i.resolved IS NULL AND i.acknowledged IS NULL THEN 1 END),
			COUNT(CASE WHEN i.resolved IS NULL AND i.acknowledged IS NOT NULL THEN 1 END), COUNT(i.resolved)
		FROM incidents i WHERE i.project = $1 AND `+tx.d.InList("i.group_number", "$2")+` GROUP BY i.group_number`, project, tx.d.IntList(numbers))
	if err != nil {
		return nil, fmt.Errorf("number of incidents of groups: %w", err)
	}
	return counts, nil
}

// maxSharedTags and maxSharedHosts limit the common factors of a group, by kind.
const (
	maxSharedTags  = 5
	maxSharedHosts = 3
)

// FactorCount is a factor and the number of incidents of a group that have it.
type FactorCount struct {
	monitor.Factor
	Count int
}

// GroupFacts is what the incidents of a group have in common, and when they opened.
type GroupFacts struct {
	Factors        []FactorCount // most specific first, then those that most incidents have; at least two incidents have each
	Causes         map[monitor.Cause]int
	Due            int       // incidents of a missed deadline
	DueFrom, DueTo time.Time // their deadlines
	Opened         []int     // openings, in equal parts of the time from the first to the last
	From, To       time.Time // first and last opening
}

// groupBars is the number of parts of GroupFacts.Opened.
const groupBars = 24

// ofGroup selects the incidents of a group.
const ofGroup = ` FROM incidents i WHERE i.project = $1 AND i.group_number = $2`

// GroupFacts reads the facts about a group.
func (tx *Tx) GroupFacts(g monitor.IncidentGroup) (f GroupFacts, err error) {
	_, _, err = queryOne(tx, func(row scanner) (struct{}, error) {
		var from, to, dueFrom, dueTo sql.NullInt64
		err := row.Scan(&from, &to, &f.Due, &dueFrom, &dueTo)
		f.From, f.To, f.DueFrom, f.DueTo = timeFromMicros(from), timeFromMicros(to), timeFromMicros(dueFrom), timeFromMicros(dueTo)
		return struct{}{}, err
	}, `SELECT MIN(i.opened), MAX(i.opened), COUNT(i.due), MIN(i.due), MAX(i.due)`+ofGroup, g.Project, g.Number)
	if err != nil {
		return f, fmt.Errorf("openings of group: %w", err)
	}
	if f.Causes, err = countBy[monitor.Cause](tx, `SELECT i.cause, COUNT(*)`+ofGroup+` GROUP BY i.cause`, g); err != nil {
		return f, err
	}
	width := f.To.Sub(f.From).Microseconds()/groupBars + 1
	bars, err := countBy[int](tx, fmt.Sprintf(`SELECT (i.opened - %d) / %d, COUNT(*)`+ofGroup+` GROUP BY 1`, f.From.UnixMicro(), width), g)
	if err != nil {
		return f, err
	}
	f.Opened = make([]int, groupBars)
	for bar, n := range bars {
		f.Opened[bar] += n
	}
	f.Factors, err = tx.sharedFactors(g)
	return f, err
}

// sharedFactors counts the factors that incidents of a group share.
func (tx *Tx) sharedFactors(g monitor.IncidentGroup) (shared []FactorCount, err error) {
	hosts, err := countBy[string](tx, `SELECT i.host, COUNT(*)`+ofGroup+` AND i.host <> '' GROUP BY i.host`, g)
	if err != nil {
		return nil, err
	}
	names, sources := map[string]int{}, map[string]int{}
	for value, n := range hosts {
		if f, _ := monitor.HostFactor(value); f.Kind == monitor.FactorHost {
			names[value] = n
		} else {
			sources[value] = n
		}
	}
	lists, err := countBy[string](tx, `SELECT h.tags, COUNT(*) FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat
		WHERE i.project = $1 AND i.group_number = $2 GROUP BY h.tags`, g)
	if err != nil {
		return nil, err
	}
	tags := map[string]int{}
	for text, n := range lists {
		list, err := decodeList(text)
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			tags[t] += n
		}
	}
	shared = append(mostShared(monitor.FactorHost, names, maxSharedHosts), mostShared(monitor.FactorSource, sources, maxSharedHosts)...)
	return append(shared, mostShared(monitor.FactorTag, tags, maxSharedTags)...), nil
}

// mostShared returns the n values that most incidents have, and at least two.
func mostShared(kind monitor.FactorKind, counts map[string]int, n int) (shared []FactorCount) {
	for value, count := range counts {
		if count > 1 {
			shared = append(shared, FactorCount{monitor.Factor{Kind: kind, Value: value}, count})
		}
	}
	slices.SortFunc(shared, func(a, b FactorCount) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		if a.Value < b.Value {
			return -1
		}
		return 1
	})
	return shared[:min(n, len(shared))]
}

// countBy runs a query for values and numbers, about a group.
func countBy[K comparable](tx *Tx, text string, g monitor.IncidentGroup) (map[K]int, error) {
	counts := map[K]int{}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var key K
		var n int
		err := row.Scan(&key, &n)
		counts[key] += n
		return struct{}{}, err
	}, text, g.Project, g.Number)
	if err != nil {
		return nil, fmt.Errorf("facts of group: %w", err)
	}
	return counts, nil
}

// ChannelAlerts counts the alerts of a channel about the opening of the incidents of a group. Each alert is
// counted once.
type ChannelAlerts struct {
	Channel, Name, Kind string
	Alone               int // sent in a separate message
	Grouped, Messages   int // sent in messages about several incidents, and the number of these messages
	Pending, Held       int // not sent yet; a step of a policy, a mute or another rule holds the latter back
	Failed              int
}

// Total returns the number of alerts.
func (c ChannelAlerts) Total() int { return c.Alone + c.Grouped + c.Pending + c.Held + c.Failed }

// GroupAlertsByChannel counts the alerts about the opening of the incidents of a group, by channel.
func (tx *Tx) GroupAlertsByChannel(g monitor.IncidentGroup, now time.Time) ([]ChannelAlerts, error) {
	channels, err := queryAll(tx, func(row scanner) (c ChannelAlerts, err error) {
		return c, row.Scan(&c.Channel, &c.Name, &c.Kind, &c.Alone, &c.Grouped, &c.Messages, &c.Pending, &c.Held, &c.Failed)
	}, `SELECT a.channel, c.name, c.kind,
			COUNT(CASE WHEN a.state = 'sent' AND COALESCE(a.carrier, '') = '' THEN 1 END),
			COUNT(CASE WHEN a.state = 'sent' AND a.carrier <> '' THEN 1 END),
			COUNT(DISTINCT CASE WHEN a.state = 'sent' AND a.carrier <> '' THEN a.carrier END),
			COUNT(CASE WHEN a.state = 'pending' AND NOT (a.attempts = 0 AND a.asked > $3) THEN 1 END),
			COUNT(CASE WHEN a.state = 'pending' AND a.attempts = 0 AND a.asked > $3 THEN 1 END),
			COUNT(CASE WHEN a.state = 'failed' THEN 1 END)
		FROM incidents i JOIN alerts a ON a.incident = i.id AND a.event = 'incident.opened' AND a.parent IS NULL JOIN channels c ON c.id = a.channel
		WHERE i.project = $1 AND i.group_number = $2 GROUP BY a.channel, c.name, c.kind ORDER BY c.name, a.channel`, g.Project, g.Number, micros(now))
	if err != nil {
		return nil, fmt.Errorf("alerts of group: %w", err)
	}
	return channels, nil
}

// GroupOfMembers returns the number of the group that all incidents of a message belong to, 0 if they do not
// belong to one.
func (tx *Tx) GroupOfMembers(leader string) (int64, error) {
	groups, err := queryAll(tx, func(row scanner) (n int64, err error) { return n, row.Scan(&n) },
		`SELECT DISTINCT COALESCE(i.group_number, 0) FROM alerts a LEFT JOIN incidents i ON i.id = a.incident WHERE a.carrier = $1 AND a.carrier <> '' LIMIT 2`, leader)
	if err != nil {
		return 0, fmt.Errorf("group of the incidents of a message: %w", err)
	}
	if len(groups) != 1 {
		return 0, nil
	}
	return groups[0], nil
}

// SnoozeMembers snoozes some open members of a group, with higher numbers than one. It returns those that
// it read: there are more if it read any.
func (tx *Tx) SnoozeMembers(g monitor.IncidentGroup, by string, until time.Time, after int64, now time.Time) ([]monitor.Incident, error) {
	members, err := tx.openMembers(g, after, maxAckedAtOnce)
	for _, i := range members {
		if err == nil {
			_, err = tx.SnoozeIncident(i, by, until, now)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("snooze group: %w", err)
	}
	return members, nil
}

// CountMembers counts the incidents of a group that a search matches.
func (tx *Tx) CountMembers(s IncidentFilter) (int, error) {
	c, err := tx.incidentsWhere(s)
	if err != nil {
		return 0, err
	}
	n, _, err := queryOne(tx, scanInt, fmt.Sprintf(`SELECT COUNT(*) FROM incidents i WHERE %s`, c), c.args...)
	if err != nil {
		return 0, fmt.Errorf("number of incidents of group: %w", err)
	}
	return n, nil
}
