package view_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"overdue/internal/web/view/accountview"
	"overdue/internal/web/view/channelview"
	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/incidentview"
	"overdue/internal/web/view/ui"
)

func TestPages_ShowAViewerNothingThatCanPing(t *testing.T) {
	seen := 0
	for _, e := range examples() {
		if !e.viewer {
			continue
		}
		seen++
		html := render(t, e.page)
		secrets := []string{backupID, backupURL, "/api/v1/hb/", "data-copy", "code-1"}
		for _, r := range exampleRows() {
			secrets = append(secrets, r.Key)
		}
		for _, secret := range secrets {
			if strings.Contains(html, secret) {
				t.Errorf("%s holds %q", e.name, secret)
			}
		}
	}
	if seen < 3 {
		t.Fatalf("%d pages for viewers; want the list, the heartbeat and the incident", seen)
	}
}

func TestPages_OfferAViewerNoChanges(t *testing.T) {
	action := regexp.MustCompile(`<form[^>]*method="post"[^>]*action="([^"]*)"`)
	allowed := regexp.MustCompile(`^/sign-out$|^/projects/[^/]+/choose$`)
	for _, e := range examples() {
		if !e.viewer {
			continue
		}
		for _, m := range action.FindAllStringSubmatch(render(t, e.page), -1) {
			if !allowed.MatchString(m[1]) {
				t.Errorf("%s offers %s", e.name, m[1])
			}
		}
	}
}

func TestPages_NeverReturnASavedSecret(t *testing.T) {
	for _, page := range []templ.Component{channelview.Form(exampleChannelEdit()), channelview.Form(exampleChannelForm())} {
		html := render(t, page)
		for _, secret := range []string{"whsec_never_shown", "T02K9/B07KD4/secret"} {
			if strings.Contains(html, secret) {
				t.Errorf("the page holds %q", secret)
			}
		}
	}
	for name, page := range map[string]templ.Component{
		"setup":      accountview.Setup(accountview.SetupPage{Password: ui.Input{Value: "correct horse"}}),
		"invitation": accountview.Invitation(accountview.InvitationPage{Password: ui.Input{Value: "correct horse"}}),
		"account":    accountview.Account(accountview.AccountPage{CurrentPassword: ui.Input{Value: "correct horse"}, NewPassword: ui.Input{Value: "correct horse"}}),
	} {
		if strings.Contains(render(t, page), "correct horse") {
			t.Errorf("%s repeats the password", name)
		}
	}
}

// hostileName is a name that tries to break out of text and attributes.
const hostileName = `"'><script>alert(1)</script><img src=x onerror=alert(1)>&lt;b&gt;`

func TestPages_EscapeHostileNames(t *testing.T) {
	list := exampleHeartbeats()
	list.Rows = list.Rows[:1]
	list.Rows[0].Name, list.Rows[0].Schedule, list.Rows[0].Tags = hostileName, hostileName, []string{hostileName}
	list.Filter = heartbeatview.Filter{Query: hostileName, Tags: []string{hostileName}}
	list.Project.Name, list.User.Name, list.Toast = hostileName, hostileName, hostileName
	detail := exampleDetail()
	detail.Heartbeat.Name, detail.Heartbeat.Description, detail.Heartbeat.PingURL = hostileName, hostileName, "https://x/"+hostileName
	for i := range detail.Log.Events {
		detail.Log.Events[i].Body, detail.Log.Events[i].UserAgent, detail.Log.Events[i].Source = hostileName, hostileName, hostileName
	}
	incident := exampleIncident()
	incident.Heartbeat.Name = hostileName
	incident.Timeline[0].Quote, incident.Timeline[0].Code = hostileName, hostileName
	channel := exampleChannelForm()
	channel.Name.Value, channel.Fields[1].In = hostileName, ui.Input{Value: hostileName, Error: hostileName}
	form := exampleErrors()
	form.Form.Description.Value, form.Form.Cron.Value, form.Zones = hostileName, hostileName, []string{hostileName}
	for name, page := range map[string]templ.Component{
		"list": heartbeatview.List(list), "detail": heartbeatview.Detail(detail), "incident": incidentview.Detail(incident),
		"channel": channelview.Form(channel), "form": heartbeatview.Form(form),
		"sign-in": accountview.SignIn(accountview.SignInPage{Host: hostileName, Email: hostileName, Error: hostileName, Next: hostileName}),
		"row":     heartbeatview.ListRow(list.Clock, list.Rows[0]),
	} {
		html := render(t, page)
		if !strings.Contains(html, "alert(1)") {
			t.Errorf("%s does not show the name at all", name)
		}
		for _, bad := range []string{"<script>alert", "<img"} {
			if strings.Contains(html, bad) {
				t.Errorf("%s holds %s", name, bad)
			}
		}
		for _, e := range elements(html) {
			if e.has("onerror") {
				t.Errorf("%s: a handler on <%s>", name, e.name)
			}
		}
	}
}

func TestAuditLog_AScriptURLIsNotALink(t *testing.T) {
	p := exampleAudit()
	p.Entries[0].TargetPath = "javascript:alert(1)"
	if html := render(t, accountview.AuditLog(p)); strings.Contains(html, `href="javascript:`) {
		t.Error("a javascript: address became a link")
	}
}

func TestList_EnterNeverPausesOrDeletes(t *testing.T) {
	_, form, _ := strings.Cut(render(t, heartbeatview.List(exampleHeartbeats())), `action="/heartbeats/bulk"`)
	for _, e := range elements(form) {
		if e.name == "button" && e.attrs["type"] != "button" {
			if e.attrs["value"] != "" {
				t.Errorf("Enter would %s what is selected", e.attrs["value"])
			}
			return
		}
	}
	t.Fatal("the list has no button")
}

func TestList_FiftyRowsTakeLessThan150KB(t *testing.T) {
	p := exampleHeartbeats()
	for i := range 25 {
		r := exampleRows()[i]
		r.Key = fmt.Sprintf("%08d-0000-4000-8000-000000000000", i)
		p.Rows = append(p.Rows, r)
	}
	n := len(render(t, heartbeatview.List(p)))
	t.Logf("%d bytes", n)
	if n > 150_000 {
		t.Errorf("the page has %d bytes", n)
	}
}
