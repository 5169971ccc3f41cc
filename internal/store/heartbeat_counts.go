package store

import (
	"database/sql"
	"fmt"
	"slices"
	"time"

	"overdue/internal/monitor"
)

// StatusCounts counts the heartbeats of a project by status.
type StatusCounts struct {
	ByStatus map[monitor.Status]int
	Running  int // heartbeats with a run in progress, of any status
}

// StatusCounts counts the heartbeats of a project by status.
func (tx *Tx) StatusCounts(project int64) (StatusCounts, error) {
	t := StatusCounts{ByStatus: map[monitor.Status]int{}}
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

// TagCount is a tag and the number of heartbeats that have it.
type TagCount struct {
	Tag   string
	Count int
}

// TopTags lists the n most used tags of a project, and the total number of tags.
func (tx *Tx) TopTags(project int64, n int) (tags []TagCount, total int, err error) {
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
			h := tx.reader.Heartbeat(monitor.Heartbeat{Key: p.Key, PingCount: p.Pings, Status: monitor.Status(p.Status)})
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
	s, _, err := queryOne(tx, func(row scanner) (s NavCounts, err error) {
		return s, row.Scan(&s.DownHeartbeats, &s.UnresolvedIncidents, &s.FailingChannels, &s.Channels)
	}, `SELECT (SELECT COUNT(*) FROM heartbeats WHERE project = $1 AND deleted IS NULL AND status = 'down'),
		(SELECT COUNT(*) FROM incidents WHERE project = $1 AND resolved IS NULL),
		(SELECT COUNT(*) FROM channels WHERE project = $1 AND deleted IS NULL AND failing),
		(SELECT COUNT(*) FROM channels WHERE project = $1 AND deleted IS NULL)`, project)
	if err != nil {
		return s, fmt.Errorf("counts of project: %w", err)
	}
	return s, nil
}

// HeartbeatCountsByProject counts the heartbeats of each project of a person.
func (tx *Tx) HeartbeatCountsByProject(person string) (map[int64]int, error) {
	type count struct {
		project int64
		n       int
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
	n, _, err := queryOne(tx, func(row scanner) (NewestIDs, error) {
		var incident, heartbeat sql.NullInt64
		err := row.Scan(&incident, &heartbeat)
		return NewestIDs{incident.Int64, heartbeat.Int64}, err
	}, `SELECT (SELECT incidents FROM projects WHERE key = $1),
		(SELECT h.key FROM heartbeats h WHERE h.project = $1 AND h.deleted IS NULL ORDER BY h.key DESC LIMIT 1)`, project)
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
	c := f.where(tx)
	n := len(c.args)
	c.args = append(c.args, tx.d.IntList(append([]int64{}, shown...)), since.Incident, since.Heartbeat)
	down := fmt.Sprintf(`h.status = 'down' AND EXISTS (SELECT 1 FROM incidents i WHERE i.id = h.incident AND i.number > $%d)`, n+2)
	return tx.countNewMatches(fmt.Sprintf(`SELECT COUNT(*), COALESCE(SUM(CASE WHEN %[1]s THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN h.key > $%[2]d AND NOT (%[1]s) THEN 1 ELSE 0 END), 0)
		FROM heartbeats h WHERE %[3]s AND NOT (%[4]s)`, down, n+3, c, tx.d.InList("h.key", fmt.Sprintf("$%d", n+1))), c.args)
}

// NewIncidentMatches counts the incidents that a list would show in addition to those
// with the given ids. since is when the page was rendered.
func (tx *Tx) NewIncidentMatches(s IncidentFilter, since NewestIDs, shown []string) (NewMatches, error) {
	c := s.where()
	n := len(c.args)
	c.args = append(slices.Clone(c.args), tx.d.TextList(append([]string{}, shown...)), since.Incident)
	return tx.countNewMatches(fmt.Sprintf(`SELECT COUNT(*), 0, COALESCE(SUM(CASE WHEN i.number > $%d THEN 1 ELSE 0 END), 0)
		FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat WHERE %s AND NOT (%s)`,
		n+2, c, tx.d.InList("i.id", fmt.Sprintf("$%d", n+1))), c.args)
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
