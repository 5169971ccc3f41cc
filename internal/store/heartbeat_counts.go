package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/listindex"
)

// Types of the counts of heartbeats.
type (
	StatusCounts = listindex.StatusCounts
	TagCount     = listindex.TagCount
)

// StatusCounts counts the heartbeats of a project by status.
func (tx *Tx) StatusCounts(project int64) (StatusCounts, error) {
	t := StatusCounts{ByStatus: map[monitor.Status]int{}}
	if tx.viewLists(func(v listindex.View) { t = v.StatusCounts(project) }) {
		return t, nil
	}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var status monitor.Status
		var n, running int
		err := row.Scan(&status, &n, &running)
		t.ByStatus[status] += n
		t.Running += running
		return struct{}{}, err
	}, `SELECT h.status, COUNT(*), SUM(CASE WHEN `+runInProgress+` THEN 1 ELSE 0 END)
		FROM heartbeats h WHERE h.project = $1 AND h.deleted IS NULL GROUP BY h.status`, project)
	if err != nil {
		return t, fmt.Errorf("heartbeats by status: %w", err)
	}
	return t, nil
}

// TopTags lists the n most used tags of a project, and the total number of tags.
func (tx *Tx) TopTags(project int64, n int) (tags []TagCount, total int, err error) {
	if tx.viewLists(func(v listindex.View) { tags, total = v.TopTags(project, n) }) {
		return tags, total, nil
	}
	tags, err = queryAll(tx, func(row scanner) (c TagCount, err error) { return c, row.Scan(&c.Tag, &c.Count, &total) },
		`SELECT t.value, COUNT(*), COUNT(*) OVER () FROM heartbeats h, `+tx.d.TagRows+` t
		WHERE h.project = $1 AND h.deleted IS NULL AND h.tags <> '[]'
		GROUP BY t.value ORDER BY COUNT(*) DESC, t.value LIMIT $2`, project, n)
	if err != nil {
		return nil, 0, fmt.Errorf("tags: %w", err)
	}
	return tags, total, nil
}

// ExpectedByMinute counts the heartbeats of a project that are expected to ping in
// each of the 60 minutes after now.
func (tx *Tx) ExpectedByMinute(project int64, now time.Time) (minutes [60]int, err error) {
	const minute = int64(time.Minute / time.Microsecond)
	from := now.UnixMicro()
	if tx.viewLists(func(v listindex.View) { minutes = v.ExpectedByMinute(project, from) }) {
		return minutes, nil
	}
	_, err = queryAll(tx, func(row scanner) (struct{}, error) {
		var m, n int
		err := row.Scan(&m, &n)
		if err == nil && m >= 0 && m < len(minutes) {
			minutes[m] = n
		}
		return struct{}{}, err
	}, `SELECT (`+expectedAt+` - $2) / $3, COUNT(*) FROM heartbeats h
		WHERE h.project = $1 AND h.deleted IS NULL AND h.status = 'up' AND `+expectedAt+` >= $2 AND `+expectedAt+` < $4
		GROUP BY 1`, project, from, minute, from+60*minute)
	if err != nil {
		return minutes, fmt.Errorf("expected pings by minute: %w", err)
	}
	return minutes, nil
}

// HeartbeatFingerprint changes whenever something about a heartbeat changes. It is
// cheap to read.
type HeartbeatFingerprint struct {
	Key                     int64
	Status                  string
	Pings, Updated, Deleted int64
	Incident                string
}

// HeartbeatFingerprints returns the fingerprints of heartbeats, in the order of their
// keys.
func (tx *Tx) HeartbeatFingerprints(keys []int64) ([]HeartbeatFingerprint, error) {
	found, err := queryAll(tx, func(row scanner) (p HeartbeatFingerprint, err error) {
		err = row.Scan(&p.Key, &p.Status, &p.Pings, &p.Updated, &p.Deleted, &p.Incident)
		if tx.reader != nil && err == nil {
			var h monitor.Heartbeat
			h, err = tx.reader.Heartbeat(monitor.Heartbeat{Key: p.Key, PingCount: p.Pings, Status: monitor.Status(p.Status)})
			p.Status, p.Pings = string(h.Status), h.PingCount
		}
		return p, err
	}, `SELECT h.key, h.status, h.pings, h.updated, COALESCE(h.deleted, 0), COALESCE(h.incident, '')
		FROM heartbeats h WHERE `+tx.d.InList("h.key", "$1")+` ORDER BY h.key`, tx.d.IntList(keys))
	if err != nil {
		return nil, fmt.Errorf("fingerprints of heartbeats: %w", err)
	}
	return found, nil
}

// NavCounts counts what needs attention in a project. A project without a channel
// does: its incidents cause no notification.
type NavCounts struct {
	DownHeartbeats      int
	UnresolvedIncidents int
	FailingChannels     int
	Channels            int // in total
}

// NavCounts counts what needs attention in a project.
func (tx *Tx) NavCounts(project int64) (NavCounts, error) {
	down := `(SELECT COUNT(*) FROM heartbeats WHERE project = $1 AND deleted IS NULL AND status = 'down')`
	indexed := 0
	if tx.viewLists(func(v listindex.View) { indexed = v.StatusCounts(project).ByStatus[monitor.Down] }) {
		down = strconv.Itoa(indexed)
	}
	open, acknowledged, err := tx.CountUnresolvedIncidents(project)
	if err != nil {
		return NavCounts{}, err
	}
	s, _, err := queryOne(tx, func(row scanner) (s NavCounts, err error) {
		return s, row.Scan(&s.DownHeartbeats, &s.FailingChannels, &s.Channels)
	}, `SELECT `+down+`,
		(SELECT COUNT(*) FROM channels WHERE project = $1 AND deleted IS NULL AND failing),
		(SELECT COUNT(*) FROM channels WHERE project = $1 AND deleted IS NULL)`, project)
	if err != nil {
		return s, fmt.Errorf("counts of project: %w", err)
	}
	s.UnresolvedIncidents = open + acknowledged
	return s, nil
}

// HeartbeatCountsByProject counts the heartbeats of each project of a person.
func (tx *Tx) HeartbeatCountsByProject(person string) (map[int64]int, error) {
	type count struct {
		project int64
		n       int
	}
	if all, done, err := tx.indexedCountsByProject(person); done || err != nil {
		return all, err
	}
	counts, err := queryAll(tx, func(row scanner) (c count, err error) {
		return c, row.Scan(&c.project, &c.n)
	}, `SELECT m.project, COUNT(*) FROM members m JOIN heartbeats h ON h.project = m.project AND h.deleted IS NULL
		WHERE m.person = $1 GROUP BY m.project`, person)
	if err != nil {
		return nil, fmt.Errorf("heartbeats of projects: %w", err)
	}
	all := map[int64]int{}
	for _, c := range counts {
		all[c.project] = c.n
	}
	return all, nil
}

// indexedCountsByProject is HeartbeatCountsByProject with the index. done is false without one: another
// reader can have found that it must be loaded again.
func (tx *Tx) indexedCountsByProject(person string) (all map[int64]int, done bool, err error) {
	if tx.lists == nil {
		return nil, false, nil
	}
	projects, err := queryAll(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) },
		`SELECT project FROM members WHERE person = $1`, person)
	if err != nil {
		return nil, false, fmt.Errorf("projects of person: %w", err)
	}
	all = map[int64]int{}
	done = tx.viewLists(func(v listindex.View) {
		for _, key := range projects {
			if n := v.Count(key); n > 0 {
				all[key] = n
			}
		}
	})
	return all, done, nil
}

// projectQueries find the project of a resource, by the name of the resource in URL
// paths. Deleted channels have no page; deleted heartbeats have one, because
// histories link to it.
var projectQueries = map[string]string{
	"heartbeats": `SELECT project FROM heartbeats WHERE (id = $1 OR ref = $1)`,
	"incidents":  `SELECT project FROM incidents WHERE id = $1`,
	"channels":   `SELECT project FROM channels WHERE id = $1 AND deleted IS NULL`,
}

// ProjectOf returns the project of a resource, and whether there is such a resource:
// a heartbeat (by id or ref), an incident or a channel.
func (tx *Tx) ProjectOf(things, id string) (int64, bool, error) {
	text, known := projectQueries[things]
	if !known {
		return 0, false, fmt.Errorf("project of %s: unknown kind of resource", things)
	}
	return queryOne(tx, func(row scanner) (project int64, err error) { return project, row.Scan(&project) }, text, id)
}

// NewestIDs holds the highest numbers of a project. Both numbers only grow, so a
// higher number is newer, regardless of the clocks of the nodes.
type NewestIDs struct {
	Incident  int64 // number of an incident
	Heartbeat int64 // key of a heartbeat
}

// NewestIDs returns the highest numbers of a project.
func (tx *Tx) NewestIDs(project int64) (NewestIDs, error) {
	heartbeat := `(SELECT h.key FROM heartbeats h WHERE h.project = $1 AND h.deleted IS NULL ORDER BY h.key DESC LIMIT 1)`
	var keys []int64
	if tx.viewLists(func(v listindex.View) { keys = v.Newest(project, 1) }) {
		heartbeat = strconv.FormatInt(append(keys, 0)[0], 10)
	}
	n, _, err := queryOne(tx, func(row scanner) (NewestIDs, error) {
		var incident, heartbeat sql.NullInt64
		err := row.Scan(&incident, &heartbeat)
		return NewestIDs{incident.Int64, heartbeat.Int64}, err
	}, `SELECT (SELECT incidents FROM projects WHERE key = $1), `+heartbeat, project)
	if err != nil {
		return n, fmt.Errorf("newest ids of project: %w", err)
	}
	return n, nil
}

// NewMatches counts the matches of a filter that a page does not show.
type NewMatches struct {
	Total     int
	NewlyDown int // heartbeats that are Down since then
	Created   int // created since then
}

// Both queries pass an empty list and never NULL: x NOT IN (NULL) is unknown, and
// would count nothing.

// NewHeartbeatMatches counts the heartbeats that a list would show in addition to
// those with the given keys. since is when the page was rendered.
func (tx *Tx) NewHeartbeatMatches(f HeartbeatFilter, since NewestIDs, shown []int64) (NewMatches, error) {
	if n, done, err := tx.newIndexedMatches(f, since, shown); done || err != nil {
		return n, err
	}
	c := tx.heartbeatsWhere(f)
	n := len(c.args)
	c.args = append(c.args, tx.d.IntList(append([]int64{}, shown...)), since.Incident, since.Heartbeat)
	down := fmt.Sprintf(`h.status = 'down' AND EXISTS (SELECT 1 FROM incidents i WHERE i.id = h.incident AND i.number > $%d)`, n+2)
	return tx.countNewMatches(fmt.Sprintf(`SELECT COUNT(*), COALESCE(SUM(CASE WHEN %[1]s THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN h.key > $%[2]d AND NOT (%[1]s) THEN 1 ELSE 0 END), 0)
		FROM heartbeats h WHERE %[3]s AND NOT (%[4]s)`, down, n+3, c, tx.d.InList("h.key", fmt.Sprintf("$%d", n+1))), c.args)
}

// maxNewlyDown limits how many heartbeats that went Down are compared with a filter.
const maxNewlyDown = 10_000

// newIndexedMatches is NewHeartbeatMatches with the index. done is false without one.
func (tx *Tx) newIndexedMatches(f HeartbeatFilter, since NewestIDs, shown []int64) (n NewMatches, done bool, err error) {
	if tx.lists == nil {
		return n, false, nil
	}
	down, err := queryAll(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) },
		`SELECT h.key FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat
		WHERE i.project = $1 AND i.resolved IS NULL AND i.number > $2 AND h.incident = i.id AND h.status = 'down' AND h.deleted IS NULL LIMIT $3`,
		f.Project, since.Incident, maxNewlyDown)
	if err != nil {
		return n, false, fmt.Errorf("heartbeats that went Down: %w", err)
	}
	ids, err := tx.keysByID(f)
	if err != nil {
		return n, false, err
	}
	done = tx.viewLists(func(v listindex.View) {
		var matching map[int64]bool
		n.Total, n.Created, matching = v.Matching(f, ids, since.Heartbeat, slices.Concat(shown, down))
		for _, key := range shown {
			if matching[key] {
				n.Total--
				if key > since.Heartbeat {
					n.Created--
				}
			}
			delete(matching, key)
		}
		for _, key := range down {
			if matching[key] {
				n.NewlyDown++
				if key > since.Heartbeat {
					n.Created--
				}
			}
		}
	})
	return n, done, nil
}

// NewIncidentMatches counts the incidents that a list would show in addition to those
// with the given ids, among the newest MaxCountedIncidents. since is when the page was rendered.
func (tx *Tx) NewIncidentMatches(s IncidentFilter, since NewestIDs, shown []string) (n NewMatches, err error) {
	count, err := tx.CountIncidents(s)
	if err != nil {
		return n, err
	}
	c, err := tx.incidentsWhere(s)
	if err != nil {
		return n, err
	}
	first := len(c.args) + 1
	c.args = append(slices.Clone(c.args), tx.d.TextList(append([]string{}, shown...)), since.Incident)
	listed := tx.d.InList("i.id", fmt.Sprintf("$%d", first))
	matching, err := tx.countNewMatches(fmt.Sprintf(`SELECT
		(SELECT COUNT(*) FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat WHERE %[1]s AND %[2]s), 0,
		(SELECT COUNT(*) FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat WHERE %[1]s AND i.number > $%[3]d AND NOT (%[2]s))`,
		c, listed, first+1), c.args)
	n.Total, n.Created = count.Total-matching.Total, matching.Created
	return n, err
}

// countNewMatches reads one row of counts.
func (tx *Tx) countNewMatches(query string, args []any) (NewMatches, error) {
	n, _, err := queryOne(tx, func(row scanner) (n NewMatches, err error) {
		return n, row.Scan(&n.Total, &n.NewlyDown, &n.Created)
	}, query, args...)
	if err != nil {
		return n, fmt.Errorf("new matches of a list: %w", err)
	}
	return n, nil
}

// remoteLists is what this node knows of the changes of other nodes.
type remoteLists struct {
	last map[string]int64 // number of the last row that was read, by node
	// incomplete means that a live node publishes no changes: its version is earlier.
	incomplete atomic.Bool
}

// remoteNode is another node.
type remoteNode struct {
	id      string
	changes sql.NullInt64
}

// remoteChanges returns which heartbeats other nodes have changed since the last call. known is false if
// a node came or went, or if changes are missing.
func (db *DB) remoteChanges(ctx context.Context) (e listindex.Effects, known bool, err error) {
	r := &db.remote
	e.Rereads, known = map[int64]int64{}, true
	err = db.viewTables(ctx, func(tx *Tx) error {
		nodes, err := queryAll(tx, func(row scanner) (n remoteNode, err error) { return n, row.Scan(&n.id, &n.changes) },
			`SELECT id, changes FROM nodes WHERE id <> $1 AND seen > $2`, db.node, micros(db.Now().Add(-previousNodeTimeout)))
		if err != nil {
			return err
		}
		last, incomplete := make(map[string]int64, len(nodes)), false
		for _, n := range nodes {
			before, seen := r.last[n.id]
			incomplete = incomplete || !n.changes.Valid
			if last[n.id] = n.changes.Int64; !seen {
				known = false
				continue
			}
			delete(r.last, n.id)
			all, err := tx.changesOf(n, before, e.Rereads)
			if err != nil {
				return err
			}
			known = known && all
		}
		known = known && len(r.last) == 0
		r.last = last
		r.incomplete.Store(incomplete)
		return nil
	})
	if err != nil {
		r.last = nil
		return e, false, fmt.Errorf("changes of other nodes: %w", err)
	}
	return e, known, nil
}

// changesOf adds the changes of a node after a row to keys. It reports whether there is a row for each
// change.
func (tx *Tx) changesOf(n remoteNode, after int64, keys map[int64]int64) (all bool, err error) {
	if n.changes.Int64 == after {
		return true, nil
	}
	rows, err := queryAll(tx, func(row scanner) (text []byte, err error) { return text, row.Scan(&text) },
		`SELECT keys FROM heartbeat_changes WHERE node = $1 AND n > $2 AND n <= $3`, n.id, after, n.changes.Int64)
	if err != nil {
		return false, err
	}
	for _, text := range rows {
		if err := listindex.DecodeKeys(text, keys); err != nil {
			return false, err
		}
		if len(text) == 0 {
			return false, nil
		}
	}
	return int64(len(rows)) == n.changes.Int64-after, nil
}
