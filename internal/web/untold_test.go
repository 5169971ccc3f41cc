package web

import (
	"testing"
	"time"

	"overdue/internal/monitor"
)

// nobody is what a page says while a project has no channel.
const nobody = "Nobody is told when a heartbeat goes Down: this project has no channel."

func TestPagesSayThatNobodyIsToldUntilThereIsAChannel(t *testing.T) {
	onEach(t, func(w *world) {
		w.shows(w.get("member", "/heartbeats"), 200, "nobody is told when a heartbeat goes Down", `href="/channels#add"`)
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
