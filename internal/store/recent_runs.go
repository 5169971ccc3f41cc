package store

import (
	"database/sql"
	"fmt"
	"time"

	"overdue/internal/monitor"
)

// RecentPings returns, by heartbeat, the pings that ended a run among the last n
// of each heartbeat, oldest first and without bodies. It reads at most n rows of
// each history.
func (tx *Tx) RecentPings(heartbeats []int64, n int) (map[int64][]monitor.Ping, error) {
	byKey := map[int64][]monitor.Ping{}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var key int64
		p, err := scanPing(scanPlusFirst{row, &key})
		byKey[key] = append(byKey[key], p)
		return struct{}{}, err
	}, `SELECT p.heartbeat, p.n, p.kind, p.at, p.run_time, p.exit_code, p.run_id, p.method, p.source, p.user_agent, p.body_size, p.flags
		FROM heartbeats h JOIN pings p ON p.heartbeat = h.key AND p.n > h.pings - $2
		WHERE `+tx.d.inList("h.key", "$1")+` AND p.kind IN ('success', 'fail') ORDER BY p.heartbeat, p.at, p.n`,
		tx.d.intList(heartbeats), n)
	if err != nil {
		return nil, fmt.Errorf("recent pings: %w", err)
	}
	return byKey, nil
}

// scanPlusFirst reads one more column before those that a scan function knows.
type scanPlusFirst struct {
	scanner
	into any
}

// Scan reads the further column and the known ones.
func (s scanPlusFirst) Scan(into ...any) error {
	return s.scanner.Scan(append([]any{s.into}, into...)...)
}

// Outage is an incident as the ruler of runs needs it.
type Outage struct {
	Heartbeat        int64
	Cause            monitor.Cause
	Opened, Resolved time.Time // Resolved is zero while it is not
}

// Outages returns the newest n incidents of heartbeats that were open at or
// after since, by heartbeat and oldest first.
func (tx *Tx) Outages(heartbeats []int64, since time.Time, n int) (map[int64][]Outage, error) {
	found, err := queryAll(tx, func(row scanner) (Outage, error) {
		var o Outage
		var opened, resolved sql.NullInt64
		err := row.Scan(&o.Heartbeat, &o.Cause, &opened, &resolved)
		o.Opened, o.Resolved = timeFromMicros(opened), timeFromMicros(resolved)
		return o, err
	}, `SELECT i.heartbeat, i.cause, i.opened, i.resolved FROM incidents i
		WHERE `+tx.d.inList("i.heartbeat", "$1")+` AND (i.resolved IS NULL OR i.resolved >= $2) ORDER BY i.opened DESC LIMIT $3`,
		tx.d.intList(heartbeats), since.UnixMicro(), n)
	if err != nil {
		return nil, fmt.Errorf("outages: %w", err)
	}
	byKey := map[int64][]Outage{}
	for i := len(found) - 1; i >= 0; i-- {
		byKey[found[i].Heartbeat] = append(byKey[found[i].Heartbeat], found[i])
	}
	return byKey, nil
}

// PingLogFilter says which part of a history is shown.
type PingLogFilter struct {
	Heartbeat int64
	Kind      monitor.PingKind // any when empty
	Before    int64            // number of the last one of the page before, 0 to begin
	Limit     int
	BodyBytes int // of each body that are fetched
}

// PingLogFilter lists a part of a history, newest first, with the beginning of each
// body.
func (tx *Tx) PingLog(l PingLogFilter) ([]monitor.Ping, error) {
	pings, err := queryAll(tx, func(row scanner) (monitor.Ping, error) {
		var body []byte
		p, err := scanPing(scanPlusLast{row, &body})
		p.Body = body
		return p, err
	}, `SELECT `+pingColumns+`, substr(body, 1, $5) FROM pings
		WHERE heartbeat = $1 AND ($2 = 0 OR n < $2) AND ($3 = '' OR kind = $3) ORDER BY n DESC LIMIT $4`,
		l.Heartbeat, l.Before, string(l.Kind), l.Limit, l.BodyBytes)
	if err != nil {
		return nil, fmt.Errorf("log of pings: %w", err)
	}
	return pings, nil
}

// CountPingsSince counts the pings of a heartbeat since a moment.
func (tx *Tx) CountPingsSince(heartbeat int64, since time.Time) (int, error) {
	n, _, err := queryOne(tx, scanInt, `SELECT COUNT(*) FROM pings WHERE heartbeat = $1 AND at >= $2`, heartbeat, since.UnixMicro())
	return n, err
}

// AuditAction is who did something last, and when.
type AuditAction struct {
	Actor string
	At    time.Time
}

// LastAuditActions returns the last time that something was done to each of the
// targets, by target, as the audit log names them.
func (tx *Tx) LastAuditActions(project int64, action string, targets []string) (map[string]AuditAction, error) {
	deeds := map[string]AuditAction{}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var target string
		var d AuditAction
		var at sql.NullInt64
		err := row.Scan(&target, &d.Actor, &at)
		d.At = timeFromMicros(at)
		deeds[target] = d
		return struct{}{}, err
	}, `SELECT a.target, a.actor, a.at FROM audit a
		WHERE a.project = $1 AND a.action = $2 AND `+tx.d.inList("a.target", "$3")+` ORDER BY a.at`, project, action, tx.d.textList(targets))
	if err != nil {
		return nil, fmt.Errorf("last deeds: %w", err)
	}
	return deeds, nil
}

// DeletedHeartbeatForUpdate returns a heartbeat that was deleted at or after since, by id
// or ref, locked.
func (tx *Tx) DeletedHeartbeatForUpdate(project int64, idOrRef string, since time.Time) (monitor.Heartbeat, error) {
	h, found, err := queryOne(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
		WHERE h.project = $1 AND (h.id = $2 OR h.ref = $2) AND h.deleted >= $3`+tx.d.forUpdate, project, idOrRef, since.UnixMicro())
	if err == nil && !found {
		err = notFound("heartbeat to be restored; it was deleted too long ago")
	}
	return h, err
}
