package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// onPostgreSQL runs a test in real time on PostgreSQL. start is the current time, as it is
// for the database.
func onPostgreSQL(t *testing.T) *fixture {
	t.Helper()
	address := storetest.NewPostgresDatabase(t)
	open := func() *store.DB { return openStore(t, address) }
	w := &fixture{T: t, db: open(), address: address, open: open, start: time.Now().UTC().Truncate(time.Second)}
	w.project = w.addProject("main")
	return w
}

// quietly applies pings with ApplyQuietPings and returns the result.
func (w *fixture) quietly(pings ...store.ReceivedPing) store.ApplyResult {
	w.Helper()
	r, err := w.db.ApplyQuietPings(context.Background(), pings)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// received returns a ping as the store gets it.
func (w *fixture) received(h monitor.Heartbeat, kind monitor.PingKind, d time.Duration) store.ReceivedPing {
	p := w.ping(kind, d)
	return store.ReceivedPing{ID: h.ID, Ping: p, Watermark: p.At}
}

// applyAll applies a ping as the server does: with one statement, or in a transaction.
func (w *fixture) applyAll(p store.ReceivedPing) {
	w.Helper()
	if r := w.quietly(p); r.Rest[p.ID] {
		w.applyBatch(p)
	}
}

// TestApplyQuietPings_HasTheSameStateAsApplyPings applies the same random pings to two
// heartbeats, to one of them alternately on two nodes.
func TestApplyQuietPings_HasTheSameStateAsApplyPings(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		one, other := w, w.onNode(w.open())
		if store.OnSQLite(w.db) {
			other = w // a file has one server
		}
		slow, quiet := w.newSavedHeartbeat("slow"), w.newSavedHeartbeat("quiet")
		kinds := []monitor.PingKind{"success", "success", "success", "start", "fail", "log"}
		random := rand.New(rand.NewPCG(1, 2))
		d := time.Duration(0)
		for range 300 {
			kind, run := kinds[random.IntN(len(kinds))], []string{"", "a", "ž\x00\xff"}[random.IntN(3)]
			host := []string{"", "", "web1", "web2"}[random.IntN(4)]
			d += time.Duration(random.IntN(200)) * time.Second
			ping := w.received(slow, kind, d)
			ping.Ping.RunID, ping.Ping.Host, ping.Ping.Body = run, host, []byte(run)
			w.applyBatch(ping)
			on := []*fixture{one, other}[random.IntN(2)]
			ping = w.received(quiet, kind, d)
			ping.Ping.RunID, ping.Ping.Host, ping.Ping.Body = run, host, []byte(run)
			on.applyAll(ping)
		}
		a, b := w.reload(slow), w.reload(quiet)
		if diff := cmp.Diff(a, b, cmpopts.IgnoreFields(monitor.Heartbeat{}, "Key", "ID", "Ref", "Name", "Slug", "OpenIncident", "Created", "Updated"), cmp.AllowUnexported(monitor.Rule{})); diff != "" {
			w.Errorf("heartbeats (-ApplyPings +ApplyQuietPings):\n%s", diff)
		}
		history := func(h monitor.Heartbeat) []monitor.Ping {
			return view(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 1000) })
		}
		if diff := cmp.Diff(history(slow), history(quiet)); diff != "" || len(history(slow)) != 300 {
			w.Errorf("pings (-ApplyPings +ApplyQuietPings):\n%s", diff)
		}
	})
}

func TestApplyQuietPings_OnPostgreSQLALoudPingIsLeftToATransaction(t *testing.T) {
	w := onPostgreSQL(t)
	quiet, loud := w.newSavedHeartbeat("quiet"), w.newSavedHeartbeat("loud")
	r := w.quietly(w.received(quiet, "success", 0), w.received(loud, "fail", 0), store.ReceivedPing{ID: "unknown", Ping: w.ping("success", 0)})
	if !r.Rest[loud.ID] || len(r.Rest) != 1 || !r.Unknown["unknown"] || len(r.Unknown) != 1 || len(r.Heartbeats) != 1 {
		t.Errorf("result %+v; want the failure in Rest, and one heartbeat with a ping", r)
	}
	if a, b := w.reload(quiet), w.reload(loud); a.PingCount != 1 || a.Status != monitor.Up || b.PingCount != 0 || b.Status != monitor.New {
		t.Errorf("%d and %d pings, %s and %s; want only the success stored", a.PingCount, b.PingCount, a.Status, b.Status)
	}
}

func TestApplyQuietPings_OnPostgreSQLALockedHeartbeatIsLeftToATransaction(t *testing.T) {
	w := onPostgreSQL(t)
	free, locked := w.newSavedHeartbeat("free"), w.newSavedHeartbeat("locked")
	w.quietly(w.received(locked, "success", 0))
	w.rollBack(func(tx *store.Tx) error {
		if _, err := tx.HeartbeatForUpdate(w.project.Key, locked.ID); err != nil {
			return err
		}
		if r := w.quietly(w.received(free, "success", 0), w.received(locked, "success", time.Second)); !r.Rest[locked.ID] || len(r.Rest) != 1 {
			t.Errorf("left %v; want the locked heartbeat", r.Rest)
		}
		return nil
	})
	if a, b := w.reload(free).PingCount, w.reload(locked).PingCount; a != 1 || b != 1 {
		t.Errorf("%d and %d pings; want 1 and 1", a, b)
	}
}

// TestApplyQuietPings_OnPostgreSQLAnOutdatedStateIsNeverStored: another node changed the
// settings, and sent a ping, after this node read the heartbeat.
func TestApplyQuietPings_OnPostgreSQLAnOutdatedStateIsNeverStored(t *testing.T) {
	w := onPostgreSQL(t)
	other := w.onNode(w.open())
	h := w.newSavedHeartbeat("backup")
	w.quietly(w.received(h, "success", 0))
	other.quietly(other.received(h, "success", time.Second))
	changed := w.reload(h)
	changed.Rule.MinRunTime, changed.Rule.AlertAfter = time.Minute, 3
	other.update(func(tx *store.Tx) error { return tx.SaveHeartbeatSettings(changed) })
	w.quietly(w.received(h, "start", 2*time.Second))
	if r := w.quietly(w.received(h, "success", 3*time.Second)); len(r.Rest) == 0 {
		w.applyAll(w.received(h, "success", 3*time.Second))
	}
	if got := w.reload(h); got.PingCount < 3 || got.Rule.AlertAfter != 3 || got.Status != monitor.Up {
		t.Errorf("%d pings, alert after %d, %s; want the changes of both nodes", got.PingCount, got.Rule.AlertAfter, got.Status)
	}
	other.update(func(tx *store.Tx) error {
		gone := w.reload(h)
		gone.Deleted = w.at(time.Minute)
		return tx.SaveHeartbeatSettings(gone)
	})
	if r := w.quietly(w.received(h, "success", 2*time.Minute)); !r.Unknown[h.ID] {
		t.Errorf("result %+v for a deleted heartbeat; want it unknown", r)
	}
}

func TestApplyQuietPings_NodesOnPostgreSQLWithTheSameHeartbeatsLoseNoPing(t *testing.T) {
	w := onPostgreSQL(t)
	heartbeats := make([]monitor.Heartbeat, 8)
	for n := range heartbeats {
		heartbeats[n] = w.newSavedHeartbeat(fmt.Sprint("job-", n))
	}
	const rounds = 50
	var all sync.WaitGroup
	for node := range 3 {
		on := w.onNode(w.open())
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(node), 1))
			for n := range rounds {
				batch := make([]store.ReceivedPing, len(heartbeats))
				for i, at := range random.Perm(len(heartbeats)) {
					batch[i] = w.received(heartbeats[at], "success", time.Duration(n)*time.Second)
				}
				r, err := on.db.ApplyQuietPings(context.Background(), batch)
				var rest []store.ReceivedPing
				for _, p := range batch {
					if r.Rest[p.ID] {
						rest = append(rest, p)
					}
				}
				if err == nil && len(rest) > 0 {
					_, err = on.db.ApplyPings(context.Background(), rest)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for _, h := range heartbeats {
		if n, stored := w.reload(h).PingCount, len(w.pingNumbers(h, 0, 1000)); n != 3*rounds || stored != 3*rounds {
			t.Errorf("%s: %d pings counted and %d stored; want %d", h.Name, n, stored, 3*rounds)
		}
	}
}

// TestApplyQuietPings_OnPostgreSQLAFailedCommitIsAnError: the server sends the rows of a
// statement before it commits.
func TestApplyQuietPings_OnPostgreSQLAFailedCommitIsAnError(t *testing.T) {
	for name, option := range map[string]string{"prepared": "", "described": "&default_query_exec_mode=cache_describe"} {
		t.Run(name, func(t *testing.T) {
			w := onPostgreSQL(t)
			w.db = openStore(t, w.address+option)
			h := w.newSavedHeartbeat("backup")
			w.quietly(w.received(h, "success", 0))
			for _, text := range []string{
				`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''too late''; END'`,
				`CREATE CONSTRAINT TRIGGER fails AFTER UPDATE ON heartbeats DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()`,
			} {
				if _, err := store.QueryWriter(w.db, text); err != nil {
					t.Fatal(err)
				}
			}
			_, err := w.db.ApplyQuietPings(context.Background(), []store.ReceivedPing{w.received(h, "success", time.Second)})
			if err == nil || !strings.Contains(err.Error(), "too late") {
				t.Errorf("error %v; want that of the commit", err)
			}
			if n := w.reload(h).PingCount; n != 1 {
				t.Errorf("%d pings; want 1", n)
			}
			if _, err := store.QueryWriter(w.db, `DROP TRIGGER fails ON heartbeats`); err != nil {
				t.Fatal(err)
			}
			if r := w.quietly(w.received(h, "success", time.Second)); len(r.Heartbeats) != 1 {
				t.Errorf("result %+v after the error; want the ping stored", r)
			}
		})
	}
}

// TestApplyQuietPings_OnPostgreSQLAPingWithAnUnknownResultIsNotStoredAgain loses the connection in the
// second statement, after the first one stored another ping.
func TestApplyQuietPings_OnPostgreSQLAPingWithAnUnknownResultIsNotStoredAgain(t *testing.T) {
	w := onPostgreSQL(t)
	other := w.onNode(w.open())
	same, changed := w.newSavedHeartbeat("same"), w.newSavedHeartbeat("changed")
	w.quietly(w.received(same, "success", 0), w.received(changed, "success", 0))
	other.applyBatch(other.received(changed, "success", time.Second)) // this node has an outdated row
	for _, text := range []string{
		`CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'`,
		fmt.Sprintf(`CREATE TRIGGER loses AFTER UPDATE ON heartbeats FOR EACH ROW WHEN (new.key = %d) EXECUTE FUNCTION lose()`, changed.Key),
	} {
		if _, err := store.QueryWriter(w.db, text); err != nil {
			t.Fatal(err)
		}
	}
	r := w.quietly(w.received(same, "success", 2*time.Second), w.received(changed, "success", 2*time.Second))
	if len(r.Heartbeats) != 1 || r.Heartbeats[0] != same.Key || !errors.Is(r.Failed[changed.ID], store.ErrUnavailable) || len(r.Rest) > 0 {
		t.Errorf("result %+v; want one ping stored, and the other failed", r)
	}
}

// storedNext returns the stored time of the next evaluation.
func (w *fixture) storedNext(h monitor.Heartbeat) time.Time {
	w.Helper()
	text, err := store.QueryWriter(w.db, `SELECT next_at FROM heartbeats WHERE key = $1`, h.Key)
	if err != nil {
		w.Fatal(err)
	}
	us, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		w.Fatal(err)
	}
	return time.UnixMicro(us).UTC()
}

// TestApplyQuietPings_TheNextEvaluationIsNeverStoredTooLate applies random pings in
// virtual time, with one statement as this version does, and in a transaction as earlier
// versions do.
func TestApplyQuietPings_TheNextEvaluationIsNeverStoredTooLate(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		random, early, kept := rand.New(rand.NewPCG(3, 4)), 0, 0
		before := time.Time{}
		for range 400 {
			time.Sleep(time.Duration(random.IntN(100)) * time.Second)
			ping := w.received(h, []monitor.PingKind{"success", "success", "success", "start"}[random.IntN(4)], time.Since(w.start).Truncate(time.Microsecond))
			if random.IntN(4) > 0 {
				w.applyAll(ping)
			} else {
				w.applyBatch(ping)
			}
			right, stored := w.reload(h).EvaluationDue(), w.storedNext(h)
			if stored.After(right) {
				w.Fatalf("evaluated at %s; want at %s or earlier", stored, right)
			}
			if wait := time.Until(right); stored.Before(right) {
				early++
				if time.Until(stored) < wait/2-time.Microsecond {
					w.Fatalf("evaluated in %s, although it is due in %s; want not before half of that time", time.Until(stored), wait)
				}
			}
			if stored.Equal(before) {
				kept++
			}
			before = stored
		}
		if store.OnSQLite(w.db) != (early == 0) || kept < early/2 {
			w.Errorf("stored too early %d times and kept %d times; want that on PostgreSQL only", early, kept)
		}
		if n := w.reload(h).EvaluationDue(); !store.OnSQLite(w.db) && w.storedNext(h).Equal(n) {
			w.applyAll(w.received(h, "success", time.Since(w.start).Truncate(time.Microsecond)+time.Second))
		}
	})
}

// TestApplyQuietPings_UpdatesOnPostgreSQLAddNoIndexEntries reads the statistics of the
// server: a HOT update adds an entry to no index. While any session of the database has an old
// snapshot, such as an ANALYZE of autovacuum, the server cannot reuse the space of earlier
// versions of a row, and few updates are HOT. So it tries up to three times.
func TestApplyQuietPings_UpdatesOnPostgreSQLAddNoIndexEntries(t *testing.T) {
	w := onPostgreSQL(t)
	all := make([]monitor.Heartbeat, 100)
	var batch []store.ReceivedPing
	for n := range all {
		all[n] = w.newSavedHeartbeat(fmt.Sprint("job-", n))
		batch = append(batch, w.received(all[n], "success", 0))
	}
	w.quietly(batch...) // a new heartbeat gets its first deadline
	const tries, rounds, size = 3, 40, 20
	least := rounds * size * 8 / 10
	random := rand.New(rand.NewPCG(5, 6))
	var hot []int
	for try := range tries {
		for n := range rounds {
			batch = nil
			for _, at := range random.Perm(len(all))[:size] {
				batch = append(batch, w.received(all[at], "success", time.Duration(try*rounds+n)*time.Second))
			}
			if r := w.quietly(batch...); len(r.Heartbeats) != size {
				t.Fatalf("%d pings stored; want %d", len(r.Heartbeats), size)
			}
		}
		before := 0
		for _, n := range hot {
			before += n
		}
		hot = append(hot, w.hotUpdates((try+1)*rounds*size+len(all))-before)
		if hot[try] >= least {
			return
		}
	}
	t.Errorf("of %d updates each, %d are HOT; want at least %d", rounds*size, hot, least)
}

// hotUpdates returns the number of HOT updates of heartbeats, after a number of updates.
func (w *fixture) hotUpdates(updates int) int {
	w.Helper()
	if err := w.db.Close(); err != nil { // its sessions send their statistics
		w.Fatal(err)
	}
	w.db = w.open()
	w.tableStatistics(updates)
	text, err := store.QueryWriter(w.db, `SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'heartbeats'`)
	if err != nil {
		w.Fatal(err)
	}
	hot, err := strconv.Atoi(text)
	if err != nil {
		w.Fatal(err)
	}
	return hot
}

func TestApplyQuietPings_OnPostgreSQLTheHistoryIsLimited(t *testing.T) {
	w := onPostgreSQL(t)
	busy, other := w.newSavedHeartbeat("busy"), w.newSavedHeartbeat("other")
	for n := range 30 {
		batch := []store.ReceivedPing{w.received(other, "success", time.Duration(n)*time.Second)}
		for range 50 {
			batch = append(batch, w.received(busy, "success", time.Duration(n)*time.Second))
		}
		w.quietly(batch...)
	}
	if n := len(w.pingNumbers(busy, 0, 2000)); n < 1000 || n > 1100 {
		t.Errorf("%d of 1,500 pings are kept; want 1,000 to 1,100", n)
	}
	if n := len(w.pingNumbers(other, 0, 2000)); n != 30 {
		t.Errorf("%d of 30 pings of the other heartbeat are kept; want all", n)
	}
}
