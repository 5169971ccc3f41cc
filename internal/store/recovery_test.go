package store_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/wal"
)

// copyOfKilledServer copies the files that a process leaves if it is killed now, and returns
// the path of the database file.
func copyOfKilledServer(t *testing.T, path string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy.db")
	// First the WAL, then the tables, like a backup: the server still runs.
	for _, end := range []string{"-pings0", "-pings1", "", "-wal"} {
		text, err := os.ReadFile(path + end)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+end, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return copied
}

func TestServe_RecoversEveryPingOfTheWALAfterACrash(t *testing.T) {
	w, path := serveSQLite(t)
	h, other := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("other")
	const many = 500
	for n := range many {
		first := w.receivedPing(h, monitor.PingSuccess, time.Duration(n)*time.Second)
		first.Ping.Body, first.Ping.RunID, first.Ping.ExitCode = []byte("line\x00\xff"), h.ID, 0
		if result := w.applyBatch(first, w.receivedPing(other, monitor.PingStart, time.Duration(n)*time.Second), store.ReceivedPing{ID: "unknown"}); !result.Unknown["unknown"] {
			t.Fatal("an unknown id was accepted")
		}
	}
	copied := copyOfKilledServer(t, path)
	after := &fixture{T: t, db: openStore(t, copied), start: realTimeStart, project: w.project}
	if n := after.storedPings(); n != "0" {
		t.Fatalf("%s pings are already in the tables; the test needs pings that are only in the WAL", n)
	}
	if err := after.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.storeState([]monitor.Heartbeat{h, other}), after.storeState([]monitor.Heartbeat{h, other})); diff != "" {
		t.Errorf("before the crash (-), after it (+):\n%s", diff)
	}
	p := view(after, func(tx *store.Tx) (monitor.Ping, error) { return tx.Ping(h.Key, many) })
	if string(p.Body) != "line\x00\xff" || p.RunID != h.ID || p.ExitCode != 0 {
		t.Errorf("the last ping after the crash is %+v", p)
	}
}

// TestServe_RecoversRecordsOfAVersionThatWroteJSON is an upgrade after a kill: the WAL
// has a record in JSON after records of this version, and before one.
func TestServe_RecoversRecordsOfAVersionThatWroteJSON(t *testing.T) {
	w, path := serveSQLite(t)
	h := w.newSavedHeartbeat("backup")
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Minute))
	copied := copyOfKilledServer(t, path)
	owner, err := hex.DecodeString(w.queryNumber("SELECT value FROM settings WHERE name = 'journal'"))
	if err != nil {
		t.Fatal(err)
	}
	log, records, err := wal.Open(copied+"-pings", [16]byte(owner))
	if err != nil || len(records) != 1 {
		t.Fatalf("%d records, %v; want 1", len(records), err)
	}
	at := realTimeStart.Add(2 * time.Minute).UnixMicro()
	old := fmt.Sprintf(`[{"i":%q,"h":%d,"a":%d,"k":"start","r":"run","x":-1,"m":"GET","s":"192.0.2.7","u":"curl/8","b":"b3V0cHV0","f":1,"n":2}]`, h.ID, at, at)
	for _, record := range []string{old, string(records[0])} { // the second one is older, and applied already
		if err := log.Append([]byte(record)); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	after := &fixture{T: t, db: openStore(t, copied), start: realTimeStart, project: w.project}
	if err := after.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	p := view(after, func(tx *store.Tx) (monitor.Ping, error) { return tx.Ping(h.Key, 2) })
	want := monitor.Ping{
		Number: 2, Kind: monitor.PingStart, At: time.UnixMicro(at).UTC(), RunID: "run", ExitCode: monitor.NoExitCode, Method: "GET",
		Source: "192.0.2.7", UserAgent: "curl/8", Body: []byte("output"), BodySize: 6, Flags: monitor.BodyTruncated,
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("the ping of the old record (-want +got):\n%s", diff)
	}
	if n := after.storedPings(); n != "2" {
		t.Errorf("%s pings; want 2", n)
	}
}

func TestClose_LeavesOnlyTheDatabaseFile(t *testing.T) {
	w, path := serveSQLite(t)
	h := w.newSavedHeartbeat("backup")
	w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Minute))
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(path + "-*"); err != nil || len(left) > 0 {
		t.Errorf("files next to the database: %v, %v", left, err)
	}
	after := &fixture{T: t, db: openStore(t, path), start: realTimeStart, project: w.project}
	if n := after.storedPings(); n != "1" {
		t.Errorf("%s pings are in the tables; want 1", n)
	}
}

// TestServe_RejectsTheWALOfAnotherDatabase puts another database in the place of one whose
// server died.
func TestServe_RejectsTheWALOfAnotherDatabase(t *testing.T) {
	w, path := serveSQLite(t)
	w.applyBatch(w.receivedPing(w.newSavedHeartbeat("backup"), monitor.PingSuccess, time.Minute))
	copied := copyOfKilledServer(t, path)
	other, otherPath := serveSQLite(t)
	if err := other.db.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(otherPath)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(copied, text, 0o600), os.Remove(copied+"-wal")); err != nil {
		t.Fatal(err)
	}
	db, err := store.OpenToServe(context.Background(), copied, store.ServeOptions{})
	if err == nil {
		t.Fatal("it was opened", db.Close())
	}
	if !strings.Contains(err.Error(), "does not belong to the files next to it") || !strings.Contains(err.Error(), "overdue restore") {
		t.Errorf("serving it: %v; want an error with advice", err)
	}
}

func TestBackup_ContainsPingsThatAreOnlyInTheWAL(t *testing.T) {
	w, path := serveSQLite(t)
	h := w.newSavedHeartbeat("backup")
	for n := range 7 {
		w.applyBatch(w.receivedPing(h, monitor.PingSuccess, time.Duration(n)*time.Minute))
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := openStore(t, path).Backup(context.Background(), copied); err != nil {
		t.Fatal(err)
	}
	after := &fixture{T: t, db: openStore(t, copied), start: realTimeStart, project: w.project}
	if err := after.db.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.storeState([]monitor.Heartbeat{h}), after.storeState([]monitor.Heartbeat{h})); diff != "" {
		t.Errorf("original (-), copy (+):\n%s", diff)
	}
}

// TestServe_LosesAndRepeatsNoPingAfterACrashDuringAFlush kills the server at many
// times during a round, when the tables already have some pings that are still in the WAL.
func TestServe_LosesAndRepeatsNoPingAfterACrashDuringAFlush(t *testing.T) {
	w, path := serveWithLowThreshold(t)
	var list []monitor.Heartbeat
	for n := range 400 {
		list = append(list, w.newSavedHeartbeat(fmt.Sprint("job", n)))
	}
	r := rand.New(rand.NewPCG(1, 2))
	partly := 0
	for n := range 80 {
		batch := make([]store.ReceivedPing, 100)
		for i := range batch {
			batch[i] = w.receivedPing(list[r.IntN(len(list))], monitor.PingSuccess, time.Duration(n)*time.Second)
		}
		w.applyBatch(batch...)
		if n < 12 || n%5 != 0 {
			continue
		}
		copied := copyOfKilledServer(t, path)
		after := &fixture{T: t, db: openStore(t, copied), start: realTimeStart, project: w.project}
		if got := after.storedPings(); got != "0" && got != fmt.Sprint(100*(n+1)) {
			partly++
		}
		if err := after.db.Serve(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got, want := after.storedPings(), fmt.Sprint(100*(n+1)); got != want {
			t.Errorf("after %d batches and a crash: %s pings stored; want %s", n+1, got, want)
		}
		if got, want := after.queryNumber("SELECT SUM(pings) FROM heartbeats"), fmt.Sprint(100*(n+1)); got != want {
			t.Errorf("after %d batches and a crash: %s pings counted; want %s", n+1, got, want)
		}
	}
	if partly < 3 {
		t.Errorf("only %d crashes in the middle of a round; the test needs more", partly)
	}
}
