package browser_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"overdue/client"
)

// seededServer is a server with data of every kind, and the addresses of all its
// pages.
type seededServer struct {
	*server
	signedOut, pages []string
}

// longName is a name of the maximum length without a space.
const longName = "warehouse-stock-synchronisation-of-all-european-locations-including-the-ones-that-nobody-remembers"

// must fails the test if the preparation of a journey fails.
func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// startSeeded starts a server with data of every kind. The returned tab is signed
// in as its owner.
func startSeeded(t *testing.T) (*seededServer, *tab) {
	t.Helper()
	s := startOwnedServer(t)
	s.provoked = []string{"delivery failed permanently", "channel not delivering"}
	f := &seededServer{server: s}
	api := s.newClient(t)
	url, status, _ := startWebhook(t)
	kind, name := "webhook", "Pager"
	working := must[client.Channel](t)(api.CreateChannel(t.Context(), client.ChannelSettings{Kind: &kind, Name: &name, Settings: map[string]any{"url": url}}))
	must[client.TestResult](t)(api.TestChannel(t.Context(), working.ID))

	var beats []client.Heartbeat
	for i, name := range []string{"new", "up", "failed", "paused", "running", longName, "back again", "acknowledged", "i", "j", "k", "l"} {
		beats = append(beats, createHeartbeat(t, api, name, "24h", "1h", "db", fmt.Sprint("tag-", i), strings.Repeat("long-tag-", 4)))
	}
	for i, signal := range map[int]string{1: "", 2: "/3", 4: "/start", 5: "/fail", 6: "/fail", 7: "/fail"} {
		ping(t, *beats[i].PingURL+signal)
	}
	must[client.Heartbeat](t)(api.PauseHeartbeat(t.Context(), *beats[3].ID))
	incidents := must[client.Page[client.Incident]](t)(api.Incidents(t.Context(), client.IncidentQuery{}))
	for _, i := range incidents.Items {
		f.pages = append(f.pages, "/incidents/"+i.ID)
		if *i.HeartbeatID == *beats[7].ID {
			must[client.IncidentDetail](t)(api.AcknowledgeIncident(t.Context(), i.ID))
		}
	}
	must[client.IncidentDetail](t)(api.AddNote(t.Context(), incidents.Items[0].ID, strings.Repeat("a note without a blank to break it at_", 6)))
	ping(t, *beats[6].PingURL)
	name = "Gone"
	status.Store(http.StatusGone) // an answer that cannot get better: the channel is failing at once
	gone := must[client.Channel](t)(api.CreateChannel(t.Context(), client.ChannelSettings{Kind: &kind, Name: &name, Settings: map[string]any{"url": url + "?" + longName}}))
	ping(t, *beats[8].PingURL+"/fail")

	policy := must[client.Policy](t)(api.CreatePolicy(t.Context(), client.PolicySettings{Name: new("Nights " + longName[:60]), Slug: new("nights"), Steps: []client.PolicyStepSettings{
		{After: 0, Channels: []string{working.ID}}, {After: "15m", Channels: []string{gone.ID, working.ID}}, {After: "1h", Channels: []string{gone.ID}, RepeatEvery: "30m"},
	}}))
	must[client.Heartbeat](t)(api.ChangeHeartbeat(t.Context(), *beats[9].ID, client.HeartbeatSettings{Policy: &policy.Slug}))
	f.pages = append(f.pages, "/policies", "/policies/new", "/policies/nights", "/policies/nights?try_heartbeat=up&try_at=2030-01-05T03:00", "/policies/nights/delete", "/heartbeats/"+*beats[9].ID)
	for i := range 9 {
		f.pages = append(f.pages, "/heartbeats/"+*beats[i].ID)
	}
	f.pages = append(f.pages,
		"/heartbeats", "/heartbeats?status=down", "/heartbeats?q=nothing+like+it", "/heartbeats/new", "/heartbeats/"+*beats[0].ID+"?saved=1",
		"/heartbeats/"+*beats[5].ID+"/edit", "/heartbeats/"+*beats[5].ID+"/delete", "/incidents", "/incidents?state=resolved", "/blackouts", "/channels",
		"/channels?kind=on-call", "/channels?kind=pigeon", "/channels/new", "/channels/new?kind=email", "/channels/new?kind=slack", "/channels/"+working.ID, "/channels/"+gone.ID, "/channels/"+gone.ID+"/delete",
		"/team", "/api-keys", "/settings", "/audit", "/account", "/projects/main/delete", "/feedback", "/server", "/nowhere",
	)
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	f.addPeople(b)
	return f, b
}

// addPeople creates an invitation, and keeps its link.
func (f *seededServer) addPeople(b *tab) {
	b.Helper()
	b.navigate("/team")
	b.fill("Email", "somebody.with.a.rather.long.name@subdomain.example.com")
	b.submit("Create invitation")
	f.signedOut = []string{"/sign-in", mustEvaluate[string](b, `document.querySelector("#invite-link").innerText`), "/invitations/none", "/acknowledge/none"}
}

// manualPaths returns the paths of all pages of the manual.
func (b *tab) manualPaths() []string {
	b.Helper()
	b.navigate("/docs/first-heartbeat")
	return mustEvaluate[[]string](b, `[...new Set([...document.querySelectorAll("nav a[href^='/docs/']")].map((a) => a.pathname))]`)
}
