package store_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// protocolCounter is a proxy in front of PostgreSQL that counts what clients send.
type protocolCounter struct {
	statements atomic.Int64 // Execute and Query
	roundTrips atomic.Int64 // Sync and Query, after which a client waits
}

// countProtocol returns the address of a database through a counter.
func countProtocol(t *testing.T, address string) (*protocolCounter, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // it only ends the goroutine below
	c := &protocolCounter{}
	socket := filepath.Join(u.Query().Get("host"), ".s.PGSQL.5432")
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // the test ended
			}
			server, err := net.Dial("unix", socket)
			if err != nil {
				_ = client.Close() // the client reports it
				continue
			}
			go func() {
				_, _ = io.Copy(client, server) // until the server closes
				_ = client.Close()
			}()
			go func() {
				_ = c.forward(server, client) // until the client closes
				_ = server.Close()
			}()
		}
	}()
	q := u.Query()
	q.Del("host")
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = listener.Addr().String(), q.Encode()
	return c, u.String()
}

// forward copies the messages of a client: the first has no type.
func (c *protocolCounter) forward(to io.Writer, from io.Reader) error {
	for first := true; ; first = false {
		header := make([]byte, 5)
		if first {
			header = header[:4]
		}
		if _, err := io.ReadFull(from, header); err != nil {
			return err
		}
		body := make([]byte, binary.BigEndian.Uint32(header[len(header)-4:])-4)
		if _, err := io.ReadFull(from, body); err != nil {
			return err
		}
		switch kind := header[0]; {
		case first:
		case kind == 'Q':
			c.statements.Add(1)
			c.roundTrips.Add(1)
		case kind == 'E':
			c.statements.Add(1)
		case kind == 'S':
			c.roundTrips.Add(1)
		}
		if _, err := to.Write(append(header, body...)); err != nil {
			return err
		}
	}
}

// count returns what fn sends.
func (c *protocolCounter) count(fn func()) (statements, roundTrips int64) {
	statements, roundTrips = c.statements.Load(), c.roundTrips.Load()
	fn()
	return c.statements.Load() - statements, c.roundTrips.Load() - roundTrips
}

func TestApplyQuietPings_ABatchOnPostgreSQLIsOneRoundTrip(t *testing.T) {
	w := onPostgreSQL(t)
	counter, address := countProtocol(t, w.address)
	w.db = openStore(t, address)
	var heartbeats []monitor.Heartbeat
	for n := range 20 {
		heartbeats = append(heartbeats, w.newSavedHeartbeat(fmt.Sprint("job-", n)))
	}
	at := time.Duration(0)
	batch := func() {
		var pings []store.ReceivedPing
		for _, h := range heartbeats {
			at += time.Millisecond
			pings = append(pings, w.received(h, "success", at), w.received(h, "log", at))
		}
		if r := w.quietly(pings...); len(r.Heartbeats) != len(pings) {
			t.Fatalf("%d pings stored; want %d", len(r.Heartbeats), len(pings))
		}
	}
	batch() // prepares the statements
	if statements, trips := counter.count(batch); statements != 1 || trips != 1 {
		t.Errorf("a batch of known heartbeats: %d statements in %d round trips; want 1 in 1", statements, trips)
	}
	other := w.onNode(openStore(t, w.address))
	other.quietly(w.received(heartbeats[0], "success", at+time.Second))
	at += time.Minute
	if statements, trips := counter.count(batch); statements != 3 || trips > 4 {
		t.Errorf("after a ping on another node: %d statements in %d round trips; want one to read the heartbeat and one to store it", statements, trips)
	}
	described := openStore(t, address+"&default_query_exec_mode=cache_describe")
	w.db = described
	batch()
	if statements, trips := counter.count(batch); statements != 1 || trips != 1 {
		t.Errorf("without prepared statements: %d statements in %d round trips; want 1 in 1", statements, trips)
	}
}

// TestApplyQuietPings_PlansOnPostgreSQLScanNoWholeTable counts the scans of whole tables
// with 100,000 heartbeats, without and with statistics of the tables.
func TestApplyQuietPings_PlansOnPostgreSQLScanNoWholeTable(t *testing.T) {
	w := onPostgreSQL(t)
	h := w.newSavedHeartbeat("backup")
	w.quietly(w.received(h, "success", 0))
	w.execute(`INSERT INTO heartbeats (key, id, ref, project, name, slug, description, tags, interval_us, grace,
			max_run_time, methods, manual_resume, created, updated, status, counted_from, last_ping, heard, pings, cause, next_at)
		SELECT 1000 + n, 'id' || n, 'ref' || n, project, 'job' || n, 'job-' || n, '', '[]', interval_us, grace, max_run_time, methods, false,
			created, updated, status, counted_from, last_ping, heard, pings, '', next_at + n FROM heartbeats, generate_series(1, 100000) n`)
	for pass, before := range []string{"CHECKPOINT", "ANALYZE"} {
		w.execute(before)
		scans, updates := w.tableStatistics(0)
		on := w.onNode(openStore(t, w.address))
		const batches, size = 12, 5 // the plan of a prepared statement is final after some executions
		for n := range batches {
			var batch []store.ReceivedPing
			for i := range size {
				p := w.received(h, "success", time.Duration(pass*batches+n+1)*time.Second)
				p.ID = fmt.Sprint("id", 1+i*31)
				batch = append(batch, p)
			}
			if r := on.quietly(batch...); len(r.Heartbeats) != size {
				t.Fatalf("%d pings stored; want %d", len(r.Heartbeats), size)
			}
			on.update(func(tx *store.Tx) error {
				due, err := tx.DueForEvaluation(w.at(time.Hour), size)
				if err != nil {
					return err
				}
				if _, err := tx.NextDue(); err != nil {
					return err
				}
				var all []store.Transition
				for _, h := range due {
					all = append(all, store.Transition{Heartbeat: h})
				}
				_, err = tx.Save(w.at(time.Hour), all)
				return err
			})
		}
		if err := on.db.Close(); err != nil { // its sessions send their statistics
			t.Fatal(err)
		}
		if after, _ := w.tableStatistics(updates + batches*size); after != scans {
			t.Errorf("after %s: %d scans of all heartbeats or pings; want none", before, after-scans)
		}
	}
}

// execute runs a statement.
func (w *fixture) execute(text string) {
	w.Helper()
	if _, err := store.QueryWriter(w.db, text); err != nil {
		w.Fatal(err)
	}
}

// tableStatistics returns the number of scans of the whole tables heartbeats and pings,
// and the number of updates of heartbeats, once there are at least the given updates.
func (w *fixture) tableStatistics(least int) (scans, updates int) {
	w.Helper()
	for range 10_000 {
		text, err := store.QueryWriter(w.db, `SELECT SUM(seq_scan) || ' ' || SUM(CASE WHEN relname = 'heartbeats' THEN n_tup_upd ELSE 0 END)
			FROM pg_stat_user_tables WHERE relname IN ('heartbeats', 'pings')`)
		if err == nil {
			_, err = fmt.Sscan(text, &scans, &updates)
		}
		if err != nil {
			w.Fatal(err)
		}
		if updates >= least {
			return scans, updates
		}
	}
	w.Fatalf("the statistics have %d updates; want %d", updates, least)
	return 0, 0
}
