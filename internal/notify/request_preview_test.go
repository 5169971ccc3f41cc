package notify

import (
	"encoding/json"
	"strings"
	"testing"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

func TestPreviewWebhook_ShowsTheBodyThatIsSentAndNoSecret(t *testing.T) {
	k, _ := KindOf("webhook")
	n := message.Notification{Event: message.EventOpened, AlertID: "a1", Heartbeat: "backup", Number: 7, Cause: "missed"}
	p := k.Preview("Overdue/1", setting.Values{
		"url": "https://hooks.example.com/T0/B0/credential?key=value", "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
		"headers": map[string]any{"Authorization": "Bearer hunter2"},
	}, n)
	if p.Host != "hooks.example.com" {
		t.Errorf("host %q", p.Host)
	}
	for _, secret := range []string{"credential", "value", "hunter2", "MDEyMz"} {
		if strings.Contains(p.Text, secret) {
			t.Errorf("the preview contains %q:\n%s", secret, p.Text)
		}
	}
	for _, want := range []string{"POST https://hooks.example.com/••••\n", "Authorization: ••••\n", "Content-Type: application/json\n", "Webhook-Id: a1\n", "Webhook-Signature: v1,••••\n"} {
		if !strings.Contains(p.Text, want) {
			t.Errorf("the preview does not contain %q:\n%s", want, p.Text)
		}
	}
	_, body, _ := strings.Cut(p.Text, "\n\n")
	var shown, sent any
	wire, err := json.Marshal(n.Body())
	if err != nil {
		t.Fatal(err)
	}
	if json.Unmarshal([]byte(body), &shown) != nil || json.Unmarshal(wire, &sent) != nil {
		t.Fatalf("the body is not JSON: %s", body)
	}
	a, _ := json.Marshal(shown)
	b, _ := json.Marshal(sent)
	if string(a) != string(b) {
		t.Errorf("the preview shows\n%s\nbut this is sent:\n%s", a, b)
	}
}

func TestPreviewWebhook_AcceptsIncompleteSettings(t *testing.T) {
	k, _ := KindOf("webhook")
	p := k.Preview("Overdue/1", setting.Values{}, message.Notification{Event: message.EventOpened})
	if p.Host != "" || !strings.HasPrefix(p.Text, "POST https://example.com/••••\n") {
		t.Errorf("got %+v", p)
	}
}
