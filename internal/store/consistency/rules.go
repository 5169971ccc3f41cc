// Package consistency lists the contradictions between rows that can be repaired
// without guessing, as SQL for both databases. Package store runs it.
//
// A repair deletes only rows whose parent does not exist, and rows that only describe
// the deliveries of such a row.
package consistency

import "fmt"

// Rule is a contradiction between rows.
type Rule struct {
	Name    string   // stable, for programs
	Problem string   // what is wrong, after a number of rows
	Repair  string   // what a repair does, after a number of rows
	Count   string   // query for the number of wrong rows
	Fix     []string // statements that repair all of them
}

// Problem is something wrong in the database.
type Problem struct {
	Name       string // stable, for programs
	Text       string // what is wrong, after the count
	Count      int64
	Repair     string // what a repair does, after the count
	Repairable bool
}

// String describes the problem for people.
func (p Problem) String() string { return fmt.Sprintf("%d %s", p.Count, p.Text) }

// The rows without a parent.
const (
	noAlert       = `NOT EXISTS (SELECT 1 FROM alerts x WHERE x.id = attempts.alert)`
	noChannel     = `NOT EXISTS (SELECT 1 FROM channels x WHERE x.id = alerts.channel)`
	noIncident    = `incident IS NOT NULL AND NOT EXISTS (SELECT 1 FROM incidents x WHERE x.id = alerts.incident)`
	noTimeline    = `NOT EXISTS (SELECT 1 FROM incidents x WHERE x.id = timeline.incident)`
	noThread      = `(NOT EXISTS (SELECT 1 FROM incidents x WHERE x.id = threads.incident) OR NOT EXISTS (SELECT 1 FROM channels x WHERE x.id = threads.channel))`
	noHeartbeat   = `NOT EXISTS (SELECT 1 FROM heartbeats x WHERE x.key = `
	ofIncident    = `incident IN (SELECT id FROM incidents WHERE ` + noHeartbeat + `incidents.heartbeat))`
	orphanAlert   = `((` + noIncident + `) OR ` + noChannel + `)`
	undeliverable = `state = 'pending' AND (EXISTS (SELECT 1 FROM channels x WHERE x.id = alerts.channel AND x.deleted IS NOT NULL)
		OR heartbeat IS NOT NULL AND ` + noHeartbeat + `alerts.heartbeat))`
	lostMember = `state = 'pending' AND carrier <> '' AND NOT EXISTS (SELECT 1 FROM alerts x
		WHERE (x.id = alerts.carrier OR x.parent = alerts.carrier) AND x.state = 'pending')`
	lostGroup = `group_number IS NOT NULL AND (NOT EXISTS (SELECT 1 FROM incident_groups x WHERE x.project = incidents.project AND x.number = incidents.group_number)
		OR NOT EXISTS (SELECT 1 FROM incidents x WHERE x.project = incidents.project AND x.number = incidents.group_number AND x.group_number = x.number))`
	emptyGroup = `NOT EXISTS (SELECT 1 FROM incidents x WHERE x.project = incident_groups.project AND x.group_number = incident_groups.number
		AND x.number = x.group_number)`
	otherIncident = `status = 'down' AND deleted IS NULL AND EXISTS (SELECT 1 FROM incidents x WHERE x.heartbeat = heartbeats.key
		AND x.resolved IS NULL AND (heartbeats.incident IS NULL OR x.id <> heartbeats.incident))`
	newestRow      = `(SELECT COALESCE(MAX(p.n), 0) FROM pings p WHERE p.heartbeat = heartbeats.key)`
	newestOfBlocks = `COALESCE((SELECT b.first + b.count - 1 FROM ping_blocks b WHERE b.heartbeat = heartbeats.key ORDER BY b.first DESC LIMIT 1), 0)`
)

// Rules are all rules. A repair runs them in this order: rows come before their
// children.
var Rules = []Rule{
	{
		"incidents_without_heartbeat", "incidents whose heartbeat does not exist", "deleted with their timelines and alerts",
		`SELECT COUNT(*) FROM incidents WHERE ` + noHeartbeat + `incidents.heartbeat)`,
		[]string{
			`DELETE FROM attempts WHERE alert IN (SELECT id FROM alerts WHERE ` + ofIncident + `)`,
			`DELETE FROM alerts WHERE ` + ofIncident, `DELETE FROM timeline WHERE ` + ofIncident, `DELETE FROM threads WHERE ` + ofIncident,
			`DELETE FROM incidents WHERE ` + noHeartbeat + `incidents.heartbeat)`,
		},
	},
	{
		"incidents_without_group", "incidents whose group, or its first incident, does not exist", "shown alone",
		`SELECT COUNT(*) FROM incidents WHERE ` + lostGroup,
		[]string{`UPDATE incidents SET group_number = NULL WHERE ` + lostGroup},
	},
	{
		"groups_without_incident", "groups of incidents whose first incident does not exist", "deleted",
		`SELECT COUNT(*) FROM incident_groups WHERE ` + emptyGroup,
		[]string{`DELETE FROM incident_groups WHERE ` + emptyGroup},
	},
	{
		"timeline_without_incident", "entries of timelines whose incident does not exist", "deleted",
		`SELECT COUNT(*) FROM timeline WHERE ` + noTimeline,
		[]string{`DELETE FROM timeline WHERE ` + noTimeline},
	},
	{
		"threads_without_parent", "threads whose incident or channel does not exist", "deleted",
		`SELECT COUNT(*) FROM threads WHERE ` + noThread,
		[]string{`DELETE FROM threads WHERE ` + noThread},
	},
	{
		"alerts_without_parent", "alerts whose incident or channel does not exist", "deleted with their attempts",
		`SELECT COUNT(*) FROM alerts WHERE ` + orphanAlert,
		[]string{
			`DELETE FROM attempts WHERE alert IN (SELECT id FROM alerts WHERE ` + orphanAlert + `)`,
			`DELETE FROM alerts WHERE ` + orphanAlert,
		},
	},
	{
		"attempts_without_alert", "delivery attempts whose alert does not exist", "deleted",
		`SELECT COUNT(*) FROM attempts WHERE ` + noAlert,
		[]string{`DELETE FROM attempts WHERE ` + noAlert},
	},
	{
		"alerts_undeliverable", "pending alerts whose channel was deleted or whose heartbeat does not exist", "marked as failed",
		`SELECT COUNT(*) FROM alerts WHERE ` + undeliverable,
		[]string{`UPDATE alerts SET state = 'failed', holder = NULL WHERE ` + undeliverable},
	},
	{
		"alerts_without_carrier", "pending alerts that wait for a grouped alert which does not exist or is no longer pending", "made due, to be sent again",
		`SELECT COUNT(*) FROM alerts WHERE ` + lostMember,
		[]string{`UPDATE alerts SET carrier = NULL, next_at = created WHERE ` + lostMember},
	},
	{
		"pings_without_heartbeat", "pings whose heartbeat does not exist", "deleted",
		`SELECT (SELECT COUNT(*) FROM pings WHERE ` + noHeartbeat + `pings.heartbeat)) +
			(SELECT COALESCE(SUM(count), 0) FROM ping_blocks WHERE ` + noHeartbeat + `ping_blocks.heartbeat))`,
		[]string{
			`DELETE FROM pings WHERE ` + noHeartbeat + `pings.heartbeat)`,
			`DELETE FROM ping_blocks WHERE ` + noHeartbeat + `ping_blocks.heartbeat)`,
		},
	},
	{
		"runs_without_heartbeat", "spans of run histories whose heartbeat does not exist", "deleted",
		`SELECT COUNT(*) FROM slots WHERE ` + noHeartbeat + `slots.heartbeat)`,
		[]string{`DELETE FROM slots WHERE ` + noHeartbeat + `slots.heartbeat)`},
	},
	{
		"counters_missing", "missing counters", "added",
		`SELECT 3 - COUNT(*) FROM counters WHERE name IN ('projects', 'heartbeats', 'cleanup')`,
		[]string{`INSERT INTO counters (name, value) VALUES ('projects', 0), ('heartbeats', 0), ('cleanup', 0) ON CONFLICT (name) DO NOTHING`},
	},
	{
		"counters_behind", "counters of keys that are below the highest key", "raised to the highest key",
		`SELECT COUNT(*) FROM counters WHERE name = 'projects' AND value < (SELECT COALESCE(MAX(key), 0) FROM projects)
			OR name = 'heartbeats' AND value < (SELECT COALESCE(MAX(key), 0) FROM heartbeats)`,
		[]string{
			`UPDATE counters SET value = (SELECT MAX(key) FROM projects) WHERE name = 'projects' AND value < (SELECT COALESCE(MAX(key), 0) FROM projects)`,
			`UPDATE counters SET value = (SELECT MAX(key) FROM heartbeats) WHERE name = 'heartbeats' AND value < (SELECT COALESCE(MAX(key), 0) FROM heartbeats)`,
		},
	},
	{
		"incident_numbers_behind", "projects whose last incident number is below that of an incident", "raised to the highest number",
		`SELECT COUNT(*) FROM projects WHERE incidents < (SELECT COALESCE(MAX(i.number), 0) FROM incidents i WHERE i.project = projects.key)`,
		[]string{`UPDATE projects SET incidents = (SELECT MAX(i.number) FROM incidents i WHERE i.project = projects.key)
			WHERE incidents < (SELECT COALESCE(MAX(i.number), 0) FROM incidents i WHERE i.project = projects.key)`},
	},
	{
		"ping_numbers_behind", "heartbeats whose last ping number is below that of a ping", "raised to the highest number",
		`SELECT COUNT(*) FROM heartbeats WHERE pings < ` + newestRow + ` OR pings < ` + newestOfBlocks,
		[]string{
			`UPDATE heartbeats SET pings = ` + newestRow + ` WHERE pings < ` + newestRow,
			`UPDATE heartbeats SET pings = ` + newestOfBlocks + ` WHERE pings < ` + newestOfBlocks,
		},
	},
	{
		"down_with_another_incident", "heartbeats that are Down and do not name their open incident", "connected with it",
		`SELECT COUNT(*) FROM heartbeats WHERE ` + otherIncident,
		[]string{`UPDATE heartbeats SET incident = (SELECT x.id FROM incidents x WHERE x.heartbeat = heartbeats.key AND x.resolved IS NULL) WHERE ` + otherIncident},
	},
}
