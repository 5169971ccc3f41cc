package store

import (
	"database/sql"
	"fmt"
	"slices"
)

// NewestIDs holds the highest numbers of a project. Both numbers only grow, so a higher
// number is newer, regardless of the clocks of the nodes.
type NewestIDs struct {
	Incident  int64 // number of an incident
	Heartbeat int64 // key of a heartbeat
}

// NewestIDs reads the newest incident and heartbeat of a project.
func (tx *Tx) NewestIDs(project int64) (NewestIDs, error) {
	n, _, err := queryOne(tx, func(row scanner) (NewestIDs, error) {
		var incident, heartbeat sql.NullInt64
		err := row.Scan(&incident, &heartbeat)
		return NewestIDs{incident.Int64, heartbeat.Int64}, err
	}, `SELECT (SELECT incidents FROM projects WHERE key = $1),
		(SELECT h.key FROM heartbeats h WHERE h.project = $1 AND h.deleted IS NULL ORDER BY h.key DESC LIMIT 1)`, project)
	if err != nil {
		return n, fmt.Errorf("newest of project: %w", err)
	}
	return n, nil
}

// NewMatches counts the matches of a filter that a page does not show.
type NewMatches struct {
	Total     int // in all
	NewlyDown int // of them, those that went Down since
	Created   int // of them, those that are younger
}

// Both queries give the databases an empty list and never none: what is not in
// NULL is unknown, and would not be counted.

// NewHeartbeatMatches counts what the list for people would show besides the
// heartbeats with the given keys; since is when their page was drawn.
func (tx *Tx) NewHeartbeatMatches(f OverviewFilter, since NewestIDs, shown []int64) (NewMatches, error) {
	c := f.where(tx)
	n := len(c.args)
	c.args = append(c.args, tx.d.intList(append([]int64{}, shown...)), since.Incident, since.Heartbeat)
	down := fmt.Sprintf(`h.status = 'down' AND EXISTS (SELECT 1 FROM incidents i WHERE i.id = h.incident AND i.number > $%d)`, n+2)
	return tx.countNewMatches(fmt.Sprintf(`SELECT COUNT(*), COALESCE(SUM(CASE WHEN %[1]s THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN h.key > $%[2]d AND NOT (%[1]s) THEN 1 ELSE 0 END), 0)
		FROM heartbeats h WHERE %[3]s AND NOT (%[4]s)`, down, n+3, c, tx.d.inList("h.key", fmt.Sprintf("$%d", n+1))), c.args)
}

// NewIncidentMatches counts what the list of incidents would show besides the incidents
// with the given ids; since is when their page was drawn.
func (tx *Tx) NewIncidentMatches(s IncidentSearch, since NewestIDs, shown []string) (NewMatches, error) {
	c := s.where()
	n := len(c.args)
	c.args = append(slices.Clone(c.args), tx.d.textList(append([]string{}, shown...)), since.Incident)
	return tx.countNewMatches(fmt.Sprintf(`SELECT COUNT(*), 0, COALESCE(SUM(CASE WHEN i.number > $%d THEN 1 ELSE 0 END), 0)
		FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat WHERE %s AND NOT (%s)`,
		n+2, c, tx.d.inList("i.id", fmt.Sprintf("$%d", n+1))), c.args)
}

// countNewMatches reads one row of counts.
func (tx *Tx) countNewMatches(query string, args []any) (NewMatches, error) {
	n, _, err := queryOne(tx, func(row scanner) (n NewMatches, err error) {
		return n, row.Scan(&n.Total, &n.NewlyDown, &n.Created)
	}, query, args...)
	if err != nil {
		return n, fmt.Errorf("news of a list: %w", err)
	}
	return n, nil
}
