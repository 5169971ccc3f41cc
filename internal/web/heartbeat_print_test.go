package web

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// addHeartbeats adds n heartbeats with names that begin with prefix.
func (w *fixture) addHeartbeats(prefix string, n int) {
	w.Helper()
	like := w.createHeartbeat(prefix)
	w.update(func(tx *store.Tx) error {
		for i := range n - 1 {
			h := monitor.Heartbeat{
				ID: uuid.NewString(), Project: like.Project, Name: fmt.Sprintf("%s%04d", prefix, i), Slug: fmt.Sprintf("%s%04d", prefix, i),
				Ref: strings.ReplaceAll(uuid.NewString(), "-", ""), Severity: like.Severity, Rule: like.Rule, Status: monitor.New, Created: like.Created, Updated: like.Updated,
			}
			if _, err := tx.AddHeartbeat(h); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestPrintHeartbeats_HasEveryMatchingRowAndNoControl(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.addHeartbeats("job", manage.MaxLimit+50)
		w.createHeartbeat("other")
		list := w.get("member", "/heartbeats?q=job&sort=name")
		w.expectHTML(list, 200, "1–25 of 250", "Print all")
		printed := w.get("member", w.linkIn(list, regexp.MustCompile(`href="([^"]+)">Print all`)))
		w.expectHTML(printed, 200, "250 matching heartbeats: search “job”", "data-print", `href="/heartbeats?q=job&amp;sort=name">Back to the list`)
		w.expectNone(printed, `class="pick"`, "row-menu", "first 1,000", `data-live="/live`)
		names := strings.Fields(rowNames(printed))
		seen := map[string]bool{}
		for _, name := range names {
			seen[name] = true
		}
		if len(names) != 250 || len(seen) != 250 || seen["other"] || names[0] != "job" || names[249] != "job0248" {
			w.Errorf("%d rows, %d names, from %s to %s", len(names), len(seen), names[0], names[len(names)-1])
		}
		w.expectHTML(w.get("viewer", "/heartbeats?per=all"), 200, "251 heartbeats<", "other")
		w.expectHTML(w.get("viewer", "/heartbeats?per=all&status=down&running=1&tag=a&tag=b"), 200, "0 matching heartbeats: Down, running, tag a, tag b<")
	})
}

func TestPrintHeartbeats_SaysThatRowsAreMissing(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.addHeartbeats("job", maxPrintedHeartbeats+2)
		printed := w.get("viewer", "/heartbeats?per=all")
		w.expectHTML(printed, 200, "This page has the first 1,000 of 1,002 heartbeats.")
		if n := len(strings.Fields(rowNames(printed))); n != maxPrintedHeartbeats {
			w.Errorf("%d rows; want %d", n, maxPrintedHeartbeats)
		}
	})
}
