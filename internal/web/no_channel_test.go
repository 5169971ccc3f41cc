package web

import (
	"testing"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
)

// noChannelText is the warning of a project without a channel.
const noChannelText = "No one is notified when a heartbeat goes Down: this project has no channel."

func TestPages_WarnUntilAChannelExists(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.expectHTML(w.get("member", "/heartbeats"), 200, "no one is notified when a heartbeat goes Down", `href="/channels#add"`)
		h, i := w.failHeartbeat("backup", 2*time.Minute)
		over, done := w.failHeartbeat("over", 2*time.Minute)
		w.ping(over, time.Minute, monitor.Ping{})
		pages := []string{"/heartbeats", "/heartbeats/" + h.Ref, "/incidents/" + i.ID}
		for _, path := range pages {
			w.expectHTML(w.get("member", path), 200, noChannelText, `href="/channels#add">Add a channel`)
			seen := w.get("viewer", path)
			w.expectHTML(seen, 200, noChannelText)
			w.expectNone(seen, "/channels#add")
		}
		w.expectNone(w.get("member", "/incidents/"+done.ID), noChannelText)
		w.createChannel("ops")
		for _, path := range pages {
			w.expectNone(w.get("member", path), noChannelText)
		}
	})
}

func TestShowIncident_ExplainsMissingDeliveries(t *testing.T) {
	onEach(t, func(w *fixture) {
		const late, none = "The project had no channel when the incident opened. A channel only receives alerts about later incidents.", "This heartbeat has no channels."
		_, before := w.failHeartbeat("before", 2*time.Minute)
		path := "/incidents/" + before.ID
		w.expectHTML(w.get("viewer", path), 200, "The project has no channel.")
		w.createChannel("ops")
		page := w.get("viewer", path)
		w.expectHTML(page, 200, late)
		w.expectNone(page, none)
		quiet := w.createHeartbeat("quiet")
		if _, err := w.service.ChangeHeartbeat(w.Context(), w.actor("member"), quiet.ID, manage.HeartbeatEdit{Channels: &[]string{}}); err != nil {
			w.Fatal(err)
		}
		w.ping(quiet, 0, monitor.Ping{Kind: monitor.PingFail})
		page = w.get("viewer", "/incidents/"+w.newestIncident(quiet).ID)
		w.expectHTML(page, 200, none)
		w.expectNone(page, late)
	})
}

func TestShowHeartbeat_MaxRunTimeDefaultsToTheGracePeriod(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.expectHTML(w.get("viewer", "/heartbeats/"+w.createHeartbeat("backup").Ref), 200, "10m (the grace period)")
	})
}
