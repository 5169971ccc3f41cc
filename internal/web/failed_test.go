package web

import (
	"testing"
	"time"

	"overdue/internal/monitor"
)

func TestAFailureIsExplainedByItsRunAndNotByASumOfSilence(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		w.hear(h, 5*time.Minute, monitor.Ping{})
		w.hear(h, time.Minute, monitor.Ping{Kind: monitor.Fail, ExitCode: 2})
		for _, path := range []string{"/heartbeats/" + h.Ref, "/incidents/" + w.incident(h).ID} {
			page := w.get("viewer", path)
			w.shows(page, 200, "Why it is Down", "<dt>Last run</dt>", "<dt>Exit status</dt><dd>2</dd>", " → Down</dd>")
			w.lacks(page, "+ grace", "<dt>Due</dt>", `class="deadline"`)
		}
		w.hear(h, 0, monitor.Ping{})
		page := w.get("viewer", "/heartbeats/"+h.Ref)
		w.shows(page, 200, "+ grace", `class="deadline"`)
		w.lacks(page, " → Down</dd>")
	})
}
