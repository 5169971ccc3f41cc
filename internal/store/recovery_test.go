package store_test

import (
	"bytes"
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

// damageWAL flips a bit of the body of a ping in the WAL, and returns the content of its file.
func damageWAL(t *testing.T, path, body string) []byte {
	t.Helper()
	content, err := os.ReadFile(path + "-pings0")
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(content, []byte(body))
	if at < 0 {
		t.Fatalf("%s is not in the WAL", body)
	}
	content[at] ^= 4
	if err := os.WriteFile(path+"-pings0", content, 0o600); err != nil {
		t.Fatal(err)
	}
	return content
}

// TestServe_StoresThePingsAroundDamageAndReportsIt damages a record in the middle. The lost
// ping is one of two heartbeats whose others are stored, with their numbers.
func TestServe_StoresThePingsAroundDamageAndReportsIt(t *testing.T) {
	w, path := serveSQLite(t)
	h, other := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("other")
	for n := range 6 {
		p := w.receivedPing(h, monitor.PingSuccess, time.Duration(n)*h.Rule.Interval)
		p.Ping.Body = fmt.Appendf(nil, "body of %d", n)
		w.applyBatch(p)
		w.applyBatch(w.receivedPing(other, monitor.PingSuccess, time.Duration(n)*time.Second))
	}
	copied := copyOfKilledServer(t, path)
	content := damageWAL(t, copied, "body of 2")
	before := openStore(t, copied)
	problems, err := before.CheckIntegrity(t.Context())
	if err != nil || len(problems) != 1 || problems[0].Name != "damaged_wal" || problems[0].Count != 1 || !strings.Contains(problems[0].String(), copied+"-pings0") {
		t.Errorf("problems before the start: %v, %v", problems, err)
	}
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	var reported []store.WALDamage
	db, err := store.OpenToServe(t.Context(), copied, store.ServeOptions{OnDamagedWAL: func(d store.WALDamage) { reported = append(reported, d) }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	after := &fixture{T: t, db: db, start: realTimeStart, project: w.project}
	numbers := func(h monitor.Heartbeat) (all []int64) {
		for _, p := range view(after, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 10) }) {
			all = append(all, p.Number)
		}
		return all
	}
	if diff := cmp.Diff([]int64{6, 5, 4, 2, 1}, numbers(h)); diff != "" {
		t.Errorf("pings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{6, 5, 4, 3, 2, 1}, numbers(other)); diff != "" {
		t.Errorf("pings of the other heartbeat (-want +got):\n%s", diff)
	}
	state := after.reload(h)
	if state.PingCount != 6 || state.Status != monitor.Up {
		t.Errorf("%d pings, %s; want 6, up", state.PingCount, state.Status)
	}
	if n := after.queryNumber("SELECT COUNT(*) FROM incidents"); n != "0" {
		t.Errorf("%s incidents, because of a ping that was lost; want none", n)
	}
	_, kept, err := db.WALDamage(t.Context())
	if err != nil || len(kept) != 1 || len(reported) != 1 || reported[0].File != kept[0] || reported[0].Records != 1 || reported[0].Bytes < 9 {
		t.Fatalf("reported %v, kept %v, %v", reported, kept, err)
	}
	if text, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(text, content) {
		t.Errorf("the kept file differs from the damaged one: %v", err)
	}
	if problems, err := db.CheckIntegrity(t.Context()); err != nil || len(problems) > 0 {
		t.Errorf("problems after the start: %v, %v", problems, err)
	}
}

// TestServe_RecoveryAroundDamageIsRepeatable kills the start after it stored the pings and
// before it removed the WAL.
func TestServe_RecoveryAroundDamageIsRepeatable(t *testing.T) {
	w, path := serveSQLite(t)
	h := w.newSavedHeartbeat("backup")
	for n := range 5 {
		p := w.receivedPing(h, monitor.PingSuccess, time.Duration(n)*time.Second)
		p.Ping.Body = fmt.Appendf(nil, "body of %d", n)
		w.applyBatch(p)
	}
	copied := copyOfKilledServer(t, path)
	damageWAL(t, copied, "body of 1")
	content, err := os.ReadFile(copied + "-pings0")
	if err != nil {
		t.Fatal(err)
	}
	owner := w.queryNumber("SELECT value FROM settings WHERE name = 'journal'")
	for range 2 {
		if err := os.WriteFile(copied+"-pings0", content, 0o600); err != nil {
			t.Fatal(err)
		}
		after := &fixture{T: t, db: openStore(t, copied), start: realTimeStart, project: w.project}
		if err := after.db.Serve(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := after.storedPings(); n != "4" {
			t.Errorf("%s pings; want 4", n)
		}
		if err := after.db.Close(); err != nil {
			t.Fatal(err)
		}
		killed := openStore(t, copied)
		if err := killed.Update(t.Context(), func(tx *store.Tx) error { return tx.SetSetting("journal", owner) }); err != nil {
			t.Fatal(err)
		}
		if err := killed.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBackup_OfADamagedWALHasTheOtherPings(t *testing.T) {
	w, path := serveSQLite(t)
	h := w.newSavedHeartbeat("backup")
	for n := range 5 {
		p := w.receivedPing(h, monitor.PingSuccess, time.Duration(n)*time.Second)
		p.Ping.Body = fmt.Appendf(nil, "body of %d", n)
		w.applyBatch(p)
	}
	copied := copyOfKilledServer(t, path)
	damageWAL(t, copied, "body of 3")
	damaged := openStore(t, copied)
	if damage, kept, err := damaged.WALDamage(t.Context()); err != nil || !strings.Contains(damage, "records: at least 1") || len(kept) > 0 {
		t.Errorf("damage %q, %v, %v", damage, kept, err)
	}
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := damaged.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	after := &fixture{T: t, db: openStore(t, backup), start: realTimeStart, project: w.project}
	if err := after.db.Serve(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := after.storedPings(); n != "4" {
		t.Errorf("%s pings; want 4", n)
	}
}

// TestServe_KeepsTheWALOfANewerVersion is a downgrade after a kill.
func TestServe_KeepsTheWALOfANewerVersion(t *testing.T) {
	w, path := serveSQLite(t)
	w.applyBatch(w.receivedPing(w.newSavedHeartbeat("backup"), monitor.PingSuccess, time.Minute))
	copied := copyOfKilledServer(t, path)
	owner, err := hex.DecodeString(w.queryNumber("SELECT value FROM settings WHERE name = 'journal'"))
	if err != nil {
		t.Fatal(err)
	}
	log, _, err := wal.Open(copied+"-pings", [16]byte(owner))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(log.Append([]byte("\x03 a record of the future")), log.Close()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(copied + "-pings0")
	if err != nil {
		t.Fatal(err)
	}
	after := &fixture{T: t, db: openStore(t, copied), start: realTimeStart, project: w.project}
	if err := after.db.Serve(t.Context()); err == nil || !strings.Contains(err.Error(), "newer version of Overdue") || !strings.Contains(err.Error(), "Start that version") {
		t.Errorf("start: %v; want an error that says: start that version", err)
	}
	if found := after.problems(); found != "newer_wal 1" {
		t.Errorf("problems: %s", found)
	}
	if kept, err := os.ReadFile(copied + "-pings0"); err != nil || !bytes.Equal(kept, content) {
		t.Errorf("the WAL changed: %v", err)
	}
	if n := after.storedPings(); n != "0" {
		t.Errorf("%s pings are stored; want none until the newer version starts", n)
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
