package web

import (
	"testing"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
)

// nobody is what a page says while a project has no channel.
const nobody = "No one is notified when a heartbeat goes Down: this project has no channel."

func TestPagesSayThatNobodyIsToldUntilThereIsAChannel(t *testing.T) {
	onEach(t, func(w *world) {
		w.shows(w.get("member", "/heartbeats"), 200, "no one is notified when a heartbeat goes Down", `href="/channels#add"`)
		h, i := w.failed("backup", 2*time.Minute)
		over, done := w.failed("over", 2*time.Minute)
		w.hear(over, time.Minute, monitor.Ping{})
		pages := []string{"/heartbeats", "/heartbeats/" + h.Ref, "/incidents/" + i.ID}
		for _, path := range pages {
			w.shows(w.get("member", path), 200, nobody, `href="/channels#add">Add a channel`)
			seen := w.get("viewer", path)
			w.shows(seen, 200, nobody)
			w.lacks(seen, "/channels#add")
		}
		w.lacks(w.get("member", "/incidents/"+done.ID), nobody)
		w.channel("ops")
		for _, path := range pages {
			w.lacks(w.get("member", path), nobody)
		}
	})
}

func TestAnIncidentWithoutDeliveriesSaysWhy(t *testing.T) {
	onEach(t, func(w *world) {
		const late, none = "There was no channel to tell when it opened. Channels added later hear only of the next incident.", "No channel receives alerts for this heartbeat."
		_, before := w.failed("before", 2*time.Minute)
		path := "/incidents/" + before.ID
		w.shows(w.get("viewer", path), 200, "There is no channel to notify.")
		w.channel("ops")
		page := w.get("viewer", path)
		w.shows(page, 200, late)
		w.lacks(page, none)
		quiet := w.heartbeat("quiet")
		if _, err := w.desk.ChangeHeartbeat(w.Context(), w.actor("member"), quiet.ID, manage.HeartbeatEdit{Channels: &[]string{}}); err != nil {
			w.Fatal(err)
		}
		w.hear(quiet, 0, monitor.Ping{Kind: monitor.Fail})
		page = w.get("viewer", "/incidents/"+w.incident(quiet).ID)
		w.shows(page, 200, none)
		w.lacks(page, late)
	})
}

func TestALongestRunThatNobodySetIsSaidToBeTheGrace(t *testing.T) {
	onEach(t, func(w *world) {
		w.shows(w.get("viewer", "/heartbeats/"+w.heartbeat("backup").Ref), 200, "as grace (10m)")
	})
}
