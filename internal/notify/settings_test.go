package notify

import (
	"strings"
	"testing"

	"overdue/internal/notify/message/messagetest"
	"overdue/internal/notify/setting"

	"github.com/google/go-cmp/cmp"
)

// kind returns a kind that must exist.
func kind(t *testing.T, name string) Kind {
	t.Helper()
	k, known := KindOf(name)
	if !known {
		t.Fatalf("there is no kind %q", name)
	}
	return k
}

func TestKinds_EveryKindIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Kinds() {
		if k.Name == "" || k.Label == "" || k.Help == "" || k.Send == nil || len(k.Fields) == 0 || seen[k.Name] {
			t.Errorf("kind %q misses something, or is there twice", k.Name)
		}
		seen[k.Name] = true
		for _, f := range k.Fields {
			if f.Name == "" || f.Label == "" || f.Help == "" || f.Type == "" || f.Type == setting.FieldHeaders && f.CheckName == nil {
				t.Errorf("field %s.%s misses something", k.Name, f.Name)
			}
		}
	}
	if _, known := KindOf("pigeon"); known {
		t.Error("a kind that does not exist was found")
	}
}

func TestValidate_Normalizes(t *testing.T) {
	got, problems := kind(t, "webhook").Validate(setting.Values{
		"url": " https://Example.com/x?a=b#part ", "secret": testSecret,
		"headers": map[string]string{"x-key": " v ", "authorization": "Bearer t"},
	})
	want := setting.Values{
		"url": "https://Example.com/x?a=b", "secret": testSecret, "headers": map[string]any{"X-Key": "v", "Authorization": "Bearer t"},
	}
	if diff := cmp.Diff(want, got); diff != "" || problems != nil {
		t.Errorf("webhook %v (-want +got):\n%s", problems, diff)
	}
	got, problems = kind(t, "email").Validate(setting.Values{"to": []string{" a@example.com", "b@example.com", "", "a@example.com"}})
	want = setting.Values{"to": []any{"a@example.com", "b@example.com"}}
	if diff := cmp.Diff(want, got); diff != "" || problems != nil {
		t.Errorf("email %v (-want +got):\n%s", problems, diff)
	}
	again, problems := kind(t, "email").Validate(got)
	if diff := cmp.Diff(got, again); diff != "" || problems != nil {
		t.Errorf("validating twice changes the settings: %v\n%s", problems, diff)
	}
}

func TestValidate_SaysWhatToWriteInstead(t *testing.T) {
	hook := func(name string, value any) setting.Values {
		set := setting.Values{"url": "https://example.com", "secret": testSecret}
		set[name] = value
		return set
	}
	headers := func(name, value string) setting.Values { return hook("headers", map[string]any{name: value}) }
	many := map[string]any{}
	var crowd []any
	for i := range setting.MaxItems + 1 {
		many["X-"+strings.Repeat("a", i+1)] = "v"
		crowd = append(crowd, strings.Repeat("a", i+1)+"@example.com")
	}
	tests := []struct {
		name, kind  string
		set         setting.Values
		field, text string
	}{
		{"unknown member", "webhook", hook("urll", "x"), "urll", "Valid settings: url, secret, headers, body."},
		{"no url", "webhook", setting.Values{"secret": testSecret}, "url", "URL is required."},
		{"blank url", "webhook", hook("url", "  "), "url", "URL is required."},
		{"url of another type", "webhook", hook("url", 7.0), "url", "must be a string"},
		{"relative url", "webhook", hook("url", "example.com/x"), "url", "complete URL"},
		{"ftp", "webhook", hook("url", "ftp://example.com"), "url", "complete URL"},
		{"no host", "webhook", hook("url", "http:///x"), "url", "complete URL"},
		{"bad port", "webhook", hook("url", "http://example.com:70000"), "url", "complete URL"},
		{"line break in url", "webhook", hook("url", "https://example.com/\r\nHost: x"), "url", "a single line"},
		{"user in url", "webhook", hook("url", "https://bob:hunter2@example.com"), "url", "named Authorization"},
		{"long url", "webhook", hook("url", "https://example.com/"+strings.Repeat("a", setting.MaxTextLength)), "url", "at most 2000"},
		{"secret without prefix", "webhook", hook("secret", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "secret", "whsec_"},
		{"short secret", "webhook", hook("secret", "whsec_c2hvcnQ="), "secret", "24 to 64"},
		{"long secret", "webhook", hook("secret", "whsec_"+strings.Repeat("QUFB", 22)), "secret", "24 to 64"},
		{"dots for no secret", "webhook", hook("secret", setting.Masked), "secret", "the secret itself"},
		{"header list", "webhook", hook("headers", []any{"a"}), "headers", "an object with string values"},
		{"too many headers", "webhook", hook("headers", many), "headers", "at most 20"},
		{"header value of another type", "webhook", hook("headers", map[string]any{"X-A": 1.0}), "headers", "X-A must be a string"},
		{"space in header name", "webhook", headers("X A", "v"), "headers", "letters, digits and dashes"},
		{"break in header name", "webhook", headers("X-A\r\nX-B", "v"), "headers", "letters, digits and dashes"},
		{"empty header name", "webhook", headers("", "v"), "headers", "letters, digits and dashes"},
		{"long header name", "webhook", headers(strings.Repeat("x", 101), "v"), "headers", "shorten it"},
		{"break in header value", "webhook", headers("X-A", "v\r\nX-B: w"), "headers", "a single line"},
		{"dots for no header", "webhook", headers("X-A", setting.Masked), "headers", "the secret itself"},
		{"own header", "webhook", headers("host", "v"), "headers", "set by Overdue"},
		{"length", "webhook", headers("Content-Length", "1"), "headers", "set by Overdue"},
		{"chunks", "webhook", headers("transfer-encoding", "chunked"), "headers", "set by Overdue"},
		{"signature", "webhook", headers("WEBHOOK-signature", "v1,x"), "headers", "set by Overdue"},
		{"proxy", "webhook", headers("Proxy-Authorization", "x"), "headers", "set by Overdue"},
		{"header twice", "webhook", hook("headers", map[string]any{"x-a": "1", "X-A": "2"}), "headers", "twice"},
		{"nobody", "email", setting.Values{"to": []any{}}, "to", "To is required."},
		{"one text", "email", setting.Values{"to": "a@example.com"}, "to", "list of strings"},
		{"list of numbers", "email", setting.Values{"to": []any{1.0}}, "to", "list of strings"},
		{"no address", "email", setting.Values{"to": []any{"bob"}}, "to", "bob is not an email address"},
		{"two in one", "email", setting.Values{"to": []any{"a@example.com, b@example.com"}}, "to", "name@example.com"},
		{"with name", "email", setting.Values{"to": []any{"Bob <b@example.com>"}}, "to", "name@example.com"},
		{"quoted", "email", setting.Values{"to": []any{`"a b"@example.com`}}, "to", "name@example.com"},
		{"comment", "email", setting.Values{"to": []any{"b@example.com (Bob)"}}, "to", "name@example.com"},
		{"break in address", "email", setting.Values{"to": []any{"b@example.com\r\nBcc: c@example.com"}}, "to", "a single line"},
		{"literal domain", "email", setting.Values{"to": []any{"b@[127.0.0.1]"}}, "to", "name@example.com"},
		{"crowd", "email", setting.Values{"to": crowd}, "to", "at most 20"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, problems := kind(t, test.kind).Validate(test.set)
			if got != nil || len(problems) != 1 {
				t.Fatalf("got %v, %v; want one problem", got, problems)
			}
			p := problems[0]
			if p.Field != test.field || !strings.Contains(p.Text, test.text) || !strings.HasSuffix(p.Text, ".") {
				t.Errorf("problem %+v; want %s: …%s…", p, test.field, test.text)
			}
			if strings.Contains(p.Text, "hunter2") {
				t.Errorf("problem %q shows a password", p.Text)
			}
		})
	}
}

func TestPrepare_GeneratesASecretOnlyIfThereIsNone(t *testing.T) {
	k := kind(t, "webhook")
	first := k.Prepare(setting.Values{"url": "https://example.com"})
	second := k.Prepare(nil)
	if first.Text("secret") == second.Text("secret") {
		t.Error("two channels got the same secret")
	}
	if _, problem := signingSecret(first.Text("secret")); problem != "" {
		t.Errorf("the secret made is not accepted: %s", problem)
	}
	if got := k.Prepare(setting.Values{"secret": testSecret}).Text("secret"); got != testSecret {
		t.Errorf("a secret that was given became %q", got)
	}
}

func TestMask_ShowsNoSecret(t *testing.T) {
	got := kind(t, "webhook").Mask(setting.Values{
		"url": "https://example.com", "secret": testSecret, "headers": map[string]any{"X-A": "v"}, "stray": "v",
	})
	want := setting.Values{"url": "https://example.com", "secret": setting.Masked, "headers": map[string]any{"X-A": setting.Masked}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mask (-want +got):\n%s", diff)
	}
}

func TestMerge_KeepsMaskedSecrets(t *testing.T) {
	k := kind(t, "webhook")
	old := setting.Values{"url": "https://example.com", "secret": testSecret, "headers": map[string]any{"X-A": "1", "X-B": "2"}}
	tests := []struct {
		name      string
		new, want setting.Values
	}{
		{"what was shown comes back", k.Mask(old), old},
		{"absent members stay", setting.Values{"url": "https://example.com/x"}, setting.Values{"url": "https://example.com/x", "secret": testSecret, "headers": old["headers"]}},
		{"null removes", setting.Values{"headers": nil}, setting.Values{"url": "https://example.com", "secret": testSecret}},
		{
			"single headers",
			setting.Values{"headers": map[string]any{"x-a": setting.Masked, "X-C": "3"}},
			setting.Values{"url": "https://example.com", "secret": testSecret, "headers": map[string]any{"x-a": "1", "X-C": "3"}},
		},
		{
			"dots for nothing stay dots",
			setting.Values{"headers": map[string]any{"X-Z": setting.Masked}},
			setting.Values{"url": "https://example.com", "secret": testSecret, "headers": map[string]any{"X-Z": setting.Masked}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, problems := k.Merge(old, test.new)
			if diff := cmp.Diff(test.want, got); diff != "" || problems != nil {
				t.Errorf("merge %v (-want +got):\n%s", problems, diff)
			}
		})
	}
	if old.Text("secret") != testSecret || len(old.Map("headers")) != 2 {
		t.Error("merging changed the old settings")
	}
}

func TestSend_RejectsUnknownKindsAndInvalidSettings(t *testing.T) {
	out := newTestSender(t, Options{})
	for name, set := range map[string]setting.Values{"pigeon": {}, "webhook": {"url": "nowhere", "secret": testSecret}} {
		_, err := out.Send(t.Context(), name, set, messagetest.Missed())
		if got := sendErrorOf(t, err); !got.Permanent || got.Status != 0 || got.Reason == "" {
			t.Errorf("%s: %+v; want a final failure in words", name, got)
		}
	}
}
