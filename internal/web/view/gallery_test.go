package view_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/a-h/templ"

	"overdue/internal/web/static"
	"overdue/internal/web/view/accountview"
	"overdue/internal/web/view/channelview"
	"overdue/internal/web/view/docsview"
	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/incidentview"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/policyview"
	"overdue/internal/web/view/serverview"
	"overdue/internal/web/view/ui"
)

// gallery is a directory that the test writes every page to:
//
//	go test ./internal/web/view -run Gallery -gallery /tmp/gallery
//	python3 -m http.server --directory /tmp/gallery --bind 127.0.0.1 8000
var gallery = flag.String("gallery", "", "directory to write every page to")

// example is one page with example data.
type example struct {
	name   string
	page   templ.Component
	viewer bool // rendered for a viewer
}

func examples() []example {
	heartbeats := exampleHeartbeats()
	watched := exampleHeartbeats()
	watched.Shell, watched.PingURLPrefix, watched.Channels = viewerShell(), "", nil
	for i := range watched.Rows {
		watched.Rows[i].Key, watched.Rows[i].Editable = "hbr_"+watched.Rows[i].Key[:4]+"a1", false
	}
	nothing := exampleHeartbeats()
	nothing.Rows, nothing.Filter, nothing.Pager = nil, heartbeatview.Filter{Query: "nothing", Status: "down", Tags: []string{"edge"}}, ui.Pager{}
	noChannels := exampleChannelList()
	noChannels.Channels = nil
	waiting := exampleCreated()
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
		{"heartbeats", heartbeatview.List(heartbeats), false},
		{"heartbeats-viewer", heartbeatview.List(watched), true},
		{"heartbeats-print", heartbeatview.Print(examplePrint()), false},
		{"heartbeats-none-found", heartbeatview.List(nothing), false},
		{"heartbeats-updates", heartbeatview.List(exampleUpdates()), false},
		{"wrong-project", layout.WrongProject(exampleWrongProject()), false},
		{"edit-conflict", layout.EditConflict(exampleEditConflict()), false},
		{"heartbeats-empty", heartbeatview.EmptyList(exampleEmpty()), false},
		{"heartbeat-new", heartbeatview.Form(exampleForm()), false},
		{"heartbeat-new-cron", heartbeatview.Form(exampleCron()), false},
		{"heartbeat-new-advanced", heartbeatview.Form(exampleAdvanced()), false},
		{"heartbeat-new-finished", heartbeatview.Form(exampleFinished()), false},
		{"heartbeat-edit-error", heartbeatview.Form(exampleErrors()), false},
		{"heartbeat-saved", heartbeatview.Detail(exampleCreated()), false},
		{"heartbeat", heartbeatview.Detail(exampleDetail()), false},
		{"heartbeat-calendar", heartbeatview.Detail(exampleCalendar()), false},
		{"heartbeat-new-viewer", heartbeatview.Detail(waiting), true},
		{"heartbeat-viewer", heartbeatview.Detail(exampleViewer()), true},
		{"heartbeat-late", heartbeatview.Detail(exampleStatus("late")), false},
		{"heartbeat-down", heartbeatview.Detail(exampleStatus("down")), false},
		{"heartbeat-paused", heartbeatview.Detail(exampleStatus("paused")), false},
		{"incidents", incidentview.List(exampleIncidents()), false},
		{"incident", incidentview.Detail(exampleIncident()), false},
		{"incident-viewer", incidentview.Detail(incidentViewed), true},
		{"incident-resolved", incidentview.Detail(exampleResolved()), false},
		{"blackouts", incidentview.Blackouts(exampleBlackouts()), false},
		{"blackouts-none", incidentview.Blackouts(incidentview.BlackoutsPage{Shell: exampleShell(), Since: utc("2025-07-16T20:09:04Z")}), false},
		{"acknowledge", incidentview.Acknowledge(exampleAcknowledge()), false},
		{"acknowledge-done", incidentview.Acknowledge(done), false},
		{"channels", channelview.List(exampleChannelList()), false},
		{"channels-none", channelview.List(noChannels), false},
		{"channel-new", channelview.Form(exampleChannelForm()), false},
		{"channel-edit", channelview.Form(exampleChannelEdit()), false},
		{"policies", policyview.List(examplePolicyList()), false},
		{"policy", policyview.Form(examplePolicyForm()), false},
		{"policy-viewer", policyview.Form(viewersPolicy()), false},
		{"setup", accountview.Setup(exampleSetup()), false},
		{"sign-in", accountview.SignIn(exampleSignIn()), false},
		{"invitation", accountview.Invitation(exampleInvitation()), false},
		{"invitation-known", accountview.Invitation(known), false},
		{"invitation-gone", accountview.Invitation(gone), false},
		{"account", accountview.Account(exampleAccount()), false},
		{"confirm-password", accountview.ConfirmPassword(exampleConfirmPassword()), false},
		{"team", accountview.Team(exampleTeam()), false},
		{"api-keys", accountview.APIKeys(exampleAPIKeys()), false},
		{"audit", accountview.AuditLog(exampleAudit()), false},
		{"settings", accountview.ProjectSettings(exampleSettings()), false},
		{"server", serverview.Server(exampleServer()), false},
		{"server-many-nodes", serverview.Server(exampleManyNodes()), false},
		{"server-one-node", serverview.Server(exampleOneNode()), false},
		{"confirm", layout.Confirm(exampleConfirm()), false},
		{"docs-first-heartbeat", docsview.Article(exampleDoc()), false},
		{"docs-answered", docsview.Article(answered), false},
		{"docs-search", docsview.Search(exampleSearch()), false},
		{"docs-api", docsview.APIReference(exampleReference()), false},
		{"feedback", docsview.Feedback(exampleFeedback()), false},
		{"error-403", layout.Error(exampleError(403)), false},
		{"error-404", layout.Error(exampleError(404)), false},
		{"error-404-app", layout.Error(exampleAppError("/incidents/none")), false},
		{"error-500", layout.Error(exampleError(500)), false},
		{"error-503", layout.Error(exampleError(503)), false},
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
