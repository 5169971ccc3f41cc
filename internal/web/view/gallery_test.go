package view_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/a-h/templ"

	"overdue/internal/web/static"
	"overdue/internal/web/view"
)

// gallery writes every page to a directory, to be looked at:
//
//	go test ./internal/web/view -run Gallery -gallery /tmp/gallery
//	python3 -m http.server --directory /tmp/gallery --bind 127.0.0.1 8000
var gallery = flag.String("gallery", "", "directory to write every page to")

// example is one page drawn from the example data.
type example struct {
	name   string
	page   templ.Component
	viewer bool // drawn for someone who may only look
}

func examples() []example {
	heartbeats := exampleHeartbeats()
	watched := exampleHeartbeats()
	watched.Shell, watched.PingURLPrefix, watched.Channels = viewerShell(), "", nil
	for i := range watched.Rows {
		watched.Rows[i].Key, watched.Rows[i].Editable = "hbr_"+watched.Rows[i].Key[:4]+"a1", false
	}
	nothing := exampleHeartbeats()
	nothing.Rows, nothing.Filter, nothing.Pager = nil, view.Filter{Query: "nothing", Status: "down", Tag: "edge"}, view.Pager{}
	noChannels := exampleChannelList()
	noChannels.Channels = nil
	waiting := exampleSaved()
	waiting.Shell, waiting.Heartbeat.Key, waiting.Heartbeat.PingURL, waiting.Heartbeat.Editable = viewerShell(), "hbr_3f0a91c4d27e", "", false
	incidentViewed := exampleIncident()
	incidentViewed.Shell, incidentViewed.CanAct, incidentViewed.Heartbeat.Key = viewerShell(), false, "hbr_dd31a1"
	done := exampleAcknowledge()
	done.Acknowledged = true
	gone := exampleInvitation()
	gone.Expired = true
	known := exampleInvitation()
	known.HasAccount = true
	answered := exampleDoc()
	answered.Answer.Saved = true
	return []example{
		{"heartbeats", view.Heartbeats(heartbeats), false},
		{"heartbeats-viewer", view.Heartbeats(watched), true},
		{"heartbeats-none-found", view.Heartbeats(nothing), false},
		{"heartbeats-news", view.Heartbeats(exampleNews()), false},
		{"elsewhere", view.WrongProject(exampleElsewhere()), false},
		{"stale", view.EditConflict(exampleStale()), false},
		{"heartbeats-empty", view.EmptyList(exampleEmpty()), false},
		{"heartbeat-new", view.HeartbeatEditor(exampleForm()), false},
		{"heartbeat-new-cron", view.HeartbeatEditor(exampleCron()), false},
		{"heartbeat-new-advanced", view.HeartbeatEditor(exampleAdvanced()), false},
		{"heartbeat-new-over", view.HeartbeatEditor(exampleOver()), false},
		{"heartbeat-edit-error", view.HeartbeatEditor(exampleMistakes()), false},
		{"heartbeat-saved", view.HeartbeatDetail(exampleSaved()), false},
		{"heartbeat", view.HeartbeatDetail(exampleDetail()), false},
		{"heartbeat-calendar", view.HeartbeatDetail(exampleCalendar()), false},
		{"heartbeat-new-viewer", view.HeartbeatDetail(waiting), true},
		{"heartbeat-viewer", view.HeartbeatDetail(exampleViewed()), true},
		{"heartbeat-late", view.HeartbeatDetail(exampleStatus("late")), false},
		{"heartbeat-down", view.HeartbeatDetail(exampleStatus("down")), false},
		{"heartbeat-paused", view.HeartbeatDetail(exampleStatus("paused")), false},
		{"incidents", view.Incidents(exampleIncidents()), false},
		{"incident", view.Incident(exampleIncident()), false},
		{"incident-viewer", view.Incident(incidentViewed), true},
		{"incident-resolved", view.Incident(exampleResolved()), false},
		{"acknowledge", view.Acknowledge(exampleAcknowledge()), false},
		{"acknowledge-done", view.Acknowledge(done), false},
		{"channels", view.Channels(exampleChannelList()), false},
		{"channels-none", view.Channels(noChannels), false},
		{"channel-new", view.ChannelEditor(exampleChannelForm()), false},
		{"channel-edit", view.ChannelEditor(exampleChannelEdit()), false},
		{"setup", view.Setup(exampleSetup()), false},
		{"sign-in", view.SignIn(exampleSignIn()), false},
		{"invitation", view.Invitation(exampleInvitation()), false},
		{"invitation-known", view.Invitation(known), false},
		{"invitation-gone", view.Invitation(gone), false},
		{"account", view.Account(exampleAccount()), false},
		{"proof", view.ConfirmPassword(exampleProof()), false},
		{"team", view.Team(exampleTeam()), false},
		{"api-keys", view.Keys(exampleKeys()), false},
		{"audit", view.Audit(exampleAudit()), false},
		{"settings", view.Settings(exampleSettings()), false},
		{"confirm", view.Confirm(exampleConfirm()), false},
		{"docs-first-heartbeat", view.Doc(exampleDoc()), false},
		{"docs-answered", view.Doc(answered), false},
		{"docs-search", view.DocSearch(exampleSearch()), false},
		{"docs-api", view.APIReference(exampleReference()), false},
		{"feedback", view.Feedback(exampleFeedback()), false},
		{"problem-403", view.Error(exampleProblem(403)), false},
		{"problem-404", view.Error(exampleProblem(404)), false},
		{"problem-500", view.Error(exampleProblem(500)), false},
		{"problem-503", view.Error(exampleProblem(503)), false},
	}
}

func render(t *testing.T, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatalf("render: %v", err)
	}
	return b.String()
}

func TestGallery_DrawsEveryPage(t *testing.T) {
	for _, e := range examples() {
		html := render(t, e.page)
		if len(html) < 1000 {
			t.Errorf("%s is only %d bytes", e.name, len(html))
		}
		if *gallery != "" {
			write(t, filepath.Join(*gallery, e.name+".html"), []byte(html))
		}
	}
	if *gallery == "" {
		return
	}
	for _, name := range []string{static.Style, static.Script, static.Icons, static.Favicon} {
		content, err := os.ReadFile(filepath.Join("..", "static", "assets", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(*gallery, filepath.FromSlash(static.Path(name))), content)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
