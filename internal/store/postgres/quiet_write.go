package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"overdue/internal/store/dialect"
)

// QuietWrite is one statement that stores new states of heartbeats and rows of other
// tables that belong to them. It needs one round trip and no explicit transaction,
// because it locks, checks, writes and commits:
//
//	states   the new states, each with the version of the row from which it was computed
//	locked   the rows that still have this version, locked in the order of states, without
//	         those that another session has locked
//	updated  these rows with their new states
//	added    the pings of these rows
//	pruned   their oldest pings, if the history is too long
//
// A row that has another version keeps its state, and nothing is added for it: the
// caller reads it again.
type QuietWrite struct {
	text    string
	columns [][]dialect.Column // of the states, of the pings, and of what is pruned
	types   []uint32           // of the parameters
}

// versionColumns precede the columns of a state: the version of the row, and the time from
// which on a stored next_at is early enough to be kept.
var versionColumns = dialect.Columns("version xid, known_pings bigint, known_last_ping bigint, keep_from bigint")

// Version is what identifies a state of a row. xmin is the transaction that wrote it.
// Its number can be used again after a failover to a server without the last commits, so
// the number of pings and the time of the last one must be the same too.
type Version struct {
	Xmin     uint32
	Pings    int64
	LastPing any // in µs, nil for none
}

// Row returns a row for Run. keepFrom is in µs.
func (v Version) Row(keepFrom int64, state []any) []any {
	return append([]any{v.Xmin, v.Pings, v.LastPing, keepFrom}, state...)
}

// prunedColumns are the heartbeats whose blocks of pings above one number, and up to
// another, are deleted.
var prunedColumns = dialect.Columns("heartbeat bigint, above bigint, upto bigint")

// NewQuietWrite returns the statement for a batch of states, whose first column is the
// key, and for the batch of the blocks of their pings, whose first column is the key of
// the heartbeat.
func NewQuietWrite(states, pings *dialect.Batch) *QuietWrite {
	q := &QuietWrite{}
	columns := append(versionColumns[:len(versionColumns):len(versionColumns)], states.Columns...)
	var set []string
	for _, c := range states.Columns[1:] {
		value := "l." + c.Name
		if c.Name == "next_at" {
			// The column is indexed, so it is kept if possible. A time that is too early
			// does no harm: the sweep corrects it. A later time would hide a deadline.
			value = "CASE WHEN h.next_at BETWEEN l.keep_from AND l.next_at THEN h.next_at ELSE l.next_at END"
		}
		set = append(set, c.Name+" = "+value)
	}
	parts := []string{
		"states AS MATERIALIZED (SELECT * FROM " + q.unnest(columns, "v") + ")",
		`locked AS MATERIALIZED (SELECT r.tid, n.* FROM states n CROSS JOIN LATERAL (SELECT h.ctid AS tid FROM heartbeats h
			WHERE h.key = n.key AND h.xmin = n.version AND h.pings = n.known_pings
				AND h.last_ping IS NOT DISTINCT FROM n.known_last_ping AND h.deleted IS NULL
			FOR NO KEY UPDATE SKIP LOCKED) r)`,
		"updated AS (UPDATE heartbeats h SET " + strings.Join(set, ", ") + " FROM locked l WHERE h.ctid = l.tid RETURNING h.key)",
	}
	names := make([]string, len(pings.Columns))
	for i, c := range pings.Columns {
		names[i] = c.Name
	}
	list := strings.Join(names, ", ")
	parts = append(parts,
		fmt.Sprintf("added AS (INSERT INTO %s (%s) SELECT %s FROM %s WHERE v.%s IN (SELECT key FROM updated))", pings.Table, list, list, q.unnest(pings.Columns, "v"), names[0]),
		fmt.Sprintf(`pruned AS (DELETE FROM %s p USING (SELECT r.tid FROM %s CROSS JOIN LATERAL (SELECT o.ctid AS tid FROM %s o
			WHERE o.heartbeat = v.heartbeat AND o.first > v.above AND o.first <= v.upto AND o.first + o.count - 1 <= v.upto FOR UPDATE SKIP LOCKED) r
			WHERE v.heartbeat IN (SELECT key FROM updated)) d WHERE p.ctid = d.tid)`,
			pings.Table, q.unnest(prunedColumns, "v"), pings.Table))
	q.text = "WITH " + strings.Join(parts, ", ") + " SELECT key::bigint, pg_current_xact_id()::xid FROM updated"
	return q
}

// unnest returns the FROM item that turns one array per column into rows, and adds the
// arrays to the parameters.
func (q *QuietWrite) unnest(columns []dialect.Column, alias string) string {
	arguments, names := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		q.types = append(q.types, arrayTypes[c.Type].array)
		arguments[i], names[i] = fmt.Sprintf("$%d::%s[]", len(q.types), c.Type), c.Name
	}
	q.columns = append(q.columns, columns)
	return fmt.Sprintf("unnest(%s) AS %s (%s)", strings.Join(arguments, ", "), alias, strings.Join(names, ", "))
}

// binaryFormat is the format of all parameters and results.
var binaryFormat = []int16{pgx.BinaryFormatCode}

// Run stores states, which are sorted by key, and pings, and deletes the pings that the
// rows in pruned name: heartbeat, above and up to. It returns the keys of the heartbeats
// that were updated, and the xmin of their rows.
func (q *QuietWrite) Run(ctx context.Context, c *Conns, states, pings, pruned [][]any) (updated []int64, xmin uint32, err error) {
	var values [][]byte
	for i, rows := range [][][]any{states, pings, pruned} {
		for at, column := range q.columns[i] {
			values = append(values, binaryArray(column, rows, at))
		}
	}
	conn, err := c.Pool.Acquire(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Release()
	prepare := conn.Conn().Config().DefaultQueryExecMode == pgx.QueryExecModeCacheStatement
	if prepare {
		if _, err := conn.Conn().Prepare(ctx, "quiet_write", q.text); err != nil { // a round trip on the first call only
			return nil, 0, err
		}
	}
	p := conn.Conn().PgConn().StartPipeline(ctx)
	if c.TransactionSettings != "" {
		p.SendQueryParams(c.TransactionSettings, nil, nil, nil, nil)
	}
	if prepare {
		p.SendQueryPrepared("quiet_write", values, binaryFormat, binaryFormat)
	} else {
		p.SendQueryParams(q.text, values, q.types, binaryFormat, binaryFormat)
	}
	if err = p.Sync(); err == nil {
		updated, xmin, err = readUpdated(p)
	}
	return updated, xmin, errors.Join(err, p.Close())
}

// readUpdated reads the results of a pipeline up to its end. The transaction is
// committed when the server confirms the end, not when it sends the last row.
func readUpdated(p *pgconn.Pipeline) (updated []int64, xmin uint32, err error) {
	for {
		results, err := p.GetResults()
		if err != nil {
			return nil, 0, err
		}
		switch r := results.(type) {
		case *pgconn.PipelineSync:
			return updated, xmin, nil
		case *pgconn.ResultReader: // the last one is that of the statement; the settings can precede it
			if updated, xmin, err = readRows(r); err != nil {
				return nil, 0, err
			}
		default:
			return nil, 0, errors.New("the server ended the pipeline too early")
		}
	}
}

// readRows reads the rows of the statement: the key of a heartbeat, and an xmin.
func readRows(r *pgconn.ResultReader) (updated []int64, xmin uint32, err error) {
	for r.NextRow() {
		if row := r.Values(); len(row) == 2 && len(row[0]) == 8 && len(row[1]) == 4 {
			updated, xmin = append(updated, int64(binary.BigEndian.Uint64(row[0]))), binary.BigEndian.Uint32(row[1])
		}
	}
	_, err = r.Close()
	return updated, xmin, err
}
