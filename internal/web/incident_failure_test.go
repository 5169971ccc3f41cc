package web

import (
	"testing"
	"time"

	"overdue/internal/monitor"
)

func TestShowIncident_ExplainsAFailureByItsRun(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		w.ping(h, 5*time.Minute, monitor.Ping{})
		w.ping(h, time.Minute, monitor.Ping{Kind: monitor.PingFail, ExitCode: 2})
		for _, path := range []string{"/heartbeats/" + h.Ref, "/incidents/" + w.newestIncident(h).ID} {
			page := w.get("viewer", path)
			w.expectHTML(page, 200, "Why it is Down", "<dt>Last run</dt>", "<dt>Exit code</dt><dd>2</dd>", " → Down</dd>")
			w.expectNone(page, "+ grace", "<dt>Due</dt>", `class="deadline"`)
		}
		w.ping(h, 0, monitor.Ping{})
		page := w.get("viewer", "/heartbeats/"+h.Ref)
		w.expectHTML(page, 200, "+ grace", `class="deadline"`)
		w.expectNone(page, " → Down</dd>")
	})
}
