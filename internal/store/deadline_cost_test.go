package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// The costs of a deadline that other load on the machine does not change. Each index entry is a
// search in a tree, and on PostgreSQL a record of its log.
const (
	maxIncidentEntries     = 4 // in indexes
	maxAlertEntries        = 6
	maxAlertEntriesPG      = 5
	maxLogRecords          = 19.0 // of PostgreSQL, with those of the whole transaction
	maxLogBytes            = 4000
	maxChecksOfForeignKeys = 0 // by PostgreSQL
)

// indexesSQL returns the indexes of a table with the conditions of partial ones: name|condition;…
var indexesSQL = map[bool]string{
	true: `SELECT string_agg(name || '|' || CASE WHEN INSTR(sql, ' WHERE ') > 0 THEN SUBSTR(sql, INSTR(sql, ' WHERE ') + 7) ELSE '' END, ';')
		FROM (SELECT name, COALESCE(sql, '') AS sql FROM sqlite_master WHERE type = 'index' AND tbl_name = $1)`,
	false: `SELECT string_agg(c.relname || '|' || COALESCE(pg_get_expr(i.indpred, i.indrelid), ''), ';')
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::regclass`,
}

// indexEntries returns the names of the indexes with an entry for the only row of a table.
func (w *fixture) indexEntries(table string) (names []string) {
	w.Helper()
	list, err := store.QueryWriter(w.db, strings.ReplaceAll(indexesSQL[store.OnSQLite(w.db)], "$1", "'"+table+"'"))
	if err != nil {
		w.Fatal(err)
	}
	if n := w.queryNumber("SELECT COUNT(*) FROM " + table); n != "1" {
		w.Fatalf("%s rows of %s; want 1", n, table)
	}
	for index := range strings.SplitSeq(list, ";") {
		name, condition, _ := strings.Cut(index, "|")
		if condition == "" || w.queryNumber("SELECT COUNT(*) FROM "+table+" WHERE "+condition) == "1" {
			names = append(names, name)
		}
	}
	return names
}

func TestSave_ADeadlineAddsFewIndexEntries(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.addChannel(w.newChannel("ops"))
		w.applyPings(w.newSavedHeartbeat("backup"), w.ping(monitor.PingSuccess, 0))
		w.evaluate(time.Hour)
		alertEntries := maxAlertEntries
		if !store.OnSQLite(w.db) {
			alertEntries = maxAlertEntriesPG
		}
		for table, most := range map[string]int{"incidents": maxIncidentEntries, "alerts": alertEntries} {
			if names := w.indexEntries(table); len(names) > most || len(names) == 0 {
				w.Errorf("the row of %s has entries in %d indexes, %v; want at most %d", table, len(names), names, most)
			}
		}
	})
}

// statementCost is what EXPLAIN says about a statement that was run.
type statementCost struct {
	Plan struct {
		Records int `json:"WAL Records"`
		Bytes   int `json:"WAL Bytes"`
	}
	Triggers []struct {
		Name  string `json:"Constraint Name"`
		Calls int
	}
}

func TestSave_ADeadlineOnPostgreSQLWritesFewLogRecords(t *testing.T) {
	const n = 500
	w := onPostgreSQL(t)
	w.addChannel(w.newChannel("ops"))
	w.update(func(tx *store.Tx) error {
		var up []store.Transition
		for i := range n {
			h, err := tx.AddHeartbeat(w.newHeartbeat(fmt.Sprint("job-", i)))
			if err != nil {
				return err
			}
			h, change := h.ApplyPing(w.ping(monitor.PingSuccess, 0), w.start)
			up = append(up, store.Transition{Heartbeat: h, Change: change})
		}
		_, err := tx.Save(w.start, up)
		return err
	})
	var statements []storetest.Statement
	w.db.TraceStatements(func(text string, args []any) {
		statements = append(statements, storetest.Statement{Text: text, Args: args})
	})
	w.rollBack(func(tx *store.Tx) error {
		due, err := tx.DueForEvaluation(w.at(time.Hour), n)
		if err != nil {
			return err
		}
		var down []store.Transition
		for _, h := range due {
			h, change := h.Evaluate(w.at(time.Hour))
			down = append(down, store.Transition{Heartbeat: h, Change: change})
		}
		alerts, err := tx.Save(w.at(time.Hour), down)
		if alerts != n {
			w.Errorf("%d alerts; want %d", alerts, n)
		}
		return err
	})
	records, bytes := 0, 0
	for _, c := range w.costsOf(statements) {
		records, bytes = records+c.Plan.Records, bytes+c.Plan.Bytes
		for _, check := range c.Triggers {
			if check.Calls > maxChecksOfForeignKeys {
				t.Errorf("%d checks of %s", check.Calls, check.Name)
			}
		}
	}
	t.Logf("%.1f records of the log and %d bytes per deadline", float64(records)/n, bytes/n)
	if float64(records)/n > maxLogRecords || bytes/n > maxLogBytes || records < 3*n {
		t.Errorf("%.1f records of the log and %d bytes per deadline; want at most %.1f and %d", float64(records)/n, bytes/n, maxLogRecords, maxLogBytes)
	}
}

// costsOf runs statements in a transaction of PostgreSQL, and rolls it back.
func (w *fixture) costsOf(statements []storetest.Statement) (costs []statementCost) {
	w.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, w.address)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }() // it rolls back
	if _, err := conn.Exec(ctx, "BEGIN"); err != nil {
		w.Fatal(err)
	}
	for _, s := range statements {
		var text []byte
		if err := conn.QueryRow(ctx, "EXPLAIN (ANALYZE, WAL, FORMAT JSON) "+s.Text, s.Args...).Scan(&text); err != nil {
			w.Fatalf("cost of %s: %v", s.Text, err)
		}
		var c []statementCost
		if err := json.Unmarshal(text, &c); err != nil || len(c) != 1 {
			w.Fatalf("cost of %s: %s, %v", s.Text, text, err)
		}
		costs = append(costs, c...)
	}
	return costs
}
