package bulkload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// with opens a database that no server uses, and runs fn.
func with(ctx context.Context, address string, fn func(database) error) (err error) {
	db, err := open(ctx, address)
	if err != nil {
		return fmt.Errorf("bulk load: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := fn(db); err != nil {
		return fmt.Errorf("bulk load: %w", err)
	}
	return nil
}

// SetDeadline makes the first n heartbeats Up until deadline: they get the interval, no
// grace period, and a last ping one interval before the deadline. Their incidents are deleted. The
// database must have the schema that Fill created.
func SetDeadline(ctx context.Context, address string, n int, deadline time.Time, interval time.Duration) error {
	from := deadline.Add(-interval).UnixMicro()
	return with(ctx, address, func(db database) error {
		if _, err := db.ExecContext(ctx, `DELETE FROM incidents WHERE heartbeat <= $1`, n); err != nil {
			return err
		}
		_, err := db.ExecContext(ctx, `UPDATE heartbeats SET status = 'up', incident = NULL, cause = '', interval_us = $1, grace = 0, counted_from = $2, heard = $2, last_ping = $2, next_at = $3
			WHERE key <= $4`, interval.Microseconds(), from, deadline.UnixMicro(), n)
		return err
	})
}

// AddMembers adds n people with the password of the first person to the project. Their
// addresses are member1@example.com and so on.
func AddMembers(ctx context.Context, address string, n int) error {
	return with(ctx, address, func(db database) error {
		for i := 1; i <= n; i++ {
			id, name := uuid.NewString(), fmt.Sprintf("member%d", i)
			if _, err := db.ExecContext(ctx, `INSERT INTO people (id, email, mailbox, name, password, created)
				SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), $2, $3, password, created FROM people WHERE mailbox NOT LIKE 'member%'`, id, name+"@example.com", name); err != nil {
				return err
			}
			if _, err := db.ExecContext(ctx, `INSERT INTO members (project, person, role, since) VALUES ($1, $2, 'member', 0)`, Project, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// Counts are numbers of rows.
type Counts struct {
	Pings         int64 // stored pings, including expired ones
	OpenIncidents int64
	Incidents     int64
	PendingAlerts int64
}

// Count counts the rows of the project.
func Count(ctx context.Context, address string) (c Counts, err error) {
	return c, with(ctx, address, func(db database) error {
		return db.QueryRowContext(ctx, `SELECT (SELECT CAST(COALESCE(SUM(pings), 0) AS BIGINT) FROM heartbeats WHERE project > 0),
			(SELECT COUNT(*) FROM incidents WHERE project > 0 AND resolved IS NULL), (SELECT COUNT(*) FROM incidents WHERE project > 0),
			(SELECT COUNT(*) FROM alerts WHERE project > 0 AND state = 'pending')`).Scan(&c.Pings, &c.OpenIncidents, &c.Incidents, &c.PendingAlerts)
	})
}

// WithIncident returns the keys of the heartbeats that have had an incident.
func WithIncident(ctx context.Context, address string) (keys map[int64]bool, err error) {
	keys = map[int64]bool{}
	return keys, with(ctx, address, func(db database) error {
		rows, err := db.QueryContext(ctx, `SELECT DISTINCT heartbeat FROM incidents WHERE project > 0`)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			var key int64
			if err := rows.Scan(&key); err != nil {
				return err
			}
			keys[key] = true
		}
		return rows.Err()
	})
}

// Size returns the number of bytes that the rows and indexes use, without free pages.
func Size(ctx context.Context, address string) (n int64, err error) {
	return n, with(ctx, address, func(db database) error {
		text := `SELECT ((SELECT page_count FROM pragma_page_count()) - (SELECT freelist_count FROM pragma_freelist_count())) * (SELECT page_size FROM pragma_page_size())`
		if db.postgres {
			text = `SELECT pg_database_size(current_database())`
		}
		return db.QueryRowContext(ctx, text).Scan(&n)
	})
}
