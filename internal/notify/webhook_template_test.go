package notify

import (
	"strings"
	"testing"

	"overdue/internal/notify/message"
	"overdue/internal/notify/message/messagetest"
	"overdue/internal/notify/setting"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// withBody returns the settings of a webhook with a template.
func withBody(url, body string) setting.Values {
	return setting.Values{"url": url, "secret": testSecret, "body": body}
}

func TestSendWebhook_ABodyTemplateIsSignedAndHasItsContentType(t *testing.T) {
	n := messagetest.FailedBackup(message.EventOpened)
	for _, c := range []struct{ body, want, contentType, header string }{
		{"{\"text\":\t{{json .text}},\n\"code\":{{if eq .exit_code 3}}\"three\"{{end}}}", "", "application/json", ""},
		{"{{.event}} {{with .incident}}#{{.number}}{{end}} {{upper \"a\"}} {{shorten 3 \"abcdef\"}}", "incident.opened #482 A ab…", "text/plain; charset=utf-8", ""},
		{"<alert>{{html .event}}</alert>", "<alert>incident.opened</alert>", "application/xml", "application/xml"},
	} {
		server, got := startWebhookServer(t, answerOK)
		set := withBody(server.URL, strings.ReplaceAll(c.body, "eq .exit_code 3", "and .exit_code (eq .exit_code 3)"))
		if c.header != "" {
			set["headers"] = map[string]any{"content-type": c.header}
		}
		if _, err := newTestSender(t, Options{}).Send(t.Context(), "webhook", set, n); err != nil {
			t.Fatal(err)
		}
		if c.want != "" && string(got.body) != c.want || got.header.Get("Content-Type") != c.contentType {
			t.Errorf("body %s, content type %q; want %s, %q", got.body, got.header.Get("Content-Type"), c.want, c.contentType)
		}
		wh, err := standardwebhooks.NewWebhook(testSecret)
		if err != nil {
			t.Fatal(err)
		}
		if err := wh.Verify(got.body, got.header); err != nil {
			t.Errorf("the signature does not cover the rendered body: %v", err)
		}
	}
}

func TestValidate_ABodyTemplateIsCheckedWithEveryEvent(t *testing.T) {
	k, _ := KindOf("webhook")
	for body, want := range map[string]string{
		"{{.event}":                   "Line 1: ",
		"ok\n{{if}}":                  "Line 2: ",
		"{{nofunction 1}}":            "nofunction",
		"{{.incidnet}}":               "incidnet",
		"{{.incident.number}}":        "With the event heartbeat.late: Line 1: ",
		"{{range 1000000000}}{{end}}": "takes too long",
		"{{define \"a\"}}{{template \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}": "",
		"{{range 100000}}12345{{end}}":                                  "larger than 256 kB",
		"{{$x := \"12345678\"}}{{range 60}}{{$x = print $x $x}}{{end}}": "larger than 256 kB",
		"{{printf \"%900000d\" 1}}":                                     "larger than 256 kB",
	} {
		_, problems := k.Validate(withBody("https://a.example", body))
		if len(problems) != 1 || problems[0].Field != "body" || !strings.Contains(problems[0].Text, want) {
			t.Errorf("%s: %v; want a problem with %q", body, problems, want)
		}
	}
	for _, body := range []string{"{{with .incident}}{{.number}}{{end}}", "{{json .}}", "{{range .blackout}}{{end}}", "constant"} {
		if _, problems := k.Validate(withBody("https://a.example", body)); problems != nil {
			t.Errorf("%s: %v", body, problems)
		}
	}
	for _, line := range []string{"a\r\n\tb", "a\n\tb"} {
		if set, _ := k.Validate(withBody("https://a.example", line)); set.Text("body") != "a\n\tb" {
			t.Errorf("stored %q", set.Text("body"))
		}
	}
	set := setting.Values{"url": "https://a.example", "secret": testSecret, "headers": map[string]any{"Content-Type": "text/xml"}}
	if _, problems := k.Validate(set); len(problems) != 1 || problems[0].Field != "headers" {
		t.Errorf("Content-Type without a template: %v", problems)
	}
}

func TestPreviewWebhook_ShowsTheRenderedBody(t *testing.T) {
	k, _ := KindOf("webhook")
	p := k.Preview("Overdue/1", withBody("https://a.example/hook", "event={{.event}}"), messagetest.Missed())
	if !strings.Contains(p.Text, "\n\nevent=incident.opened") || !strings.Contains(p.Text, "Content-Type: text/plain") {
		t.Errorf("preview:\n%s", p.Text)
	}
}
