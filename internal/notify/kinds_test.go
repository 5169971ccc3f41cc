package notify

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// renderings sends a notification through each kind of channel, and returns one text per
// form of the message. A new kind requires an entry here, and then the tests check
// that it contains every fact of the table below.
var renderings = map[string]func(*testing.T, Notification) map[string]string{
	"email": func(t *testing.T, n Notification) map[string]string {
		m := startMailServer(t, false, nil)
		if _, err := newMailSender(t, m).Send(t.Context(), "email", mailTo("a@example.com"), n); err != nil {
			t.Fatal(err)
		}
		l := m.onlyDelivery(t).read(t)
		subject, err := l.header.Subject()
		if err != nil {
			t.Fatal(err)
		}
		return map[string]string{"text": subject + "\n" + l.text, "HTML": subject + "\n" + l.html}
	},
	"webhook": func(t *testing.T, n Notification) map[string]string {
		server, got := startWebhookServer(t, answerOK)
		if _, err := newTestSender(t, Options{}).Send(t.Context(), "webhook", Settings{"url": server.URL, "secret": testSecret}, n); err != nil {
			t.Fatal(err)
		}
		var body any
		if err := json.Unmarshal(got.body, &body); err != nil {
			t.Fatal(err)
		}
		return map[string]string{"JSON": strings.Join(flattenJSON("", body), "\n")}
	},
}

// flattenJSON lists the members of a JSON value as "path=value".
func flattenJSON(path string, value any) (all []string) {
	members, isObject := value.(map[string]any)
	if !isObject {
		return []string{fmt.Sprintf("%s=%v", path, value)}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		all = append(all, flattenJSON(strings.TrimPrefix(path+"."+name, "."), members[name])...)
	}
	return all
}

// failedBackup returns a notification with all facts: a failed job with output.
func failedBackup(event string) Notification {
	n := missedNotification()
	three := 3
	n.Event, n.Cause, n.ExitCode, n.Output = event, "failure", &three, "copying\npg_dump: disk full"
	n.Explanation = "The job exited with code 3."
	n.Description = "Where: db-3\r\nOwner: storage team\nRunbook: https://wiki.example.com/backup?id=7"
	n.Notice.Incident.Cause = "failure"
	n.Notice.Heartbeat.Schedule = n.Schedule
	return n
}

// The facts that every kind contains, each in one of the listed forms.
var (
	factsOfAll = map[string][]string{
		"name":        {"Nightly backup"},
		"since":       {"05:00:04"},
		"cause":       {"Failure", "incident.cause=failure"},
		"why":         {"The job exited with code 3."},
		"schedule":    {"every 1 h"},
		"description": {"Where: db-3"},
		"its 2nd line": {
			"Owner: storage team",
		},
		"its link":  {"https://wiki.example.com/backup?id=7"},
		"open link": {"https://overdue.example.com/incidents/482"},
	}
	factsOfDown = map[string][]string{
		"exit code":        {"exit code 3", "exit_code=3"},
		"output":           {"pg_dump: disk full"},
		"acknowledge link": {"https://overdue.example.com/incidents/482/acknowledge"},
	}
	statuses = map[string][]string{
		EventOpened:       {"[Down]", "event=incident.opened"},
		EventReminder:     {"[Still down]", "event=incident.reminder"},
		EventAcknowledged: {"[Acknowledged]", "event=incident.acknowledged"},
		EventResolved:     {"[Up]", "event=incident.resolved"},
	}
)

func TestKinds_EveryKindCarriesTheSameFacts(t *testing.T) {
	for _, kind := range Kinds() {
		render, known := renderings[kind.Name]
		if !known {
			t.Errorf("the kind %s has no entry in this test: add one, which shows that it carries the facts", kind.Name)
			continue
		}
		for event, status := range statuses {
			facts := maps.Clone(factsOfAll)
			facts["status"] = status
			if event == EventOpened || event == EventReminder {
				maps.Copy(facts, factsOfDown)
			}
			for form, text := range render(t, failedBackup(event)) {
				for name, forms := range facts {
					if !slices.ContainsFunc(forms, func(f string) bool {
						return strings.Contains(text, f) || strings.Contains(text, strings.ReplaceAll(f, "&", "&amp;"))
					}) {
						t.Errorf("%s, %s, %s: no %s, which would read %q, in\n%s", kind.Name, form, event, name, forms, text)
					}
				}
			}
		}
	}
}

func TestNotice_TextHasTheDescriptionWithItsLineBreaks(t *testing.T) {
	text := failedBackup(EventOpened).webhookBody().Text
	if !strings.HasSuffix(text, ".\n\nWhere: db-3\nOwner: storage team\nRunbook: https://wiki.example.com/backup?id=7") {
		t.Errorf("text %q; want the description after what happened", text)
	}
	n := failedBackup(EventChannelFailing)
	if text := n.webhookBody().Text; strings.Contains(text, "db-3") {
		t.Errorf("text %q; want no description in news about a channel", text)
	}
}
