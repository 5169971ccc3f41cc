package api

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"overdue/client"
	"overdue/internal/store"
)

func TestCreateChannel_AGeneratedSecretIsShownOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		made := w.channel("Ops")
		secret, _ := made.Settings["secret"].(string)
		if !strings.HasPrefix(secret, "whsec_") {
			t.Fatalf("%+v", made)
		}
		want := client.Channel{
			ID: made.ID, Kind: "webhook", Name: "Ops", NotifyOnRecovery: true,
			Settings: map[string]any{"url": "https://example.com/hook", "secret": "••••"}, Target: "example.com", State: "untested", FailingFor: []string{},
		}
		got, err := w.client("read-write").Channel(t.Context(), made.ID)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
		own := `{"kind": "webhook", "name": "own", "settings": {"url": "https://example.com/x", "secret": "whsec_` + strings.Repeat("QUJD", 8) + `", "headers": {"X-Key": "geheim"}}}`
		r := w.request("read-write", "POST", "/api/v1/channels", own)
		if r.status != 201 || strings.Contains(r.body, "QUJD") || strings.Contains(r.body, "geheim") || !strings.Contains(r.body, `"X-Key":"••••"`) {
			t.Errorf("%d %s", r.status, r.body)
		}
		// The masked secret stays; null generates a new one.
		kept, err := c.ChangeChannel(t.Context(), made.ID, client.ChannelSettings{Name: new("Operations"), Settings: want.Settings})
		if err != nil || kept.Name != "Operations" || w.storedSecret(made.ID) != secret {
			t.Error(err, kept)
		}
		r = w.request("read-write", "PATCH", "/api/v1/channels/"+made.ID, `{"settings": {"secret": null}}`)
		now := w.storedSecret(made.ID)
		if r.status != 200 || now == secret || !strings.Contains(r.body, now) {
			t.Errorf("%d %s", r.status, r.body)
		}
		for _, line := range w.auditActions() {
			if strings.Contains(line, secret) || strings.Contains(line, "QUJD") {
				t.Errorf("the audit log holds a secret: %s", line)
			}
		}
		if strings.Contains(w.log.String(), "QUJD") || strings.Contains(w.log.String(), secret) {
			t.Error("the log holds a secret")
		}
	})
}

// storedSecret returns the secret of a webhook from the store.
func (w *fixture) storedSecret(id string) string {
	w.Helper()
	var secret string
	err := w.DB.View(w.Context(), func(tx *store.Tx) error {
		c, err := tx.Channel(w.owner.Project.Key, id)
		secret, _ = c.Settings["secret"].(string)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return secret
}

func TestCreateChannel_InvalidSettingsAreNamed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		made := w.channel("Ops")
		for _, c := range []struct{ method, path, body, locations string }{
			{"POST", "", `{}`, "body.kind body.name"},
			{"POST", "", `{"kind": "pigeon", "name": "x"}`, "body.kind"},
			{"POST", "", `{"kind": "webhook", "name": "x"}`, "body.settings.url"},
			{"POST", "", `{"kind": "webhook", "name": "x", "settings": {"url": "https://e.com", "secret": "••••"}}`, "body.settings.secret"},
			{"POST", "", `{"kind": "webhook", "name": "x", "settings": {"url": "ftp://e.com", "to": ["a@b.c"]}, "remind_every": "1.5s"}`, "body.remind_every body.settings.url body.settings.to"},
			{"POST", "", `{"kind": "email", "name": "x", "settings": {"to": ["nobody"]}, "notify_on_late": 1}`, "body.notify_on_late body.settings.to"},
			{"POST", "", `{"kind": "webhook", "name": "x", "settings": [], "id": "x"}`, "body.settings body.id body.settings.url"},
			{"PATCH", made.ID, `{"kind": "email"}`, "body.kind"},
			{"PATCH", made.ID, `{"settings": {"url": null}}`, "body.settings.url"},
			{"PATCH", made.ID, `{"settings": null, "name": null}`, "body.name body.settings"},
		} {
			p := problem(t, w.request("read-write", c.method, strings.TrimSuffix("/api/v1/channels/"+c.path, "/"), c.body))
			var got []string
			for _, e := range p.Errors {
				got = append(got, e.Location)
			}
			if p.Status != 422 || strings.Join(got, " ") != c.locations {
				t.Errorf("%s: %d %q", c.body, p.Status, got)
			}
		}
	})
}

func TestListChannels_IsPaginated(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		for _, name := range []string{"a", "b", "c"} {
			w.channel(name)
		}
		for _, limit := range []int{0, 1, 2, 3} {
			got := ""
			for c, err := range w.client("read-only").AllChannels(t.Context(), client.PageQuery{Limit: limit}) {
				if err != nil {
					t.Fatal(err)
				}
				got += c.Name
			}
			if got != "abc" {
				t.Errorf("limit %d: %q", limit, got)
			}
		}
	})
}

func TestChangeChannel_SetsAndRemovesReminders(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		made := w.channel("Ops")
		got, err := c.ChangeChannel(t.Context(), made.ID, client.ChannelSettings{RemindEvery: "1h", NotifyOnLate: new(true), NotifyOnRecovery: new(false)})
		if err != nil || *got.RemindEvery != 3600 || !got.NotifyOnLate || got.NotifyOnRecovery {
			t.Error(err, got)
		}
		r := w.request("read-write", "PATCH", "/api/v1/channels/"+made.ID, `{"remind_every": null}`)
		if !strings.Contains(r.body, `"remind_every":null`) || !strings.Contains(r.body, `"notify_on_late":true`) {
			t.Error(r.body)
		}
	})
}

func TestDeleteChannel_LeavesNoHeartbeatWithoutAChannel(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		a, b := w.channel("a"), w.channel("b")
		var hs []client.Heartbeat
		for i, routes := range []*[]string{nil, {}, {a.ID}, {a.ID, b.ID}} {
			h, err := c.CreateHeartbeat(t.Context(), client.HeartbeatSettings{Name: new(string(rune('a' + i))), Interval: 60, Channels: routes})
			if err != nil {
				t.Fatal(err)
			}
			hs = append(hs, h)
		}
		if err := c.DeleteChannel(t.Context(), a.ID); err != nil {
			t.Fatal(err)
		}
		for i, want := range [][]string{nil, {}, nil, {b.ID}} {
			got, err := c.Heartbeat(t.Context(), hs[i].Ref)
			if diff := cmp.Diff(want, got.Channels); err != nil || diff != "" {
				t.Error(i, err, diff)
			}
		}
		if r := w.request("read-write", "DELETE", "/api/v1/channels/"+a.ID, ""); r.status != 404 {
			t.Error(r.status)
		}
		if r := w.request("read-write", "PATCH", "/api/v1/heartbeats/"+hs[0].Ref, `{"channels": ["`+a.ID+`"]}`); r.status != 422 {
			t.Error(r.status)
		}
	})
}

func TestTestChannel_SendsAnAlertAndKeepsTheResult(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		made := w.channel("Ops")
		for _, answer := range []client.TestResult{
			{Delivered: false, Status: new(404), Detail: "no such hook"},
			{Delivered: true, Status: new(204), Detail: ""},
			{Delivered: false, Detail: "No mail server is configured: set --smtp-url."},
		} {
			w.testResult = answer
			got, err := c.TestChannel(t.Context(), made.ID)
			if diff := cmp.Diff(answer, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
			ch, err := c.Channel(t.Context(), made.ID)
			if err != nil || ch.Failing == answer.Delivered || (answer.Delivered && ch.LastDeliveryAt == nil) {
				t.Error(err, ch)
			}
		}
		w.testResult = client.TestResult{Delivered: true}
		for range 7 {
			if _, err := c.TestChannel(t.Context(), made.ID); err != nil {
				t.Fatal(err)
			}
		}
		_, err := c.TestChannel(t.Context(), made.ID)
		if refusal, ok := errors.AsType[*client.Problem](err); !ok || refusal.Status != http.StatusTooManyRequests || refusal.RetryAfter <= 0 {
			t.Errorf("the eleventh test was answered %+v", err)
		}
		if len(w.testedChannels) != 10 || w.testedChannels[0].Settings["secret"] != made.Settings["secret"] {
			t.Errorf("%+v", w.testedChannels)
		}
		if actions := w.auditActions(); actions[len(actions)-1] != "API key test: channel.test Ops (webhook)" {
			t.Errorf("%q", actions)
		}
	})
}

func TestGetChannel_AReadOnlyKeySeesOnlyTheHostOfAURL(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		made := w.channel("Ops")
		for _, path := range []string{"/api/v1/channels", "/api/v1/channels/" + made.ID} {
			r := w.request("read-only", "GET", path, "")
			if !strings.Contains(r.body, `"https://example.com/…"`) || strings.Contains(r.body, "/hook") {
				t.Errorf("%s: %s", path, r.body)
			}
			if r := w.request("read-write", "GET", path, ""); !strings.Contains(r.body, `"https://example.com/hook"`) {
				t.Errorf("read-write %s: %s", path, r.body)
			}
		}
	})
}

func TestChangeChannel_NoSecretFollowsTheURLToAnotherHost(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		made := w.channel("Ops")
		path := "/api/v1/channels/" + made.ID
		if r := w.request("read-write", "PATCH", path, `{"settings": {"headers": {"Authorization": "Bearer geheim"}}}`); r.status != 200 {
			t.Fatal(r.body)
		}
		for _, body := range []string{
			`{"settings": {"url": "http://other.example/"}}`,
			`{"settings": {"url": "http://other.example/", "secret": "••••", "headers": {"Authorization": "••••"}}}`,
			`{"settings": {"url": "https://example.com:444/hook", "secret": null, "headers": {"authorization": "••••"}}}`,
		} {
			r := w.request("read-write", "PATCH", path, body)
			if r.status != 422 || !strings.Contains(r.body, "Enter the header") || !strings.Contains(r.body, "body.settings.headers") {
				t.Errorf("%s: %d %s", body, r.status, r.body)
			}
		}
		before := w.storedSecret(made.ID)
		r := w.request("read-write", "PATCH", path, `{"settings": {"url": "http://other.example/", "secret": null, "headers": {"Authorization": "Bearer neu"}}}`)
		now := w.storedSecret(made.ID)
		if r.status != 200 || now == before || !strings.Contains(r.body, now) {
			t.Errorf("%d %s", r.status, r.body)
		}
		const want = "url: example.com → other.example; secret: – → changed; headers: – → changed"
		if got := w.lastAuditEntry().Detail; got != want {
			t.Errorf("audit log: %s", got)
		}
	})
}
