package notify

import (
	"strings"
	"testing"
)

func TestNewRelay_ReadsURLsWithTheirDefaults(t *testing.T) {
	tests := []struct {
		url, option string
		host        string
		port        int
		mode        tlsMode
		from        string
	}{
		{"smtp://u%40example.com:p%2Fw@mail.example.com", "", "mail.example.com", 587, startTLS, "<u@example.com>"},
		{"smtps://mail.example.com?from=Overdue%20<o@example.com>", "", "mail.example.com", 465, implicitTLS, `"Overdue" <o@example.com>`},
		{"smtp+insecure://localhost/?from=o@example.com", "", "localhost", 25, noTLS, "<o@example.com>"},
		{"smtps://mail.example.com?from=o@bücher.example", "", "mail.example.com", 465, implicitTLS, "<o@xn--bcher-kva.example>"},
		{"smtp://u:p@[::1]:2525?from=o@example.com", "x@example.com", "::1", 2525, startTLS, "<x@example.com>"},
	}
	for _, test := range tests {
		out, err := NewSender(Options{SMTPURL: test.url, SMTPFrom: test.option})
		if err != nil {
			t.Errorf("%s: %v", test.url, err)
			continue
		}
		r := out.relay
		if r.host != test.host || r.port != test.port || r.mode != test.mode || r.from.String() != test.from || !out.HasMailServer() {
			t.Errorf("%s: %s %d %v %s", test.url, r.host, r.port, r.mode, r.from)
		}
	}
}

func TestNewRelay_RejectsInvalidURLsWithoutTheirPassword(t *testing.T) {
	tests := []struct{ url, text string }{
		{"smtp://u:hunter2%zz@mail.example.com", "invalid URL"},
		{"http://u:hunter2@mail.example.com", "must start with smtp://"},
		{"mail.example.com:587", "must start with smtp://"},
		{"smtp://u:hunter2@", "set a host"},
		{"smtp://u:hunter2@mail.example.com/path?from=o@example.com", "without a path"},
		{"smtp://u:hunter2@mail.example.com:99999?from=o@example.com", "1 to 65535"},
		{"smtp+insecure://u:hunter2@mail.example.com?from=o@example.com", "password unencrypted"},
		{"smtp://u:hunter2@mail.example.com", "--smtp-from"},
		{"smtp://mail.example.com?from=nobody", "not an email address"},
		{"smtp://mail.example.com?from=o@example.com%0d%0aBcc:x@example.com", "not an email address"},
		{"smtp://mail.example.com?form=o@example.com", `unknown parameter "form"`},
		{"smtp://mail.example.com?from=%zz", "invalid parameters"},
		{"smtp://mail.example.com?from=übersicht@example.org", "non-ASCII letters before the @"},
	}
	for _, test := range tests {
		_, err := NewSender(Options{SMTPURL: test.url})
		if err == nil || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v; want …%s…", test.url, err, test.text)
		}
	}
}

func TestNewSender_RejectsAnInvalidBounceAddress(t *testing.T) {
	for text, want := range map[string]string{"nobody": "smtp-bounce-to is not an email address", "ü@example.org": "non-ASCII letters"} {
		_, err := NewSender(Options{SMTPURL: "smtp://mail.example.com", SMTPFrom: "o@example.com", SMTPBounceTo: text})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want …%s…", text, err, want)
		}
	}
}
