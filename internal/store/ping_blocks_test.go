package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/pingblock"
)

// storedPings counts the pings in both tables.
func (w *fixture) storedPings() string {
	w.Helper()
	return w.queryNumber("SELECT (SELECT COUNT(*) FROM pings) + (SELECT COALESCE(SUM(count), 0) FROM ping_blocks)")
}

// randomPings returns pings with consecutive numbers, some gaps, and all kinds of content.
func (w *fixture) randomPings(r *rand.Rand, n int) []monitor.Ping {
	var pings []monitor.Ping
	at := time.Duration(0)
	for number := int64(1); len(pings) < n; number++ {
		if r.IntN(40) == 0 {
			number += int64(r.IntN(30)) // deleted, or not readable
		}
		at += time.Duration(r.IntN(300)) * time.Second
		p := w.ping([]monitor.PingKind{monitor.PingSuccess, monitor.PingSuccess, monitor.PingStart, monitor.PingFail, monitor.PingLog, monitor.PingIgnored}[r.IntN(6)], at)
		p.Number = number
		switch r.IntN(8) {
		case 0:
			p.At = p.At.Add(-time.Hour) // stored late
		case 1:
			p.RunID, p.HasRunTime, p.RunTime, p.ExitCode = fmt.Sprint("run", number/3), true, time.Duration(r.IntN(1e6))*time.Microsecond, r.IntN(256)
		case 2:
			p.Source, p.UserAgent, p.Method, p.Flags = "2001:db8::1", "é", "GET", monitor.PingFlags(1+r.IntN(31))
		case 3:
			p.Body = slices.Repeat([]byte{byte(number), 0, '\n'}, 1+r.IntN(200))
		case 4:
			if r.IntN(10) == 0 {
				p.Body = slices.Repeat([]byte{byte(number)}, 20_000)
			}
		}
		p.BodySize = int64(len(p.Body))
		pings = append(pings, p)
	}
	return pings
}

// TestPings_BlocksReadLikeRows stores the same random pings as rows of the table of earlier
// versions, as blocks, and as a mixture, as while nodes are upgraded, and compares all
// readers with every filter.
func TestPings_BlocksReadLikeRows(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		for seed := range uint64(4) {
			r := rand.New(rand.NewPCG(seed, 18))
			pings := w.randomPings(r, []int{3, 60, 170, 400}[seed])
			newest := pings[len(pings)-1].Number
			var keys []int64
			for _, form := range []struct {
				name     string
				together int
				asRow    func() bool
			}{
				{"rows", 90, func() bool { return true }},
				{"blocks", 90, func() bool { return false }},
				{"a mixture", 90, func() bool { return r.IntN(2) == 0 }},
				{"single pings", 1, func() bool { return false }},
			} {
				h := w.newSavedHeartbeat(fmt.Sprint(form.name, seed))
				keys = append(keys, h.Key)
				w.update(func(tx *store.Tx) error {
					for from := 0; from < len(pings); {
						to, insert := min(len(pings), from+1+r.IntN(form.together)), store.InsertPingBlocks
						if form.asRow() {
							insert = store.InsertPingRows
						}
						if err := insert(tx, h.Key, pings[from:to]); err != nil {
							return err
						}
						from = to
					}
					return store.SetPingCount(tx, h.Key, newest)
				})
			}
			readers := w.pingReaders(r, pings, keys)
			got := view(w, func(tx *store.Tx) (got [][]any, err error) {
				for _, read := range readers {
					of := make([]any, len(keys))
					for i, key := range keys {
						if of[i], err = read.from(tx, key); err != nil {
							return nil, fmt.Errorf("%s: %w", read.name, err)
						}
					}
					got = append(got, of)
				}
				return got, nil
			})
			for n, of := range got {
				for i, other := range of[1:] {
					if !reflect.DeepEqual(of[0], other) {
						w.Fatalf("seed %d: %s of %s (-rows +blocks):\n%s", seed, readers[n].name, []string{"blocks", "a mixture", "single pings"}[i], cmp.Diff(of[0], other))
					}
				}
			}
		}
	})
}

// pingReader reads pings of a heartbeat.
type pingReader struct {
	name string
	from func(tx *store.Tx, key int64) (any, error)
}

// pingReaders returns readers with many combinations of filters and page sizes.
func (w *fixture) pingReaders(r *rand.Rand, pings []monitor.Ping, keys []int64) (all []pingReader) {
	newest := pings[len(pings)-1]
	befores := []int64{0, 1, 2, newest.Number, newest.Number + 1, newest.Number / 2, pings[len(pings)/3].Number}
	times := []time.Time{{}, w.at(-2 * time.Hour), pings[0].At, pings[len(pings)/2].At, pings[len(pings)/2].At.Add(time.Nanosecond), newest.At, newest.At.Add(time.Microsecond)}
	for i := range min(len(pings), 60) {
		p := pings[i*len(pings)/min(len(pings), 60)]
		all = append(all, pingReader{fmt.Sprint("Ping ", p.Number), func(tx *store.Tx, key int64) (any, error) { return tx.Ping(key, p.Number) }})
	}
	for _, n := range []int64{0, newest.Number + 1} {
		all = append(all, pingReader{fmt.Sprint("Ping ", n), func(tx *store.Tx, key int64) (any, error) {
			_, err := tx.Ping(key, n)
			return fmt.Sprint(err), nil
		}})
	}
	for _, limit := range []int{1, 2, 7, 50, 51, 1000} {
		for _, before := range befores {
			all = append(all, pingReader{fmt.Sprint("Pings ", before, limit), func(tx *store.Tx, key int64) (any, error) { return tx.Pings(key, before, limit) }})
		}
		for _, kind := range []monitor.PingKind{"", monitor.PingSuccess, monitor.PingFail, monitor.PingStart, monitor.PingLog, monitor.PingIgnored, "none"} {
			f := store.PingLogFilter{
				Kind: kind, Before: befores[r.IntN(len(befores))], Since: times[r.IntN(len(times))], Until: times[r.IntN(len(times))],
				Limit: limit, BodyBytes: []int{0, 1, 100, 1 << 20}[r.IntN(4)],
			}
			all = append(all, pingReader{fmt.Sprintf("PingLog %+v", f), func(tx *store.Tx, key int64) (any, error) {
				f.Heartbeat = key
				return tx.PingLog(f)
			}})
		}
		all = append(all, pingReader{fmt.Sprint("RecentPings ", limit), func(tx *store.Tx, key int64) (any, error) {
			found, err := tx.RecentPings(keys, limit) // of all of them in one query
			return found[key], err
		}})
	}
	for _, since := range times {
		all = append(all, pingReader{fmt.Sprint("CountPingsSince ", since), func(tx *store.Tx, key int64) (any, error) { return tx.CountPingsSince(key, since) }})
	}
	return all
}

// TestSave_PingsOfOneHeartbeatShareBlocks counts the rows of a batch.
func TestSave_PingsOfOneHeartbeatShareBlocks(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		a, b := w.newSavedHeartbeat("a"), w.newSavedHeartbeat("b")
		w.update(func(tx *store.Tx) error {
			found, err := tx.HeartbeatsForPings([]string{a.ID, b.ID})
			if err != nil {
				return err
			}
			var transitions []store.Transition
			for n := range 120 {
				id := []string{a.ID, b.ID}[n%2] // they alternate
				h, change := found[id].ApplyPing(w.ping(monitor.PingLog, time.Duration(n)*time.Second), w.start)
				found[id] = h
				transitions = append(transitions, store.Transition{Heartbeat: h, Change: change})
			}
			_, err = tx.Save(w.start, transitions)
			return err
		})
		if rows := w.rows("ping_blocks"); rows != "4" || w.rows("pings") != "0" {
			w.Errorf("120 pings of 2 heartbeats are %s blocks and %s rows; want 4 blocks: 50 and 10 pings of each", rows, w.rows("pings"))
		}
		for _, h := range []monitor.Heartbeat{a, b} {
			if n := w.pingNumbers(h, 0, 100); len(n) != 60 || n[0] != 60 || n[59] != 1 {
				w.Errorf("pings %v of %s; want 60 to 1", n, h.Name)
			}
		}
	})
}

// TestSave_StoresOnlyThePingsOfAFlushThatAreKept also shows that one flush with more pings
// than are kept does not leave the older ones to the cleanup.
func TestSave_StoresOnlyThePingsOfAFlushThatAreKept(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.db.SetRetention(monitor.Retention{PingsPerHeartbeat: 100})
		h := w.newSavedHeartbeat("backup")
		var batch []monitor.Ping
		for n := range 1337 {
			batch = append(batch, w.ping(monitor.PingLog, time.Duration(n)*time.Second))
		}
		w.applyPings(h, batch[:130]...)
		w.applyPings(h, batch[130:]...)
		if stored := w.pingNumbers(h, 0, 2000); len(stored) != 100 || stored[0] != 1337 {
			w.Errorf("%d pings are stored; want the newest 100", len(stored))
		}
	})
}

// TestSave_PrunesRowsOfEarlierVersions prunes a history that an earlier version wrote.
func TestSave_PrunesRowsOfEarlierVersions(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.db.SetRetention(monitor.Retention{PingsPerHeartbeat: 100})
		h := w.newSavedHeartbeat("backup")
		w.update(func(tx *store.Tx) error {
			var pings []monitor.Ping
			for n := range 130 {
				p := w.ping(monitor.PingLog, time.Duration(n)*time.Second)
				p.Number = int64(n + 1)
				pings = append(pings, p)
			}
			if err := store.InsertPingRows(tx, h.Key, pings); err != nil {
				return err
			}
			return store.SetPingCount(tx, h.Key, 130)
		})
		w.applyManyPings(h, 20, time.Hour)
		if stored := w.pingNumbers(h, 0, 2000); len(stored) != 100 || stored[0] != 150 || w.rows("pings") != "80" {
			w.Errorf("%d pings are stored, %s of them as rows; want the newest 100, 80 as rows", len(stored), w.rows("pings"))
		}
		w.applyManyPings(h, 240, 2*time.Hour)
		if stored := w.pingNumbers(h, 0, 2000); len(stored) < 100 || len(stored) > 200 || w.rows("pings") != "0" {
			w.Errorf("%d pings are stored, %s of them as rows; want 100 to 200, none as rows", len(stored), w.rows("pings"))
		}
	})
}

// TestCheckIntegrity_NamesDamagedBlocksAndRepairKeepsWhatCanBeRead damages a block, and
// makes another one that of a newer version.
func TestCheckIntegrity_NamesDamagedBlocksAndRepairKeepsWhatCanBeRead(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h, other := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("other")
		w.applyManyPings(h, 60, 0)
		w.applyManyPings(other, 60, 0)
		end := "substr(pings, 1, length(pings) - 60)" // the last records and the checksum are lost
		for _, text := range []string{
			fmt.Sprintf("UPDATE ping_blocks SET pings = %s WHERE heartbeat = %d AND first = 1", end, h.Key),
			fmt.Sprintf("UPDATE ping_blocks SET format = %d WHERE heartbeat = %d AND first = 51", pingblock.FormatWithHosts+1, other.Key),
		} {
			w.breakRows(text)
		}
		found, err := w.db.CheckIntegrity(context.Background())
		if err != nil || len(found) != 2 {
			t.Fatalf("problems %v, %v; want two", found, err)
		}
		damaged, newer := found[0], found[1]
		if damaged.Name != "damaged_pings" || damaged.Count != 1 || !damaged.Repairable || !strings.Contains(damaged.String(), `1 blocks of pings that are damaged: pings 1 to 50 of "backup" (`) {
			t.Errorf("problem %+v", damaged)
		}
		if newer.Name != "newer_pings" || newer.Count != 1 || newer.Repairable || !strings.Contains(newer.String(), `pings 51 to 60 of "other"`) {
			t.Errorf("problem %+v", newer)
		}
		readable := w.pingNumbers(h, 0, 100)
		if len(readable) < 40 || len(readable) >= 60 || readable[0] != 60 || readable[10] > 50 {
			t.Errorf("%d pings are readable; want all after the block, and some of it", len(readable))
		}
		left, err := w.db.Repair(context.Background(), damaged, w.at(0), func(*store.Tx) error { return nil })
		if err != nil || left != 0 {
			t.Errorf("%d left, %v", left, err)
		}
		if diff := cmp.Diff(readable, w.pingNumbers(h, 0, 100)); diff != "" {
			t.Errorf("pings before and after the repair (-before +after):\n%s", diff)
		}
		if _, err := w.db.Repair(context.Background(), newer, w.at(0), func(*store.Tx) error { return nil }); err == nil {
			t.Error("pings of a newer version were repaired")
		}
		if problems := w.problems(); problems != "newer_pings 1" {
			t.Errorf("problems after the repair: %s", problems)
		}
		if rows := w.queryNumber(fmt.Sprint("SELECT SUM(count) FROM ping_blocks WHERE heartbeat = ", other.Key)); rows != "60" {
			t.Errorf("%s pings of the other heartbeat; want all 60", rows)
		}
	})
}

// TestPings_BytesOnDiskPerPing measures the growth of the file by pings that were flushed
// together, and by those that were alone. A row of earlier versions has 76 bytes.
func TestPings_BytesOnDiskPerPing(t *testing.T) {
	for together, most := range map[int]int{1: 74, 2: 42, 20: 10, pingblock.MaxPings: 7} {
		if n := bytesPerPing(t, together, store.InsertPingBlocks); n > most {
			t.Errorf("%d pings together: %d bytes per ping; want at most %d", together, n, most)
		}
	}
	if n := bytesPerPing(t, 20, store.InsertPingRows); n < 60 {
		t.Errorf("%d bytes per row; the test measures something else", n)
	}
}

// bytesPerPing stores pings of 20 heartbeats, some of each together, and returns by how
// much the file grows per ping.
func bytesPerPing(t *testing.T, together int, insert func(tx *store.Tx, heartbeat int64, pings []monitor.Ping) error) int {
	t.Helper()
	const heartbeats, each = 20, 600
	w := &fixture{T: t, db: openStore(t, filepath.Join(t.TempDir(), "overdue.db")), start: realTimeStart}
	size := func() (n int) {
		if _, err := fmt.Sscan(w.queryNumber("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"), &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	save := func(rounds ...int) {
		w.update(func(tx *store.Tx) error {
			for _, round := range rounds {
				for h := range int64(heartbeats) {
					var pings []monitor.Ping
					for n := range together {
						number := round*together + n
						p := w.ping(monitor.PingSuccess, time.Duration(number)*(time.Minute+time.Duration(h)*1234*time.Microsecond))
						p.Number, p.Source, p.UserAgent = int64(number+1), "192.0.2.123", "curl/8.5.0"
						pings = append(pings, p)
					}
					if err := insert(tx, h+1, pings); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	save(0)
	before := size()
	rounds := make([]int, each/together)
	for i := range rounds {
		rounds[i] = i
	}
	save(rounds[1:]...)
	perPing := (size() - before) / (heartbeats * (each - together))
	t.Logf("%d pings together: %d bytes per ping", together, perPing)
	return perPing
}
