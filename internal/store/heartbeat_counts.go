package store

import (
	"fmt"
	"time"

	"overdue/internal/monitor"
)

// StatusCounts counts the heartbeats of a project.
type StatusCounts struct {
	ByStatus map[monitor.Status]int
	Running  int // beside the status
}

// StatusCounts counts by status.
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
		return t, fmt.Errorf("tally of heartbeats: %w", err)
	}
	return t, nil
}

// TagCount is a tag and how many heartbeats of a project carry it.
type TagCount struct {
	Tag   string
	Count int
}

// TopTags lists the n most used tags of a project, and how many there are.
func (tx *Tx) TopTags(project int64, n int) (tags []TagCount, total int, err error) {
	tags, err = queryAll(tx, func(row scanner) (c TagCount, err error) { return c, row.Scan(&c.Tag, &c.Count, &total) },
		`SELECT t.value, COUNT(*), COUNT(*) OVER () FROM heartbeats h, `+tx.d.tagRows+` t
		WHERE h.project = $1 AND h.deleted IS NULL AND h.tags <> '[]'
		GROUP BY t.value ORDER BY COUNT(*) DESC, t.value LIMIT $2`, project, n)
	if err != nil {
		return nil, 0, fmt.Errorf("tags: %w", err)
	}
	return tags, total, nil
}

// ExpectedByMinute counts the heartbeats of a project that are expected to ping in each of
// the 60 minutes from now on.
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
		return minutes, fmt.Errorf("the hour ahead: %w", err)
	}
	return minutes, nil
}

// HeartbeatFingerprint is what tells cheaply whether anything about a heartbeat has changed.
type HeartbeatFingerprint struct {
	Key                     int64
	Status                  string
	Pings, Updated, Deleted int64
	Incident                string
}

// HeartbeatFingerprints reads the pulses of heartbeats, in the order of their keys.
func (tx *Tx) HeartbeatFingerprints(keys []int64) ([]HeartbeatFingerprint, error) {
	found, err := queryAll(tx, func(row scanner) (p HeartbeatFingerprint, err error) {
		return p, row.Scan(&p.Key, &p.Status, &p.Pings, &p.Updated, &p.Deleted, &p.Incident)
	}, `SELECT h.key, h.status, h.pings, h.updated, COALESCE(h.deleted, 0), COALESCE(h.incident, '')
		FROM heartbeats h WHERE `+tx.d.inList("h.key", "$1")+` ORDER BY h.key`, tx.d.intList(keys))
	if err != nil {
		return nil, fmt.Errorf("pulses: %w", err)
	}
	return found, nil
}

// HeartbeatsByKey returns those with the given keys that were not deleted, by
// key.
func (tx *Tx) HeartbeatsByKey(keys []int64) (map[int64]monitor.Heartbeat, error) {
	found, err := queryAll(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
		WHERE `+tx.d.inList("h.key", "$1")+` AND h.deleted IS NULL`, tx.d.intList(keys))
	if err != nil {
		return nil, fmt.Errorf("heartbeats: %w", err)
	}
	byKey := make(map[int64]monitor.Heartbeat, len(found))
	for _, h := range found {
		byKey[h.Key] = h
	}
	return byKey, nil
}

// KnownPingIDs returns the ids that belong to a heartbeat of any project. It includes
// deleted heartbeats, because they may be restored.
func (tx *Tx) KnownPingIDs(ids []string) ([]string, error) {
	found, err := queryAll(tx, func(row scanner) (id string, err error) { return id, row.Scan(&id) },
		`SELECT h.id FROM heartbeats h WHERE `+tx.d.inList("h.id", "$1"), tx.d.textList(ids))
	if err != nil {
		return nil, fmt.Errorf("ids of heartbeats: %w", err)
	}
	return found, nil
}

// HeartbeatKeys returns the keys of the heartbeats of a project with the given refs.
func (tx *Tx) HeartbeatKeys(project int64, refs []string) ([]int64, error) {
	keys, err := queryAll(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) },
		`SELECT h.key FROM heartbeats h WHERE `+tx.d.inList("h.ref", "$2")+` AND h.project = $1 AND h.deleted IS NULL ORDER BY h.key`,
		project, tx.d.textList(refs))
	if err != nil {
		return nil, fmt.Errorf("keys of heartbeats: %w", err)
	}
	return keys, nil
}
