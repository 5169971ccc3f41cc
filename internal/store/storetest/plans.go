package storetest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Statement is a statement that a store ran, with its arguments.
type Statement struct {
	Text string
	Args []any
}

// FillLists adds n heartbeats to a project, each with a resolved incident and an alert, and every
// hundredth with an open incident. Then the database knows how many rows the tables have.
func FillLists(t *testing.T, address string, project int64, n int) {
	t.Helper()
	numbers := fmt.Sprintf("(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %d) SELECT n FROM c) s", n)
	// Keys begin above those of the test, and an id has the length of a UUID.
	const key, ms = "(1000 + n)", "1767225600000000 + CAST(n AS BIGINT) * 60000000"
	run := openDirectly(t, address)
	for _, text := range []string{
		fmt.Sprintf(`INSERT INTO heartbeats (key, id, ref, project, name, slug, description, tags, created, updated, status, counted_from, last_ping, methods,
			manual_resume, interval_us, grace, max_run_time, pings, cause, next_at, incident)
			SELECT %[1]s, 'id-' || n || '-0000-0000-0000-000000000000', 'ref-' || n || '-000000000000000000000000', %[2]d, 'job ' || n, 'job-' || n, 'nightly', '["t' || (n %% 50) || '"]',
			%[3]s, %[3]s, CASE n %% 100 WHEN 0 THEN 'down' ELSE 'up' END, %[3]s, %[3]s, 'any', FALSE, 86400000000, 3600000000, 0, 1,
			CASE n %% 100 WHEN 0 THEN 'failure' ELSE '' END, NULL, CASE n %% 100 WHEN 0 THEN 'open-' || n END FROM `, key, project, ms) + numbers,
		fmt.Sprintf(`INSERT INTO incidents (id, number, project, heartbeat, cause, opened, detected, because, ping, acknowledged_by, resolved, resolution)
			SELECT 'past-' || n, 1000 + 2 * n, %[2]d, %[1]s, 'failure', %[3]s, %[3]s, 'failed', 1, '', %[3]s, 'ping' FROM `, key, project, ms) + numbers,
		fmt.Sprintf(`INSERT INTO incidents (id, number, project, heartbeat, cause, opened, detected, because, ping, acknowledged_by, resolution)
			SELECT 'open-' || n, 1001 + 2 * n, %[2]d, %[1]s, 'failure', %[3]s, %[3]s, 'failed', 1, '', '' FROM `, key, project, ms) + numbers + ` WHERE n % 100 = 0`,
		fmt.Sprintf(`UPDATE projects SET incidents = %d WHERE key = %d`, 1001+2*n, project),
		`ANALYZE`,
	} {
		if _, err := run.ExecContext(context.Background(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// openDirectly opens a database without its store.
func openDirectly(t *testing.T, address string) *sql.DB {
	t.Helper()
	driver := "sqlite"
	if strings.HasPrefix(address, "postgres:") {
		driver = "pgx"
	} else {
		address = "file:" + address + "?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // it was only read since
	return db
}

// largeTables are the tables that grow with the number of heartbeats.
var largeTables = []string{"heartbeats", "incidents", "pings", "alerts", "attempts", "timeline", "threads", "slots", "blackout_effects", "audit"}

// FullScans returns the plans of the statements that read all rows of a large table, or on PostgreSQL more
// than maxRows.
func FullScans(t *testing.T, address string, statements []Statement, maxRows float64) (found []string) {
	t.Helper()
	if !strings.HasPrefix(address, "postgres:") {
		return sqliteScans(t, openDirectly(t, address), statements)
	}
	conn, err := pgx.Connect(context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, s := range statements {
		var text []byte
		if err := conn.QueryRow(context.Background(), "EXPLAIN (ANALYZE, FORMAT JSON) "+s.Text, s.Args...).Scan(&text); err != nil {
			t.Fatalf("plan of %s: %v", s.Text, err)
		}
		var plans []struct{ Plan planNode }
		if err := json.Unmarshal(text, &plans); err != nil || len(plans) != 1 {
			t.Fatalf("plan of %s: %s, %v", s.Text, text, err)
		}
		if n := plans[0].Plan.rowsRead(); n > maxRows {
			found = append(found, fmt.Sprintf("%s\nreads %.0f rows of large tables", s.Text, n))
		}
	}
	return found
}

// planNode is a node of a plan of PostgreSQL.
type planNode struct {
	Relation string     `json:"Relation Name"`
	Rows     float64    `json:"Actual Rows"`
	Removed  float64    `json:"Rows Removed by Filter"`
	Loops    float64    `json:"Actual Loops"`
	Plans    []planNode `json:"Plans"`
}

// rowsRead returns how many rows of large tables a plan read.
func (n planNode) rowsRead() (rows float64) {
	for _, table := range largeTables {
		if n.Relation == table {
			rows = (n.Rows + n.Removed) * n.Loops
		}
	}
	for _, child := range n.Plans {
		rows += child.rowsRead()
	}
	return rows
}

// tableName finds the tables of a statement with their aliases.
var tableName = regexp.MustCompile(`(?i)(?:FROM|JOIN) (\w+)(?: (?:AS )?(\w+))?`)

// sqliteScans returns the plans with a scan of a large table.
func sqliteScans(t *testing.T, db *sql.DB, statements []Statement) (found []string) {
	t.Helper()
	partial := partialIndexes(t, db)
	for _, s := range statements {
		large := map[string]bool{}
		for _, m := range tableName.FindAllStringSubmatch(s.Text, -1) {
			for _, table := range largeTables {
				if m[1] == table {
					large[m[1]], large[m[2]] = true, true
				}
			}
		}
		rows, err := db.QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+s.Text, s.Args...)
		if err != nil {
			t.Fatalf("plan of %s: %v", s.Text, err)
		}
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			words := strings.Fields(step)
			if len(words) > 1 && words[0] == "SCAN" && large[words[1]] && !partial[words[len(words)-1]] {
				found = append(found, s.Text+"\n"+step)
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// partialIndexes returns the indexes that contain only some rows.
func partialIndexes(t *testing.T, db *sql.DB) map[string]bool {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), `SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		found[name] = true
	}
	return found
}
