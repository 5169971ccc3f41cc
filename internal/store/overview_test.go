package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// names lists the names of heartbeats.
func names(list []monitor.Heartbeat) string {
	var all []string
	for _, h := range list {
		all = append(all, h.Name)
	}
	return strings.Join(all, " ")
}

func TestEveryOrderOfTheOverviewCanBeTurnedBothWays(t *testing.T) {
	onEach(t, func(w *world) {
		for n := range 12 {
			h := w.newHeartbeat(fmt.Sprintf("job%02d", n/2*2)) // two of each name
			h.Slug, h.Tags = fmt.Sprint("slug", n), []string{fmt.Sprint("t", n%3)}
			h = w.add(h)
			if n%3 == 0 {
				w.hear(h, w.ping(monitor.Success, time.Duration(n)*time.Second))
			}
		}
		for _, sort := range []string{"", "due", "last", "name", "slowest", "unknown"} {
			f := store.OverviewFilter{Project: w.project.Key, Sort: sort, Limit: 100}
			overview := func(f store.OverviewFilter) []monitor.Heartbeat {
				return seen(w, func(tx *store.Tx) ([]monitor.Heartbeat, error) { return tx.Overview(f) })
			}
			all := overview(f)
			if len(all) != 12 {
				w.Fatalf("%q: %d rows", sort, len(all))
			}
			for n := 1; n < len(all); n++ {
				mark := seen(w, func(tx *store.Tx) (store.Mark, error) { return tx.MarkOf(sort, all[n].Key) })
				f.From, f.Back, f.Limit = mark, false, 3
				if got, want := names(overview(f)), names(all[n+1:min(n+4, len(all))]); got != want {
					w.Errorf("%q after %d: %s; want %s", sort, n, got, want)
				}
				f.Back = true
				if got, want := names(overview(f)), names(all[max(n-3, 0):n]); got != want {
					w.Errorf("%q before %d: %s; want %s", sort, n, got, want)
				}
			}
		}
		tags, total := []store.TagCount{}, 0
		w.update(func(tx *store.Tx) (err error) {
			tags, total, err = tx.Tags(w.project.Key, 2)
			return err
		})
		if diff := cmp.Diff([]store.TagCount{{Tag: "t0", N: 4}, {Tag: "t1", N: 4}}, tags); diff != "" || total != 3 {
			w.Errorf("%d tags, %s", total, diff)
		}
	})
}

func TestTheOverviewFindsTextsOfEveryKind(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.newHeartbeat("Backup")
		h.Slug, h.Description, h.Tags = "nightly", "Where 100% runs", []string{"R&D", `a"b`, "Blue"}
		h = w.add(h)
		w.heartbeat("other")
		for text, want := range map[string]string{
			"back": "Backup", "NIGHT": "Backup", "100%": "Backup", "%": "Backup", "r&d": "Backup", `A"b`: "Backup", "blu": "Backup", h.Ref[:8]: "Backup",
			"[": "", `","`: "", "_": "", h.ID[:8]: "", "zzz": "",
		} {
			f := store.OverviewFilter{Project: w.project.Key, Text: text, Limit: 10}
			got := seen(w, func(tx *store.Tx) ([]monitor.Heartbeat, error) { return tx.Overview(f) })
			n := seen(w, func(tx *store.Tx) (int, error) { return tx.OverviewCount(f) })
			if names(got) != want || n != len(got) {
				w.Errorf("%q finds %q and counts %d; want %q", text, names(got), n, want)
			}
		}
		f := store.OverviewFilter{Project: w.project.Key, Text: h.ID[:8], IDs: true, Limit: 10}
		if got := seen(w, func(tx *store.Tx) ([]monitor.Heartbeat, error) { return tx.Overview(f) }); names(got) != "Backup" {
			w.Errorf("by id: %s", names(got))
		}
		f = store.OverviewFilter{Project: w.project.Key, Tag: "R&D", Limit: 10}
		if got := seen(w, func(tx *store.Tx) ([]monitor.Heartbeat, error) { return tx.Overview(f) }); names(got) != "Backup" {
			w.Errorf("by tag: %s", names(got))
		}
	})
}

func TestFiguresCountOnlyWhatIsThere(t *testing.T) {
	onEach(t, func(w *world) {
		up, down, gone := w.heartbeat("up"), w.heartbeat("down"), w.heartbeat("gone")
		w.hear(up, w.ping(monitor.Success, 0))
		w.hear(up, w.ping(monitor.Start, time.Second))
		w.down(down, 0)
		w.update(func(tx *store.Tx) error {
			gone.Deleted = w.at(0)
			return tx.SaveSettings(gone)
		})
		tally := seen(w, func(tx *store.Tx) (store.Tally, error) { return tx.Tally(w.project.Key) })
		if diff := cmp.Diff(store.Tally{ByStatus: map[monitor.Status]int{monitor.Up: 1, monitor.Down: 1}, Running: 1}, tally); diff != "" {
			w.Error(diff)
		}
		minutes := seen(w, func(tx *store.Tx) ([60]int, error) { return tx.Ahead(w.project.Key, w.at(time.Minute)) })
		want := [60]int{4: 1} // up is due five minutes after its ping
		if minutes != want {
			w.Errorf("minutes %v", minutes)
		}
		keys := seen(w, func(tx *store.Tx) ([]int64, error) {
			return tx.KeysOf(w.project.Key, []string{down.Ref, up.Ref, gone.Ref, "x"})
		})
		if diff := cmp.Diff([]int64{up.Key, down.Key}, keys); diff != "" {
			w.Error(diff)
		}
		pulses := func() []store.Pulse {
			return seen(w, func(tx *store.Tx) ([]store.Pulse, error) { return tx.Pulses([]int64{up.Key, down.Key}) })
		}
		before := pulses()
		if diff := cmp.Diff(before, pulses()); diff != "" {
			w.Error("nothing happened:", diff)
		}
		w.hear(down, w.ping(monitor.Success, time.Minute))
		if after := pulses(); after[0] != before[0] || after[1] == before[1] {
			w.Errorf("%+v, then %+v", before, after)
		}
	})
}

func TestRecentPingsAreThoseThatEndedARunOldestFirst(t *testing.T) {
	onEach(t, func(w *world) {
		a, b := w.heartbeat("a"), w.heartbeat("b")
		for n := range 10 {
			w.hear(a, w.ping(monitor.Start, time.Duration(n)*time.Minute), w.ping(monitor.Success, time.Duration(n)*time.Minute+time.Second))
		}
		w.hear(b, w.ping(monitor.Fail, 0))
		pings := seen(w, func(tx *store.Tx) (map[int64][]monitor.Ping, error) { return tx.RecentPings([]int64{a.Key, b.Key}, 6) })
		if len(pings[a.Key]) != 3 || len(pings[b.Key]) != 1 || pings[a.Key][0].N != 16 || pings[a.Key][2].N != 20 {
			w.Errorf("%+v", pings)
		}
		outages := seen(w, func(tx *store.Tx) (map[int64][]store.Outage, error) {
			return tx.Outages([]int64{a.Key, b.Key}, w.at(0), 10)
		})
		if len(outages[a.Key]) != 0 || len(outages[b.Key]) != 1 || outages[b.Key][0].Cause != monitor.Failure || !outages[b.Key][0].Resolved.IsZero() {
			w.Errorf("%+v", outages)
		}
		log := seen(w, func(tx *store.Tx) ([]monitor.Ping, error) {
			return tx.PingLog(store.PingLog{Heartbeat: a.Key, Kind: monitor.Start, Before: 15, Limit: 2, Bytes: 10})
		})
		if len(log) != 2 || log[0].N != 13 || log[1].N != 11 {
			w.Errorf("%+v", log)
		}
	})
}

func TestASecretIsMadeOnce(t *testing.T) {
	onEach(t, func(w *world) {
		secret := func(fresh string) string {
			return made(w, func(tx *store.Tx) (string, error) { return tx.Secret("a", fresh) })
		}
		if first, second := secret("one"), secret("two"); first != "one" || second != "one" {
			w.Error(first, second)
		}
	})
}

func TestWhatIsDueFirstIsSoWhetherByAnIntervalOrACalendar(t *testing.T) {
	onEach(t, func(w *world) {
		rule := func(name string, r monitor.Rule) {
			h := w.newHeartbeat(name)
			r.Methods = monitor.AnyMethod
			h.Rule = r
			w.hear(w.add(h), w.ping(monitor.Success, time.Minute))
		}
		rule("hours", monitor.Rule{Interval: 2 * time.Hour})
		rule("yearly", monitor.Rule{Calendar: calendar(w, "0 3 1 1 *")})
		rule("minutely", monitor.Rule{Calendar: calendar(w, "* * * * *")})
		rule("minutes", monitor.Rule{Interval: 10 * time.Minute})
		for _, sort := range []string{"", "due"} {
			list := seen(w, func(tx *store.Tx) ([]monitor.Heartbeat, error) {
				return tx.Overview(store.OverviewFilter{Project: w.project.Key, Sort: sort, Limit: 9})
			})
			if got, want := names(list), "minutely minutes hours yearly"; got != want {
				w.Errorf("%q: %s; want %s", sort, got, want)
			}
		}
		minutes := seen(w, func(tx *store.Tx) ([60]int, error) { return tx.Ahead(w.project.Key, w.at(time.Minute)) })
		if ahead := minutes[0] + minutes[1] + minutes[9] + minutes[10]; ahead != 2 {
			w.Errorf("in the hour ahead %v; want one in a minute and one in ten", minutes)
		}
	})
}

// calendar is a crontab line in UTC.
func calendar(w *world, line string) *monitor.Calendar {
	w.Helper()
	c, err := monitor.NewCalendar(monitor.Cron, []string{line}, "UTC")
	if err != nil {
		w.Fatal(err)
	}
	return c
}
