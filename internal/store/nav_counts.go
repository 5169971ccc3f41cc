package store

import "fmt"

// NavCounts is what of a project asks for attention. A project without a channel
// does: no one is notified of its incidents.
type NavCounts struct {
	DownHeartbeats      int // heartbeats
	UnresolvedIncidents int // incidents
	FailingChannels     int // channels
	Channels            int // in all
}

// NavCounts counts what of a project asks for attention.
func (tx *Tx) NavCounts(project int64) (NavCounts, error) {
	s, _, err := queryOne(tx, func(row scanner) (s NavCounts, err error) {
		return s, row.Scan(&s.DownHeartbeats, &s.UnresolvedIncidents, &s.FailingChannels, &s.Channels)
	}, `SELECT (SELECT COUNT(*) FROM heartbeats WHERE project = $1 AND deleted IS NULL AND status = 'down'),
		(SELECT COUNT(*) FROM incidents WHERE project = $1 AND resolved IS NULL),
		(SELECT COUNT(*) FROM channels WHERE project = $1 AND deleted IS NULL AND failing),
		(SELECT COUNT(*) FROM channels WHERE project = $1 AND deleted IS NULL)`, project)
	if err != nil {
		return s, fmt.Errorf("standing of project: %w", err)
	}
	return s, nil
}

// HeartbeatCountsByProject counts the heartbeats of each project that a person belongs to.
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

// projectQueries are how a thing that a page is about is found, by what it is called
// in paths. What was deleted has no page but where history names it.
var projectQueries = map[string]string{
	"heartbeats": `SELECT project FROM heartbeats WHERE (id = $1 OR ref = $1)`,
	"incidents":  `SELECT project FROM incidents WHERE id = $1`,
	"channels":   `SELECT project FROM channels WHERE id = $1 AND deleted IS NULL`,
}

// ProjectOf returns the project that a thing belongs to, and whether there is such
// a thing: one of the heartbeats (by id or ref), incidents or channels.
func (tx *Tx) ProjectOf(things, id string) (int64, bool, error) {
	text, known := projectQueries[things]
	if !known {
		return 0, false, fmt.Errorf("project of %s: no such things", things)
	}
	return queryOne(tx, func(row scanner) (project int64, err error) { return project, row.Scan(&project) }, text, id)
}
