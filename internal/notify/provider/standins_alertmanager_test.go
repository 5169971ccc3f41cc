package provider

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"overdue/internal/notify/message"
	"overdue/internal/notify/message/messagetest"
	"overdue/internal/notify/provider/providertest"
	"overdue/internal/notify/setting"
)

// alertmanagerStandIn checks what Alertmanager 0.25.0 rejects, with its recorded answers.
func alertmanagerStandIn() standIn {
	return standIn{
		check: func(r Request) error {
			path := "/api/v2/alerts"
			if r.Header.Get("Authorization") != "Basic b3ZlcmR1ZTphbVNFQ1JFVA==" {
				path = "/prefix/api/v2/alerts" // the sample without a password
			}
			var alerts []alertmanagerAlert
			if err := wantJSON(r, path, &alerts); err != nil {
				return err
			}
			for _, a := range alerts {
				if err := checkAlert(a); err != nil {
					return err
				}
			}
			if len(alerts) == 0 || len(alerts) > 500 {
				return fmt.Errorf("%d alerts", len(alerts))
			}
			return nil
		},
		parts: jsonText,
		answers: append(rateLimits(),
			answer{name: "accepted", status: 200, want: Verdict{Sent: true}},
			answer{name: "invalid", status: 400, body: `"invalid label set: invalid name \"a-b\""`, want: Verdict{Permanent: true}},
			answer{name: "no labels", status: 422, body: `{"code":602,"message":"labels in body is required"}`, want: Verdict{Permanent: true}},
			answer{name: "wrong content type", status: 415, body: `{"code":415}`, want: Verdict{Permanent: true}},
			answer{name: "password", status: 401, body: "Unauthorized", want: Verdict{Permanent: true, Detail: "password"}},
			answer{name: "wrong URL", status: 404, body: "404 page not found", want: Verdict{Permanent: true, Detail: "without /api"}},
		),
	}
}

// checkAlert returns what Alertmanager rejects about one alert.
func checkAlert(a alertmanagerAlert) error {
	if a.Labels["alertname"] == "" || a.Labels["incident"] == "" {
		return errors.New("no labels")
	}
	for _, texts := range []map[string]string{a.Labels, a.Annotations} {
		for name, value := range texts {
			if _, problem := setting.LabelName(name); problem != "" || value == "" {
				return fmt.Errorf("label %q=%q", name, value)
			}
		}
	}
	start, end := time.Time{}, time.Time{}
	for _, t := range []struct {
		text string
		into *time.Time
	}{{a.StartsAt, &start}, {a.EndsAt, &end}} {
		if t.text == "" {
			continue
		}
		var err error
		if *t.into, err = time.Parse(time.RFC3339, t.text); err != nil {
			return err
		}
	}
	if !end.IsZero() && end.Before(start) {
		return errors.New("start time must be before end time")
	}
	if u, err := url.Parse(a.GeneratorURL); a.GeneratorURL != "" && (err != nil || u.Host == "") {
		return errors.New("generatorURL")
	}
	return nil
}

func TestResend_AlertsHaveTheLabelsOfTheOpeningAndAnEnd(t *testing.T) {
	set := providertest.Samples("https://am.example")["alertmanager"][0]
	opening, resolved := messagetest.FailedBackup(message.EventOpened), messagetest.FailedBackup(message.EventResolved)
	now := opening.At.Add(time.Hour)
	resolved.At = now.Add(-time.Minute)
	requests, err := alertmanager().Resend(set, []message.Notification{opening, resolved}, now)
	if err != nil || len(requests) != 1 {
		t.Fatal(requests, err)
	}
	first := alertsOf(t, requests[0])
	sent, err := alertmanager().Render(set, opening)
	if err != nil {
		t.Fatal(err)
	}
	for i, end := range []string{"2026-10-14T06:05:04.000Z", "2026-10-14T05:59:04.000Z"} {
		if fmt.Sprint(first[i].Labels) != fmt.Sprint(alertsOf(t, sent[0])[0].Labels) {
			t.Errorf("the labels differ from those of the opening: %v", first[i].Labels)
		}
		if first[i].EndsAt != end || first[i].StartsAt != "2026-10-14T05:00:04.000Z" {
			t.Errorf("alert %d is from %s to %s; want an end at %s", i, first[i].StartsAt, first[i].EndsAt, end)
		}
	}
}

func TestResend_ARequestHasAtMost500Alerts(t *testing.T) {
	set := providertest.Samples("https://am.example")["alertmanager"][0]
	all := make([]message.Notification, 1001)
	for i := range all {
		all[i] = messagetest.FailedBackup(message.EventOpened)
	}
	requests, err := alertmanager().Resend(set, all, all[0].At)
	if err != nil || len(requests) != 3 || len(alertsOf(t, requests[2])) != 1 {
		t.Fatalf("%d requests, %v; want 3", len(requests), err)
	}
}

func TestAlertmanager_RejectsLabelsThatPrometheusRejects(t *testing.T) {
	i := len(alertmanager().Fields) - 1
	f := alertmanager().Fields[i]
	for name, valid := range map[string]bool{"team": true, "_x9": true, "Severity": true, "9x": false, "a-b": false, "": false, "__name__": false, "incident": false, "é": false} {
		_, problem := f.Normalize(map[string]any{name: "v"})
		if (problem == "") != valid {
			t.Errorf("%q: %q", name, problem)
		}
		if problem != "" && !strings.HasSuffix(problem, ".") {
			t.Errorf("%q: the problem is no sentence: %s", name, problem)
		}
	}
}
