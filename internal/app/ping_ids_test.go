package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/notify/message"
	"overdue/internal/store"
)

// TestAlerts_HoldNoIDThatCanPing checks the notifications that the kinds of
// channel receive. Mails and webhooks contain only their data.
func TestAlerts_HoldNoIDThatCanPing(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		own, other := uuid.NewString(), uuid.NewString()
		words := strings.Join([]string{own, other, strings.ReplaceAll(own, "-", ""), strings.ToUpper(strings.ReplaceAll(other, "-", ""))}, " ")
		for name, id := range map[string]string{"own": own, "other": other} {
			sim.ids[name] = id
			sim.update(func(tx *store.Tx) error {
				_, err := tx.AddHeartbeat(monitor.Heartbeat{
					ID: id, Ref: name, Project: sim.project, Name: "job " + other, Slug: name, Description: words, Tags: []string{other},
					Rule:        monitor.Rule{Interval: time.Hour, Grace: time.Minute, Methods: monitor.AnyMethod},
					AllChannels: true, Status: monitor.New, Created: time.Now(), Updated: time.Now(),
				})
				return err
			})
		}
		var sent []string
		sim.receiver.onReceive = func(n message.Notification) {
			body, err := json.Marshal(n.Notice)
			if err != nil {
				t.Error(err)
			}
			sent = append(sent, fmt.Sprintf("%+v %s", n, body))
		}
		var log bytes.Buffer
		sim.log = &log
		n := sim.startNode()
		sim.mustPingWithBody(n, "own", "/fail", "+ curl https://overdue.example/api/v1/hb/"+words)
		synctest.Wait()
		time.Sleep(time.Second)
		sim.update(func(tx *store.Tx) error {
			_, err := tx.AcknowledgeIncident(sim.incidents()[0], "link from "+other, time.Now())
			return err
		})
		time.Sleep(time.Minute)
		sim.mustPingWithBody(n, "own", "", words)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if len(sent) < 4 {
			t.Fatalf("sent %d alerts", len(sent))
		}
		for _, text := range sent {
			for _, id := range []string{own, other} {
				for _, spelling := range []string{id, strings.ReplaceAll(id, "-", ""), strings.ToUpper(id), strings.ToUpper(strings.ReplaceAll(id, "-", ""))} {
					if strings.Contains(text, spelling) {
						t.Errorf("an alert holds %s:\n%s", spelling, text)
					}
				}
			}
		}
		scrape := httptest.NewRecorder()
		n.metrics.Handler().ServeHTTP(scrape, httptest.NewRequest("GET", "/metrics", nil))
		for what, text := range map[string]string{"the metrics": scrape.Body.String(), "the log": log.String()} {
			if text == "" && what == "the metrics" || strings.Contains(text, own) || strings.Contains(text, other) {
				t.Errorf("%s:\n%s", what, text)
			}
		}
		if !strings.Contains(sent[0], "/api/v1/hb/… …") || !strings.Contains(sent[0], `"heartbeat_ref":"own"`) {
			t.Errorf("the first alert:\n%s", sent[0])
		}
		sim.stopNode(n)
	})
}
