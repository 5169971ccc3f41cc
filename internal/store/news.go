package store

import (
	"database/sql"
	"fmt"
	"slices"
)

// Newest holds the highest numbers of a project. Both numbers only grow, so a higher
// number is newer, regardless of the clocks of the nodes.
type Newest struct {
	Incident  int64 // number of an incident
	Heartbeat int64 // key of a heartbeat
}

// Newest reads the newest incident and heartbeat of a project.
func (tx *Tx) Newest(project int64) (Newest, error) {
	n, _, err := one(tx, func(row scanner) (Newest, error) {
		var incident, heartbeat sql.NullInt64
		err := row.Scan(&incident, &heartbeat)
		return Newest{incident.Int64, heartbeat.Int64}, err
	}, `SELECT (SELECT incidents FROM projects WHERE key = $1),
		(SELECT h.key FROM heartbeats h WHERE h.project = $1 AND h.deleted IS NULL ORDER BY h.key DESC LIMIT 1)`, project)
	if err != nil {
		return n, fmt.Errorf("newest of project: %w", err)
	}
	return n, nil
}

// News counts the matches of a filter that a page does not show.
type News struct {
	Beyond int // in all
	Down   int // of them, those that went Down since
	Fresh  int // of them, those that are younger
}

// Both queries give the databases an empty list and never none: what is not in
// NULL is unknown, and would not be counted.

// HeartbeatNews counts what the list for people would show besides the
// heartbeats with the given keys; since is when their page was drawn.
func (tx *Tx) HeartbeatNews(f OverviewFilter, since Newest, shown []int64) (News, error) {
	c := f.where(tx)
	n := len(c.args)
	c.args = append(c.args, tx.d.numbers(append([]int64{}, shown...)), since.Incident, since.Heartbeat)
	down := fmt.Sprintf(`h.status = 'down' AND EXISTS (SELECT 1 FROM incidents i WHERE i.id = h.incident AND i.number > $%d)`, n+2)
	return tx.news(fmt.Sprintf(`SELECT COUNT(*), COALESCE(SUM(CASE WHEN %[1]s THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN h.key > $%[2]d AND NOT (%[1]s) THEN 1 ELSE 0 END), 0)
		FROM heartbeats h WHERE %[3]s AND NOT (%[4]s)`, down, n+3, c, tx.d.in("h.key", fmt.Sprintf("$%d", n+1))), c.args)
}

// IncidentNews counts what the list of incidents would show besides the incidents
// with the given ids; since is when their page was drawn.
func (tx *Tx) IncidentNews(s IncidentSearch, since Newest, shown []string) (News, error) {
	c := s.where()
	n := len(c.args)
	c.args = append(slices.Clone(c.args), tx.d.list(append([]string{}, shown...)), since.Incident)
	return tx.news(fmt.Sprintf(`SELECT COUNT(*), 0, COALESCE(SUM(CASE WHEN i.number > $%d THEN 1 ELSE 0 END), 0)
		FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat WHERE %s AND NOT (%s)`,
		n+2, c, tx.d.in("i.id", fmt.Sprintf("$%d", n+1))), c.args)
}

// news reads one row of counts.
func (tx *Tx) news(query string, args []any) (News, error) {
	n, _, err := one(tx, func(row scanner) (n News, err error) {
		return n, row.Scan(&n.Beyond, &n.Down, &n.Fresh)
	}, query, args...)
	if err != nil {
		return n, fmt.Errorf("news of a list: %w", err)
	}
	return n, nil
}
