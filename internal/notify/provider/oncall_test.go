package provider

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"overdue/internal/notify/message"
	"overdue/internal/notify/message/messagetest"
	"overdue/internal/notify/setting"
)

// alertsOf returns the alerts of a request to Alertmanager.
func alertsOf(t *testing.T, r Request) []alertmanagerAlert {
	t.Helper()
	var all []alertmanagerAlert
	if err := json.Unmarshal(r.Body, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// eachAlertService runs a test for each service whose alerts have an end.
func eachAlertService(t *testing.T, run func(t *testing.T, s Service, set setting.Values)) {
	t.Helper()
	eachService(t, func(t *testing.T, s Service, set setting.Values, _ standIn) {
		if s.Can.Resolve && (s.Group == GroupOnCall || s.Name == "alertmanager") {
			run(t, s, set)
		}
	})
}

// bodies returns the URLs and bodies of the requests of an event.
func bodies(t *testing.T, s Service, set setting.Values, n message.Notification) (all []string) {
	t.Helper()
	requests, err := s.Render(set, n)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range requests {
		all = append(all, r.URL+"\n"+string(r.Body))
	}
	return all
}

// endMarks are how the services end an alert.
var endMarks = map[string]string{
	"pagerduty": `"event_action":"resolve"`, "opsgenie": "/close?identifierType=alias", "jsm": "/close?identifierType=alias",
	"victorops": `"message_type":"RECOVERY"`, "incidentio": `"status":"resolved"`, "rootly": `"state":"resolved"`,
	"squadcast": `"status":"resolve"`, "goalert": `"action":"close"`, "alertmanager": `"endsAt":"2026-10-14T05:00:04.000Z"`,
}

func TestOnCall_ARecoveryEndsTheAlertOfTheOpening(t *testing.T) {
	eachAlertService(t, func(t *testing.T, s Service, set setting.Values) {
		for _, event := range []string{message.EventOpened, message.EventReminder, message.EventResolved} {
			all := bodies(t, s, set, messagetest.FailedBackup(event))
			if len(all) != 1 || !strings.Contains(all[0], "0199a1b2-incident") {
				t.Errorf("%s: %d requests without the key of the incident: %s", event, len(all), all)
			} else if ends := strings.Contains(all[0], endMarks[s.Name]); ends != (event == message.EventResolved) {
				t.Errorf("%s: ends the alert: %v\n%s", event, ends, all[0])
			}
		}
	})
}

func TestOnCall_NoticesLeaveNoAlertOpen(t *testing.T) {
	eachAlertService(t, func(t *testing.T, s Service, set setting.Values) {
		for _, event := range []string{message.EventTest, message.EventLate, message.EventBlackout} {
			n := messagetest.FailedBackup(event)
			n.Notice.Incident, n.ThreadID = nil, ""
			all := bodies(t, s, set, n)
			last := all[len(all)-1]
			switch {
			case s.Name == "victorops" && len(all) == 1 && strings.Contains(last, `"message_type":"INFO"`):
			case s.Name == "pagerduty" && event != message.EventTest && len(all) == 1 && strings.Contains(last, "/v2/change/enqueue\n"):
			case !strings.Contains(last, endMarks[s.Name]):
				t.Errorf("%s: nothing ends the alert: %s", event, last)
			}
			if strings.Contains(all[0], `"P1"`) || strings.Contains(all[0], `"critical"`) {
				t.Errorf("%s: calls a person: %s", event, all[0])
			}
		}
	})
}

func TestOnCall_AFailingChannelAndItsRecoveryShareAKey(t *testing.T) {
	about := func(event, id, name string) message.Notification {
		n := messagetest.Missed()
		n.Event, n.Notice.Incident, n.Notice.Heartbeat, n.ThreadID = event, nil, nil, ""
		n.AlertID, n.Failing = event+id+name, &message.FailingChannel{ID: id, Channel: name, Reason: "404"}
		return n
	}
	key := lifecycleKey(about(message.EventChannelFailing, "c1", "当番"))
	if got := lifecycleKey(about(message.EventChannelRecovered, "c1", "当番 (new name)")); got != key {
		t.Errorf("the recovery has the key %s; want %s", got, key)
	}
	if got := lifecycleKey(about(message.EventChannelFailing, "c2", "当番")); got == key {
		t.Error("two channels with the same name share a key")
	}
	if lifecycleKey(about(message.EventChannelFailing, "", "当番")) == lifecycleKey(about(message.EventChannelFailing, "", "夜勤")) {
		t.Error("two channels without ASCII letters share a key")
	}
	eachAlertService(t, func(t *testing.T, s Service, set setting.Values) {
		failing, recovered := bodies(t, s, set, about(message.EventChannelFailing, "c1", "Mail")), bodies(t, s, set, about(message.EventChannelRecovered, "c1", "Mail"))
		if len(failing) != 1 || len(recovered) != 1 || !strings.Contains(failing[0], key) || !strings.Contains(recovered[0], key) {
			t.Fatalf("no common key:\n%s\n%s", failing, recovered)
		}
		if strings.Contains(failing[0], endMarks[s.Name]) || !strings.Contains(recovered[0], endMarks[s.Name]) {
			t.Errorf("the recovery does not end the alert:\n%s\n%s", failing, recovered)
		}
		if s.Name == "alertmanager" {
			expectSameLabels(t, s, set, about(message.EventChannelFailing, "c1", "Mail"), about(message.EventChannelRecovered, "c1", "Mail"))
			expectSameLabels(t, s, set, messagetest.FailedBackup(message.EventOpened), messagetest.FailedBackup(message.EventResolved))
		}
	})
}

func TestOnCall_SeveritiesAreMapped(t *testing.T) {
	want := map[string][]string{ // of critical, warning and info
		"opsgenie": {`"P1"`, `"P3"`, `"P5"`}, "jsm": {`"P1"`, `"P3"`, `"P5"`}, "squadcast": {`"P1"`, `"P3"`, `"P5"`},
		"victorops": {`"CRITICAL"`, `"WARNING"`, `"INFO"`},
	}
	eachAlertService(t, func(t *testing.T, s Service, set setting.Values) {
		for i, severity := range []string{"critical", "warning", "info"} {
			n := messagetest.FailedBackup(message.EventOpened)
			n.Notice.Heartbeat.Severity = severity
			mark := `"severity":"` + severity + `"`
			if all := want[s.Name]; all != nil {
				mark = all[i]
			}
			if all := bodies(t, s, set, n); s.Can.Severity && !strings.Contains(all[0], mark) {
				t.Errorf("%s: no %s in %s", severity, mark, all[0])
			}
		}
	})
}

// expectSameLabels compares the labels of two alerts, by which Alertmanager finds the earlier one.
func expectSameLabels(t *testing.T, s Service, set setting.Values, first, second message.Notification) {
	t.Helper()
	var labels []string
	for _, n := range []message.Notification{first, second} {
		requests, err := s.Render(set, n)
		if err != nil {
			t.Fatal(err)
		}
		labels = append(labels, fmt.Sprint(alertsOf(t, requests[0])[0].Labels))
	}
	if labels[0] != labels[1] {
		t.Errorf("%s does not end the alert of %s: %s and %s", second.Event, first.Event, labels[1], labels[0])
	}
}

func TestRootly_ARepeatedAlertHasAnotherBody(t *testing.T) { // Rootly suppresses a body that it has seen
	first := messagetest.FailedBackup(message.EventReminder)
	second := first
	second.AlertID += "-2"
	eachService(t, func(t *testing.T, s Service, set setting.Values, _ standIn) {
		if s.Name == "rootly" && bodies(t, s, set, first)[0] == bodies(t, s, set, second)[0] {
			t.Errorf("two reminders have the same body: %s", bodies(t, s, set, first)[0])
		}
	})
}

func TestSquadcast_ALongTextStaysBelowTheLimitOfARequest(t *testing.T) {
	n := messagetest.FailedBackup(message.EventOpened)
	n.Description, n.Explanation, n.Output = strings.Repeat("説\"", 4000), strings.Repeat("明\\", 4000), strings.Repeat("\x01", 100_000)
	eachService(t, func(t *testing.T, s Service, set setting.Values, _ standIn) {
		if s.Name != "squadcast" {
			return
		}
		if size := len(bodies(t, s, set, n)[0]); size > 30_000 {
			t.Errorf("a request has %d bytes", size)
		}
	})
}
