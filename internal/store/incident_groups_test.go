package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// failTagged adds a heartbeat with tags and reports a failure from an address.
func (w *fixture) failTagged(name, source string, d time.Duration, tags ...string) monitor.Heartbeat {
	w.Helper()
	h := w.newHeartbeat(name)
	h.Tags = tags
	h = w.addHeartbeat(h)
	p := w.ping(monitor.PingFail, d)
	p.Source = source
	w.applyPings(h, p)
	return h
}

// group runs the grouping until nothing is left to do.
func (w *fixture) group(d time.Duration) {
	w.Helper()
	for range 100 {
		step, err := w.db.RunGrouping(w.Context(), w.at(d))
		if err != nil {
			w.Fatal(err)
		}
		if !step.More {
			return
		}
	}
	w.Fatal("the grouping does not end")
}

// groups describes the group of each incident of the project, oldest first.
func (w *fixture) groups() string {
	w.Helper()
	var parts []string
	for _, i := range w.incidents(w.project.Key) {
		parts = append(parts, fmt.Sprintf("%d:%d", i.Number, i.Group))
	}
	return strings.Join(parts, " ")
}

// expectGroups checks the result of groups.
func (w *fixture) expectGroups(want string) {
	w.Helper()
	if got := w.groups(); got != want {
		w.Errorf("groups %q; want %q", got, want)
	}
}

func TestGroupIncidents_ASharedSourceOrTagMakesAGroup(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.failTagged("a", "192.0.2.1", 0, "db")
		w.failTagged("b", "192.0.2.2", 0, "web")
		w.group(time.Second)
		w.expectGroups("1:0 2:0")
		w.failTagged("c", "192.0.2.1", 30*time.Second, "x")
		w.group(31 * time.Second)
		w.expectGroups("1:1 2:0 3:1")
		w.failTagged("d", "192.0.2.1", 80*time.Second, "web") // a minute after c, and too late for b
		w.failTagged("e", "192.0.2.9", 80*time.Second, "y")
		w.group(81 * time.Second)
		w.expectGroups("1:1 2:0 3:1 4:1 5:0")
		w.failTagged("f", "192.0.2.1", 30*time.Minute, "db")
		w.group(31 * time.Minute)
		w.expectGroups("1:1 2:0 3:1 4:1 5:0 6:0")
		g := view(w, func(tx *store.Tx) (monitor.IncidentGroup, error) { return tx.IncidentGroup(w.project.Key, 1) })
		if g.Factor != (monitor.Factor{Kind: monitor.FactorSource, Value: "192.0.2.1"}) || g.Members != 3 || !g.First.Equal(w.at(0)) || !g.Last.Equal(w.at(80*time.Second)) {
			t.Errorf("group %+v", g)
		}
	})
}

// The answer must be the same when each step decides about few incidents, also on several nodes.
func TestGroupIncidents_TwoNodesDecideOnceAboutEachIncident(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		other := w.onNode(w.open())
		for n := range 40 {
			w.failTagged(fmt.Sprint("job ", n), fmt.Sprint("192.0.2.", n), 0, "edge")
		}
		var all sync.WaitGroup
		for _, node := range []*fixture{w, other} {
			all.Go(func() {
				for range 3 {
					if _, err := node.db.RunGrouping(node.Context(), node.at(time.Second)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		g := view(w, func(tx *store.Tx) (monitor.IncidentGroup, error) { return tx.IncidentGroup(w.project.Key, 1) })
		counts := view(w, func(tx *store.Tx) (map[int64]store.GroupCounts, error) {
			return tx.CountGroups(w.project.Key, []int64{1})
		})
		if g.Members != 40 || counts[1].Open != 40 {
			t.Errorf("group of %d members, with %+v; want 40", g.Members, counts)
		}
	})
}

func TestAcknowledgeMembers_AlsoThoseThatJoinWithinTwoHours(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		a, b := w.failTagged("a", "", 0, "db"), w.failTagged("b", "", 0, "db")
		w.group(time.Second)
		w.applyPings(b, w.ping(monitor.PingSuccess, 2*time.Second))
		g := view(w, func(tx *store.Tx) (monitor.IncidentGroup, error) { return tx.IncidentGroup(w.project.Key, 1) })
		w.update(func(tx *store.Tx) error { return tx.AcknowledgeGroup(g, "Ann", w.at(3*time.Second)) })
		w.group(4 * time.Second) // another process does it
		c := w.failTagged("c", "", 50*time.Second, "db")
		w.group(time.Minute)
		var states []string
		for _, i := range w.incidents(w.project.Key) {
			states = append(states, string(i.State())+" "+i.AcknowledgedBy)
		}
		if got := strings.Join(states, ", "); got != "acknowledged Ann, resolved , acknowledged Ann" {
			t.Errorf("states %q", got)
		}
		for _, h := range []monitor.Heartbeat{a, c} {
			i := w.incident(h)
			timeline := view(w, func(tx *store.Tx) ([]monitor.TimelineEntry, error) { return tx.Timeline(i) })
			if text := timeline[len(timeline)-1].Text; text != "Acknowledged by Ann, together with group 1." {
				t.Errorf("timeline %q", text)
			}
			if alerts := fmt.Sprint(w.alerts(i.ID, ops)); !strings.Contains(alerts, "incident.opened") || !strings.Contains(alerts, "incident.acknowledged") {
				t.Errorf("alerts %s; the opening must be sent as well", alerts)
			}
		}
		// It is over: a new failure is a new group, which no one has acknowledged.
		for _, h := range []monitor.Heartbeat{a, c} {
			w.applyPings(h, w.ping(monitor.PingSuccess, 70*time.Second))
		}
		w.failTagged("d", "", 80*time.Second, "db")
		w.failTagged("e", "", 80*time.Second, "db")
		w.group(90 * time.Second)
		w.expectGroups("1:1 2:1 3:1 4:4 5:4")
		if i := w.incidents(w.project.Key)[3]; i.State() != monitor.StateOpen {
			t.Errorf("incident 4 is %s", i.State())
		}
	})
}

func TestAcknowledgeMembers_NotTwoHoursLater(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.failTagged("a", "", 0, "db")
		w.failTagged("b", "", 0, "db")
		w.group(time.Second)
		g := view(w, func(tx *store.Tx) (monitor.IncidentGroup, error) { return tx.IncidentGroup(w.project.Key, 1) })
		w.update(func(tx *store.Tx) error { return tx.AcknowledgeGroup(g, "Ann", w.at(time.Second)) })
		w.group(2 * time.Second)
		w.failTagged("late", "", 30*time.Second, "db")
		w.group(time.Second + monitor.GroupAcknowledgement)
		w.expectGroups("1:1 2:1 3:1")
		if i := w.incidents(w.project.Key)[2]; i.State() != monitor.StateOpen {
			t.Errorf("incident 3 is %s", i.State())
		}
	})
}

func TestIncidents_FilterByGroupTagAndHost(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		first := w.failTagged("a", "192.0.2.1", 0, "db")
		w.failTagged("alone", "", 0)
		w.failTagged("b", "192.0.2.2", 0, "db", "big")
		w.failTagged("c", "192.0.2.3", time.Second, "db")
		w.group(2 * time.Second)
		w.applyPings(first, w.ping(monitor.PingSuccess, 3*time.Second))
		for name, test := range map[string]struct {
			filter store.IncidentFilter
			want   string
		}{
			"members":        {store.IncidentFilter{Group: 1}, "[4 3 1]"},
			"members by tag": {store.IncidentFilter{Group: 1, Tag: "big"}, "[3]"},
			"open members":   {store.IncidentFilter{Group: 1, State: monitor.StateOpen}, "[4 3]"},
			"by host":        {store.IncidentFilter{Group: 1, Host: "192.0.2.3"}, "[4]"},
		} {
			test.filter.Project, test.filter.Limit = w.project.Key, 10
			numbers := []int64{}
			for _, i := range view(w, func(tx *store.Tx) ([]monitor.Incident, error) { return tx.Incidents(test.filter) }) {
				numbers = append(numbers, i.Number)
			}
			count := view(w, func(tx *store.Tx) (store.IncidentCount, error) { return tx.CountIncidents(test.filter) })
			if got := fmt.Sprint(numbers); got != test.want || count.Total != len(numbers) {
				t.Errorf("%s: incidents %s, count %d; want %s", name, got, count.Total, test.want)
			}
		}
	})
}

func TestGroupFacts_AddUp(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		for n := range 6 {
			w.failTagged(fmt.Sprint("job ", n), fmt.Sprint("192.0.2.", n/3), time.Duration(n)*time.Second, "db", fmt.Sprint("rack-", n%2))
		}
		w.group(7 * time.Second)
		g := view(w, func(tx *store.Tx) (monitor.IncidentGroup, error) { return tx.IncidentGroup(w.project.Key, 1) })
		f := view(w, func(tx *store.Tx) (store.GroupFacts, error) { return tx.GroupFacts(g) })
		if got, want := fmt.Sprint(f.Factors), "[{{source 192.0.2.0} 3} {{source 192.0.2.1} 3} {{tag db} 6} {{tag rack-0} 3} {{tag rack-1} 3}]"; got != want {
			t.Errorf("factors %s; want %s", got, want)
		}
		opened := 0
		for _, n := range f.Opened {
			opened += n
		}
		if opened != 6 || f.Causes[monitor.CauseFailure] != 6 || f.To.Sub(f.From) != 5*time.Second {
			t.Errorf("facts %+v", f)
		}
		w.claimAlerts(ops, "a", 8*time.Second, 20*time.Second, 2)
		sent := view(w, func(tx *store.Tx) ([]store.ChannelAlerts, error) {
			return tx.GroupAlertsByChannel(g, w.at(8*time.Second))
		})
		if len(sent) != 1 || sent[0].Total() != 6 || sent[0].Pending != 6 {
			t.Errorf("alerts %+v", sent)
		}
	})
}

// Retention deletes the first incident of a group, whose number the group has, after the others.
func TestCleanup_DeletesAGroupWithItsLastIncident(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.db.SetRetention(monitor.Retention{Incidents: 10 * day})
		a, b, c := w.failTagged("a", "", 0, "db"), w.failTagged("b", "", 0, "db"), w.failTagged("c", "", 0, "db")
		w.group(time.Second)
		w.applyPings(a, w.ping(monitor.PingSuccess, time.Minute))
		w.applyPings(b, w.ping(monitor.PingSuccess, time.Minute))
		groups := func() string {
			list := view(w, func(tx *store.Tx) ([]monitor.IncidentGroup, error) {
				return tx.IncidentGroups(store.GroupFilter{Project: w.project.Key, Limit: 10})
			})
			return fmt.Sprint(w.groups(), " ", len(list))
		}
		w.cleanUp(11 * day)
		if got, want := groups(), "1:1 3:1 1"; got != want {
			t.Errorf("incidents and groups %q; want %q", got, want)
		}
		w.applyPings(c, w.ping(monitor.PingSuccess, 12*day))
		w.cleanUp(30 * day)
		if got, want := groups(), " 0"; got != want {
			t.Errorf("incidents and groups %q; want %q", got, want)
		}
	})
}

// 20,000 incidents of one second take 41 steps. Each of them has as many statements as one of few incidents.
func TestGroupIncidents_ManyIncidentsTakeAsManyStatementsAsAFew(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.addChannel(w.newChannel("ops"))
		statements := map[string]int{}
		count := func(step string, fn func(tx *store.Tx) error) {
			w.db.TraceStatements(func(string, []any) { statements[step]++ })
			defer w.db.TraceStatements(func(string, []any) {})
			w.update(fn)
		}
		for part, incidents := range []int{3, 200} {
			for n := range incidents {
				w.failTagged(fmt.Sprint("job ", part, " ", n), fmt.Sprint("192.0.2.", n), time.Duration(part)*time.Hour, "edge")
			}
			first := int64(1 + part*3)
			count(fmt.Sprint("group ", part), func(tx *store.Tx) error {
				_, err := tx.GroupIncidents(w.project.Key, w.at(time.Duration(part)*time.Hour))
				return err
			})
			count(fmt.Sprint("acknowledge ", part), func(tx *store.Tx) error {
				g, err := tx.IncidentGroup(w.project.Key, first)
				if err != nil || g.Members != incidents {
					return fmt.Errorf("group %+v: %w", g, err)
				}
				if err := tx.AcknowledgeGroup(g, "Ann", w.at(time.Hour)); err != nil {
					return err
				}
				_, err = tx.AcknowledgeMembers(w.project.Key, first, w.at(time.Hour))
				return err
			})
		}
		if statements["group 0"] != statements["group 1"] || statements["acknowledge 0"] != statements["acknowledge 1"] || statements["group 0"] == 0 {
			t.Errorf("statements %v; want as many for 200 incidents as for 3", statements)
		}
	})
}
