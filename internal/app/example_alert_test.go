package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
	"overdue/internal/web/present"
)

// requestShape returns the header names and the members of a previewed request, each
// with the type of its value: "incident.number: float64".
func requestShape(t *testing.T, n message.Notification) (lines []string) {
	t.Helper()
	webhook, _ := notify.KindOf("webhook")
	head, body, _ := strings.Cut(webhook.Preview("Overdue/1", setting.Values{}, n).Text, "\n\n")
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		lines = append(lines, fmt.Sprintf("%s %t", name, value == ""))
	}
	var value any
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	lines = append(lines, shapeOf("", value)...)
	slices.Sort(lines)
	return lines
}

// shapeOf lists the members of a JSON value. It tells empty texts from others.
func shapeOf(name string, value any) (lines []string) {
	if object, ok := value.(map[string]any); ok {
		for member, v := range object {
			lines = append(lines, shapeOf(name+"."+member, v)...)
		}
		return lines
	}
	return []string{fmt.Sprintf("%s: %T, empty %t", name, value, value == "")}
}

func TestExampleAlert_HasTheShapeOfARealAlert(t *testing.T) {
	simulate(t, func(sim *simulation) {
		var sent []message.Notification
		sim.receiver.onReceive = func(n message.Notification) { sent = append(sent, n) }
		n := sim.startNode(func(e *Engine) {
			e.dispatcher.Base = "https://overdue.example"
			e.dispatcher.AckURL = func(incident, channel string) string { return "https://overdue.example/acknowledge/" + incident }
		})
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "")
		time.Sleep(time.Hour)
		synctest.Wait()
		sim.expectEvents("opened")
		var project monitor.Project
		sim.update(func(tx *store.Tx) (err error) {
			project, err = tx.Project(sim.project)
			return err
		})
		example := present.ExampleAlert(project, "ops", time.UTC, "https://overdue.example", time.Now())
		if diff := cmp.Diff(requestShape(t, sent[0]), requestShape(t, example)); diff != "" {
			t.Fatalf("the example (+) has another shape than a sent request (-):\n%s", diff)
		}
		if example.DownSince.After(time.Now()) || example.Explanation == "" || !strings.HasSuffix(example.URL, "/incidents/"+example.Notice.Incident.ID) {
			t.Errorf("the example is not believable: %+v", example)
		}
		for _, example := range []message.Notification{example, present.ExampleRecovery(example, time.Now())} {
			if m := example.Message(); m.Subject == "" || m.Lead == "" {
				t.Errorf("no message of %s", example.Event)
			}
		}
	})
}
