package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// names returns the names of heartbeats.
func names(list []monitor.Heartbeat) string {
	var all []string
	for _, h := range list {
		all = append(all, h.Name)
	}
	return strings.Join(all, " ")
}

func TestHeartbeats_EveryOrderWorksInBothDirections(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		for n := range 12 {
			h := w.newHeartbeat(fmt.Sprintf("job%02d", n/2*2)) // two of each name
			h.Slug, h.Tags = fmt.Sprint("slug", n), []string{fmt.Sprint("t", n%3)}
			h = w.addHeartbeat(h)
			if n%3 == 0 {
				w.applyPings(h, w.ping(monitor.PingSuccess, time.Duration(n)*time.Second))
			}
		}
		for _, sort := range []string{"", "due", "last", "name", "slowest", "unknown"} {
			f := store.HeartbeatFilter{Project: w.project.Key, Sort: sort, Limit: 100}
			overview := func(f store.HeartbeatFilter) []monitor.Heartbeat {
				return view(w, func(tx *store.Tx) ([]monitor.Heartbeat, error) { return tx.Heartbeats(f) })
			}
			all := overview(f)
			if len(all) != 12 {
				w.Fatalf("%q: %d rows", sort, len(all))
			}
			positions := view(w, func(tx *store.Tx) (page []store.RowPosition, err error) {
				page, _, err = tx.SelectHeartbeats(f)
				return page, err
			})
			for n := 1; n < len(all); n++ {
				f.From, f.Backwards, f.Limit = positions[n], false, 3
				if got, want := names(overview(f)), names(all[n+1:min(n+4, len(all))]); got != want {
					w.Errorf("%q after %d: %s; want %s", sort, n, got, want)
				}
				f.Backwards = true
				if got, want := names(overview(f)), names(all[max(n-3, 0):n]); got != want {
					w.Errorf("%q before %d: %s; want %s", sort, n, got, want)
				}
			}
		}
		tags, total := []store.TagCount{}, 0
		w.update(func(tx *store.Tx) (err error) {
			tags, total, err = tx.TopTags(w.project.Key, 2)
			return err
		})
		if diff := cmp.Diff([]store.TagCount{{Tag: "t0", Count: 4}, {Tag: "t1", Count: 4}}, tags); diff != "" || total != 3 {
			w.Errorf("%d tags, %s", total, diff)
		}
	})
}

func TestHeartbeats_SearchesEveryTextField(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newHeartbeat("Backup")
		h.Slug, h.Description, h.Tags = "nightly", "Where 100% runs", []string{"R&D", `a"b`, "Blue"}
		h = w.addHeartbeat(h)
		w.newSavedHeartbeat("other")
		for text, want := range map[string]string{
			"back": "Backup", "NIGHT": "Backup", "100%": "Backup", "%": "Backup", "r&d": "Backup", `A"b`: "Backup", "blu": "Backup", h.Ref[:8]: "Backup",
			"[": "", `","`: "", "_": "", h.ID[:8]: "", "zzz": "",
		} {
			f := store.HeartbeatFilter{Project: w.project.Key, Text: text, Limit: 10}
			got := view(w, func(tx *store.Tx) ([]monitor.Heartbeat, error) { return tx.Heartbeats(f) })
			n := view(w, func(tx *store.Tx) (n int, err error) {
				_, n, err = tx.SelectHeartbeats(f)
				return n, err
			})
			if names(got) != want || n != len(got) {
				w.Errorf("%q finds %q and counts %d; want %q", text, names(got), n, want)
			}
		}
		f := store.HeartbeatFilter{Project: w.project.Key, Text: h.ID[:8], SearchIDs: true, Limit: 10}
		if got := view(w, func(tx *store.Tx) ([]monitor.Heartbeat, error) { return tx.Heartbeats(f) }); names(got) != "Backup" {
			w.Errorf("by id: %s", names(got))
		}
		f = store.HeartbeatFilter{Project: w.project.Key, Tags: []string{"R&D"}, Limit: 10}
		if got := view(w, func(tx *store.Tx) ([]monitor.Heartbeat, error) { return tx.Heartbeats(f) }); names(got) != "Backup" {
			w.Errorf("by tag: %s", names(got))
		}
	})
}

func TestStatusCounts_IgnoresDeletedHeartbeats(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		up, down, gone := w.newSavedHeartbeat("up"), w.newSavedHeartbeat("down"), w.newSavedHeartbeat("gone")
		w.applyPings(up, w.ping(monitor.PingSuccess, 0))
		w.applyPings(up, w.ping(monitor.PingStart, time.Second))
		w.fail(down, 0)
		w.update(func(tx *store.Tx) error {
			gone.Deleted = w.at(0)
			return tx.SaveHeartbeatSettings(gone)
		})
		tally := view(w, func(tx *store.Tx) (store.StatusCounts, error) { return tx.StatusCounts(w.project.Key) })
		if diff := cmp.Diff(store.StatusCounts{ByStatus: map[monitor.Status]int{monitor.Up: 1, monitor.Down: 1}, Running: 1}, tally); diff != "" {
			w.Error(diff)
		}
		minutes := view(w, func(tx *store.Tx) ([60]int, error) { return tx.ExpectedByMinute(w.project.Key, w.at(time.Minute)) })
		want := [60]int{4: 1} // up is due five minutes after its ping
		if minutes != want {
			w.Errorf("minutes %v", minutes)
		}
		keys := view(w, func(tx *store.Tx) ([]int64, error) {
			return tx.HeartbeatKeys(w.project.Key, []string{down.Ref, up.Ref, gone.Ref, "x"})
		})
		if diff := cmp.Diff([]int64{up.Key, down.Key}, keys); diff != "" {
			w.Error(diff)
		}
		pulses := func() []store.HeartbeatFingerprint {
			return view(w, func(tx *store.Tx) ([]store.HeartbeatFingerprint, error) {
				return tx.HeartbeatFingerprints([]int64{up.Key, down.Key})
			})
		}
		before := pulses()
		if diff := cmp.Diff(before, pulses()); diff != "" {
			w.Error("nothing changed:", diff)
		}
		w.applyPings(down, w.ping(monitor.PingSuccess, time.Minute))
		if after := pulses(); after[0] != before[0] || after[1] == before[1] {
			w.Errorf("%+v, then %+v", before, after)
		}
	})
}

func TestRecentPings_ReturnsPingsThatEndedARunOldestFirst(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		a, b := w.newSavedHeartbeat("a"), w.newSavedHeartbeat("b")
		for n := range 10 {
			w.applyPings(a, w.ping(monitor.PingStart, time.Duration(n)*time.Minute), w.ping(monitor.PingSuccess, time.Duration(n)*time.Minute+time.Second))
		}
		w.applyPings(b, w.ping(monitor.PingFail, 0))
		pings := view(w, func(tx *store.Tx) (map[int64][]monitor.Ping, error) { return tx.RecentPings([]int64{a.Key, b.Key}, 6) })
		if len(pings[a.Key]) != 3 || len(pings[b.Key]) != 1 || pings[a.Key][0].Number != 16 || pings[a.Key][2].Number != 20 {
			w.Errorf("%+v", pings)
		}
		outages := view(w, func(tx *store.Tx) (map[int64][]store.Outage, error) {
			return tx.Outages([]int64{a.Key, b.Key}, w.at(0), 10)
		})
		if len(outages[a.Key]) != 0 || len(outages[b.Key]) != 1 || outages[b.Key][0].Cause != monitor.CauseFailure || !outages[b.Key][0].Resolved.IsZero() {
			w.Errorf("%+v", outages)
		}
		log := view(w, func(tx *store.Tx) ([]monitor.Ping, error) {
			return tx.PingLog(store.PingLogFilter{Heartbeat: a.Key, Kind: monitor.PingStart, Before: 15, Limit: 2, BodyBytes: 10})
		})
		if len(log) != 2 || log[0].Number != 13 || log[1].Number != 11 {
			w.Errorf("%+v", log)
		}
	})
}

func TestHeartbeats_SortsIntervalsAndCalendarsByDueTime(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		rule := func(name string, r monitor.Rule) {
			h := w.newHeartbeat(name)
			r.Methods = monitor.AnyMethod
			h.Rule = r
			w.applyPings(w.addHeartbeat(h), w.ping(monitor.PingSuccess, time.Minute))
		}
		rule("hours", monitor.Rule{Interval: 2 * time.Hour})
		rule("yearly", monitor.Rule{Calendar: cronCalendar(w, "0 3 1 1 *")})
		rule("minutely", monitor.Rule{Calendar: cronCalendar(w, "* * * * *")})
		rule("minutes", monitor.Rule{Interval: 10 * time.Minute})
		for _, sort := range []string{"", "due"} {
			list := view(w, func(tx *store.Tx) ([]monitor.Heartbeat, error) {
				return tx.Heartbeats(store.HeartbeatFilter{Project: w.project.Key, Sort: sort, Limit: 9})
			})
			if got, want := names(list), "minutely minutes hours yearly"; got != want {
				w.Errorf("%q: %s; want %s", sort, got, want)
			}
		}
		minutes := view(w, func(tx *store.Tx) ([60]int, error) { return tx.ExpectedByMinute(w.project.Key, w.at(time.Minute)) })
		if ahead := minutes[0] + minutes[1] + minutes[9] + minutes[10]; ahead != 2 {
			w.Errorf("expected by minute %v; want one in a minute and one in ten", minutes)
		}
	})
}

// cronCalendar returns the calendar of a crontab line in UTC.
func cronCalendar(w *fixture, line string) *monitor.Calendar {
	w.Helper()
	c, err := monitor.NewCalendar(monitor.Cron, []string{line}, "UTC")
	if err != nil {
		w.Fatal(err)
	}
	return c
}

func TestNewestHeartbeats_ListsThoseOfTheProjectNewestFirst(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.newSavedHeartbeat("first")
		w.newSavedHeartbeat("second")
		gone := w.newSavedHeartbeat("gone")
		w.newSavedHeartbeat("third")
		other := w.addProject("other")
		gone.Deleted = w.start
		w.update(func(tx *store.Tx) error { return tx.SaveHeartbeatSettings(gone) })
		newest := func(project monitor.Project, n int) (names []string) {
			if err := w.db.View(w.Context(), func(tx *store.Tx) error {
				list, err := tx.NewestHeartbeats(project.Key, n)
				for _, h := range list {
					names = append(names, h.Slug)
				}
				return err
			}); err != nil {
				w.Fatal(err)
			}
			return names
		}
		if got := newest(w.project, 2); !slices.Equal(got, []string{"third", "second"}) {
			w.Errorf("the newest two are %v", got)
		}
		if got := newest(w.project, 9); !slices.Equal(got, []string{"third", "second", "first"}) {
			w.Errorf("the newest are %v", got)
		}
		if got := newest(other, 9); got != nil {
			w.Errorf("another project has %v", got)
		}
	})
}
