package web

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
	"overdue/internal/web/view/paths"
)

// blackout records a blackout of 19 minutes, caused by the database, in which the runs of the heartbeats
// were due, and enqueues its notices.
func (w *fixture) blackout(heartbeats ...monitor.Heartbeat) monitor.Blackout {
	w.Helper()
	for _, h := range heartbeats {
		w.ping(h, 70*time.Minute, monitor.Ping{})
	}
	now := w.now()
	f := &storetest.Fixture{T: w.T, DB: w.db}
	b := f.AddBlackout(now.Add(-20*time.Minute), now.Add(-time.Minute), errors.New("dial tcp 192.0.2.7:5432"))
	w.update(func(tx *store.Tx) error {
		_, err := tx.EnqueueNotices(now)
		return err
	})
	return b
}

func TestListBlackouts_ShowsRulerFiguresHeartbeatsAndNotice(t *testing.T) {
	onEach(t, func(w *fixture) {
		empty := w.get("viewer", paths.Blackouts)
		w.inOrder(empty, "100.000 %", "No blackout in 90 days.", "Overdue has been watching all the time.")
		w.createChannel("ops")
		h := w.createHeartbeat("<b>backup")
		b := w.blackout(h)
		page := w.get("member", fmt.Sprintf("%s?blackout=%d", paths.Blackouts, b.Key))
		w.inOrder(page, "Watched, 90 days", "99.98", "19m", `class="b-span"`, fmt.Sprintf(`id="blackout-%d" open`, b.Key), "Database unavailable", "1 heartbeat",
			"Whose runs are unknown", "&lt;b&gt;backup", "How Overdue knows", "Every node records each second", "The notice as it was sent", "Pending for ops.",
			"[Not watching] Overdue was not watching from", "This heartbeat was due in that time and cannot be evaluated: &lt;b&gt;backup.")
		if strings.Contains(page.body, "192.0.2.7") {
			w.Error("a member sees what the database reported")
		}
		if owner := w.get("owner", paths.Blackouts); !strings.Contains(owner.body, "192.0.2.7") {
			w.Error("the owner does not see what the database reported")
		}
		if viewer := w.get("viewer", paths.Blackouts); strings.Contains(viewer.body, h.ID) || !strings.Contains(viewer.body, paths.Heartbeat(h.Ref)) {
			w.Error("a viewer sees the id of a heartbeat, or no link to it")
		}
		if stranger := w.get("stranger", paths.Blackouts); strings.Contains(stranger.body, "backup") || !strings.Contains(stranger.body, "Nothing was due") {
			w.Error("the members of another project see the heartbeat")
		}
	})
}

func TestListBlackouts_ALinkOpensItsProjectAndItsBlackout(t *testing.T) {
	onEach(t, func(w *fixture) {
		now := w.now()
		f := &storetest.Fixture{T: w.T, DB: w.db}
		for i := range 30 { // and the times between them
			f.AddBlackout(now.Add(time.Duration(i-40)*time.Minute), now.Add(time.Duration(i-40)*time.Minute+10*time.Second), nil)
		}
		page := w.get("member", paths.Blackouts)
		w.inOrder(page, `id="blackout-59"`, `id="blackout-35"`, "Older blackouts")
		if strings.Contains(page.body, `id="blackout-34"`) || strings.Contains(page.body, ">Newest<") {
			w.Error("the first page is too long, or leads to newer blackouts")
		}
		w.inOrder(w.get("member", paths.Blackouts+"?before=35"), ">Newest<", `id="blackout-34"`)
		w.inOrder(w.get("member", paths.Blackouts+"?blackout=7"), ">Newest<", `id="blackout-7" open`, `id="blackout-1"`)
		for _, query := range []string{"?blackout=99", "?blackout=x", "?before=-1", "?blackout=9223372036854775807"} {
			w.inOrder(w.get("member", paths.Blackouts+query), `id="blackout-59"`)
		}
		if a := w.get("member", fmt.Sprintf("%s?project=%d&blackout=7", paths.Blackouts, w.otherProject.Key)); a.code != 404 {
			w.Errorf("a link to another project: %d", a.code)
		}
	})
}

func TestShowHeartbeat_ShowsTheBlackoutInLogWhyAndRuns(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		b := w.blackout(h)
		page := w.get("member", paths.Heartbeat(h.ID))
		w.inOrder(page, `id="s-why"`, "Not watching until", "Overdue was not watching from", `class="gap"`, "Overdue was not watching. The run that was due at", "Evaluated again from", paths.Blackouts+"?blackout="+fmt.Sprint(b.Key))
		for _, text := range []string{"1 unknown", "Unknown: not watching"} {
			if !strings.Contains(page.body, text) {
				w.Errorf("the page does not contain %q", text)
			}
		}
	})
}

func TestShowHeartbeat_AShortBlackoutIsALineOfTheSum(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		w.ping(h, 61*time.Minute, monitor.Ping{})
		now := w.now()
		(&storetest.Fixture{T: w.T, DB: w.db}).AddBlackout(now.Add(-30*time.Second), now.Add(-18*time.Second), nil)
		w.inOrder(w.get("member", paths.Heartbeat(h.ID)), `id="s-why"`, "+ not watched", "12s", "The deadline moved by 12s.")
	})
}

func TestShowIncident_TheTimelineHasTheBlackoutThatMovedItsDeadline(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		w.ping(h, 3*time.Hour, monitor.Ping{})
		now := w.now()
		f := &storetest.Fixture{T: w.T, DB: w.db}
		from := now.Add(-2 * time.Hour).Add(time.Minute)
		f.AddBlackout(from, from.Add(12*time.Second), nil)
		w.update(func(tx *store.Tx) error {
			found, err := tx.HeartbeatByKey(h.Key)
			if err != nil {
				return err
			}
			after, change := found.Evaluate(from.Add(time.Hour))
			_, err = tx.Save(from.Add(time.Hour), []store.Transition{{Heartbeat: after, Change: change}})
			return err
		})
		i := w.newestIncident(h)
		w.inOrder(w.get("member", paths.Incident(i.ID)), "Overdue was not watching for 12s", "The deadline moved by 12s.", "now <em>Down")
		w.inOrder(w.get("member", paths.Incident(i.ID)), "+ grace", "10m", "+ not watched", "12s")
		d, err := w.service.Incident(w.Context(), w.actor("viewer"), i.ID)
		if err != nil || len(d.Timeline) < 3 || d.Timeline[2].Kind != "blackout" {
			w.Errorf("timeline %+v, %v", d.Timeline, err)
		}
	})
}
