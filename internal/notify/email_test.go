package notify

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"overdue/internal/notify/message"
	"overdue/internal/notify/message/messagetest"
	"overdue/internal/notify/setting"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
)

// newMailSender returns a Sender that sends mail to m without encryption.
func newMailSender(t *testing.T, m *mailServer) *Sender {
	t.Helper()
	return newTestSender(t, Options{SMTPURL: "smtp+insecure://" + m.address, SMTPFrom: "Overdue <overdue@mail.example.com>"})
}

// mailTo returns the settings of an email channel with the given recipients.
func mailTo(to ...string) setting.Values {
	var items []any
	for _, address := range to {
		items = append(items, address)
	}
	return setting.Values{"to": items}
}

// onlyDelivery returns the delivery, of which there must be exactly one.
func (m *mailServer) onlyDelivery(t *testing.T) delivery {
	t.Helper()
	took := m.deliveries()
	if len(took) != 1 {
		t.Fatalf("the server took %d messages; want 1", len(took))
	}
	return took[0]
}

func TestSendEmail_HoldsEveryFactInTextAndHTML(t *testing.T) {
	m := startMailServer(t, false, nil)
	receipt, err := newMailSender(t, m).Send(t.Context(), "email", mailTo("a@example.com", "b@example.com"), messagetest.Missed())
	if err != nil || receipt.Status != 250 {
		t.Fatalf("%+v, %v; want it sent", receipt, err)
	}
	d := m.onlyDelivery(t)
	if d.from != "overdue@mail.example.com" || !slices.Equal(d.to, []string{"a@example.com", "b@example.com"}) {
		t.Errorf("envelope from %s to %v", d.from, d.to)
	}
	l := d.read(t)
	for name, want := range map[string]string{
		"From":                `"Overdue" <overdue@mail.example.com>`,
		"To":                  "<a@example.com>, <b@example.com>",
		"Subject":             "[Down] Nightly backup: no ping since 03:00 UTC",
		"Message-Id":          "<incident-0199a1b2-incident-opened@mail.example.com>",
		"List-Id":             "<production.overdue.mail.example.com>",
		"Auto-Submitted":      "auto-generated",
		"X-Overdue-Alert-Id":  "0199a1b2-alert",
		"User-Agent":          "Overdue",
		"X-Overdue-Event":     "incident.opened",
		"X-Overdue-Heartbeat": "nightly-backup",
		"X-Overdue-Project":   "main",
		"List-Unsubscribe":    "<https://overdue.example.com/channels/c1>",
		"In-Reply-To":         "<late-r1-1791950404@mail.example.com>",
	} {
		if got := l.header.Get(name); got != want {
			t.Errorf("%s: %q; want %q", name, got, want)
		}
	}
	if at, err := l.header.Date(); err != nil || time.Since(at) > time.Minute {
		t.Errorf("date %v, %v; want the time of the attempt", at, err)
	}
	want := `Nightly backup is Down: no ping since 03:00 UTC. It was due at 04:00:04,
with a grace period of 1h.

Open incident #482: https://overdue.example.com/incidents/482
Acknowledge: https://overdue.example.com/incidents/482/acknowledge

Description:
  Runbook: https://wiki.example.com/backup (restart with "systemctl
    start backup", then call the person on duty.)
  Disk full? Delete /tmp/old.

Cause:         Missed ping
Down since:    Wed 14 Oct 05:00:04
Last ping:     Wed 14 Oct 03:00:04
Expected:      every 1 h
Due:           Wed 14 Oct 04:00:04
Grace period:  1h
Why:           03:00:04 + 1h + 1h of grace = 05:00:04.
Times in:      UTC

Last output of the job:
| copying
| done

Sent by Overdue through the channel Ops mail of the project Production.
`
	if diff := cmp.Diff(want, l.text); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	for _, want := range []string{
		">Down</span>", "no ping since 03:00 UTC", `<a href="https://wiki.example.com/backup">https://wiki.example.com/backup</a> (restart`,
		"<br>\nDisk full?", "Wed 14 Oct 05:00:04", "copying\ndone</pre>",
		`href="https://overdue.example.com/incidents/482/acknowledge"`, `content="light dark"`,
	} {
		if !strings.Contains(l.html, want) {
			t.Errorf("the HTML part lacks %q:\n%s", want, l.html)
		}
	}
}

func TestSendEmail_EmailsOfAnIncidentFormOneThread(t *testing.T) {
	m := startMailServer(t, false, nil)
	out := newMailSender(t, m)
	for i, event := range []string{message.EventLate, message.EventOpened, message.EventReminder, message.EventResolved, message.EventTest} {
		n := messagetest.Missed()
		n.Event, n.AlertID, n.Project = event, fmt.Sprintf("alert %d", i), "Über_all. 2"
		if event == message.EventTest || event == message.EventLate {
			n.ThreadID, n.Cause = "", ""
		}
		if _, err := out.Send(t.Context(), "email", mailTo("a@example.com"), n); err != nil {
			t.Fatal(err)
		}
	}
	late, first := "<late-r1-1791950404@mail.example.com>", "<incident-0199a1b2-incident-opened@mail.example.com>"
	want := [][3]string{
		{late, "", ""},
		{first, late, late},
		{"<alert-alert-2@mail.example.com>", first, late + " " + first},
		{"<alert-alert-3@mail.example.com>", first, late + " " + first},
		{"<alert-alert-4@mail.example.com>", "", ""},
	}
	var got [][3]string
	for _, d := range m.deliveries() {
		h := d.read(t).header
		if id := h.Get("List-Id"); id != "<ber-all--2.overdue.mail.example.com>" {
			t.Errorf("list id %q", id)
		}
		got = append(got, [3]string{h.Get("Message-Id"), h.Get("In-Reply-To"), h.Get("References")})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("message id, in reply to, references (-want +got):\n%s", diff)
	}
}

func TestSendEmail_HostileTextsStayInside(t *testing.T) {
	m := startMailServer(t, false, nil)
	n := messagetest.Missed()
	n.Heartbeat = "x\r\nBcc: evil@example.com\r\n\r\n<script>alert(1)</script><img src=x onerror=y>"
	n.Project, n.Channel = "p\r\nX-Evil: 1 <b>", "c\nX-Evil: 2"
	n.AlertID, n.ThreadID = "id>\r\nX-Evil: 3", "t>\r\nX-Evil: 4"
	n.Output = "</pre><script>steal()</script>\r\n.\r\nQUIT\r\n\r\nOpen incident: https://evil.example.com"
	n.URL = "javascript:alert(1)"
	if _, err := newMailSender(t, m).Send(t.Context(), "email", mailTo("a@example.com"), n); err != nil {
		t.Fatal(err)
	}
	d := m.onlyDelivery(t)
	if !slices.Equal(d.to, []string{"a@example.com"}) {
		t.Errorf("recipients %v", d.to)
	}
	l := d.read(t)
	for _, name := range []string{"Bcc", "X-Evil"} {
		if l.header.Has(name) {
			t.Errorf("the header %s was added: %q", name, l.header.Get(name))
		}
	}
	if subject, err := l.header.Subject(); err != nil || !strings.HasPrefix(subject, "[Down] x Bcc: evil@example.com <script>") {
		t.Errorf("subject %q, %v", subject, err)
	}
	for _, live := range []string{"<script", "<img", "<b>", "</pre><", `href="javascript`} {
		if strings.Contains(strings.Replace(l.html, "</pre>\n<p", "", 1), live) {
			t.Errorf("the HTML part holds %q:\n%s", live, l.html)
		}
	}
	if !strings.Contains(l.html, "&lt;script&gt;alert(1)") {
		t.Error("the name is not shown as it was written")
	}
	if !strings.Contains(l.text, "\n| .\n| QUIT\n| \n| Open incident: https://evil.example.com\n") {
		t.Errorf("the output is not quoted line by line:\n%s", l.text)
	}
}

func TestSendEmail_ANameIsNotDecodedAsAnEncodedWord(t *testing.T) {
	m := startMailServer(t, false, nil)
	n := messagetest.Missed()
	n.Heartbeat = "=?utf-8?q?Everything_works?="
	if _, err := newMailSender(t, m).Send(t.Context(), "email", mailTo("a@example.com"), n); err != nil {
		t.Fatal(err)
	}
	l := m.onlyDelivery(t).read(t)
	if subject, err := l.header.Subject(); err != nil || !strings.Contains(subject, "=\u2060?utf-8?q?Everything_works?=") {
		t.Errorf("subject %q, %v; want the name as it is written", subject, err)
	}
}

func TestSendEmail_RepliesDecideWhetherToRetry(t *testing.T) {
	gone := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	busy := &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted"}
	tests := []struct {
		name    string
		answers map[string]error
		sent    bool
		final   bool
		status  int
		detail  string
	}{
		{"all taken", nil, true, false, 250, ""},
		{"one gone", map[string]error{"a@example.com": gone}, true, false, 250, "Sent to 1 of 2; a@example.com: 550 5.1.1 no such user"},
		{
			"both gone",
			map[string]error{"a@example.com": gone, "b@example.com": gone},
			false, true, 550, "a@example.com: 550 5.1.1 no such user; b@example.com: 550 5.1.1 no such user",
		},
		{"one busy", map[string]error{"a@example.com": busy}, true, false, 250, "Sent to 1 of 2; a@example.com: 451 4.7.1 greylisted"},
		{
			"busy and gone",
			map[string]error{"a@example.com": gone, "b@example.com": busy},
			false, false, 451, "b@example.com: 451 4.7.1 greylisted; a@example.com: 550 5.1.1 no such user",
		},
		{
			"too many",
			map[string]error{"b@example.com": &smtp.SMTPError{Code: 552, EnhancedCode: smtp.NoEnhancedCode, Message: "too many"}},
			true, false, 250, "Sent to 1 of 2; b@example.com: 552 too many",
		},
		{"sender rejected", map[string]error{"": gone}, false, false, 550, "5.1.1 no such user"},
		{"body busy", map[string]error{".": busy}, false, false, 451, "4.7.1 greylisted"},
		{"body rejected", map[string]error{".": gone}, false, true, 550, "5.1.1 no such user"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := startMailServer(t, false, nil)
			for to, err := range test.answers {
				m.setReply(to, err)
			}
			receipt, err := newMailSender(t, m).Send(t.Context(), "email", mailTo("a@example.com", "b@example.com"), messagetest.Missed())
			if test.sent {
				if err != nil || receipt.Status != test.status || !strings.Contains(receipt.Detail, test.detail) {
					t.Fatalf("%+v, %v; want it sent with %q", receipt, err, test.detail)
				}
				return
			}
			if got := sendErrorOf(t, err); got.Status != test.status || got.Permanent != test.final || got.Reason != test.detail {
				t.Errorf("failure %+v; want %d, final %v: %q", got, test.status, test.final, test.detail)
			}
		})
	}
}

func TestSend_EmailGoesToTheRecipientsOfTheAttemptAndShowsAll(t *testing.T) {
	m := startMailServer(t, false, nil)
	n := messagetest.Missed()
	n.Recipients = []string{"b@example.com"}
	receipt, err := newMailSender(t, m).Send(t.Context(), "email", mailTo("a@example.com", "b@example.com"), n)
	if err != nil || len(receipt.Recipients) != 1 || receipt.Recipients[0] != (RecipientResult{Recipient: "b@example.com"}) {
		t.Fatalf("%+v, %v; want a result for b alone", receipt, err)
	}
	d := m.onlyDelivery(t)
	l := d.read(t)
	to, err := l.header.AddressList("To")
	if err != nil || len(to) != 2 || !slices.Equal(d.to, []string{"b@example.com"}) {
		t.Errorf("sent to %v, with the header %v, %v; want it sent to b with both in the header", d.to, to, err)
	}
}

func TestSendEmail_WithoutAMailServerNamesTheSetting(t *testing.T) {
	_, err := newTestSender(t, Options{}).Send(t.Context(), "email", mailTo("a@example.com"), messagetest.Missed())
	if got, want := sendErrorOf(t, err), "No mail server is configured: set --smtp-url."; !got.Permanent || got.Reason != want {
		t.Errorf("failure %+v; want %q, final", got, want)
	}
}

func TestSendEmail_SignsInOnlyOverTLS(t *testing.T) {
	for scheme, implicit := range map[string]bool{"smtp": false, "smtps": true} {
		m := startMailServer(t, implicit, nil)
		options := func(password string) Options {
			return Options{SMTPURL: scheme + "://u%40example.com:" + password + "@" + m.address, TLSConfig: m.authority}
		}
		if _, err := newTestSender(t, options("pa%2Fss%20word")).Send(t.Context(), "email", mailTo("a@example.com"), messagetest.Missed()); err != nil {
			t.Fatalf("%s: %v", scheme, err)
		}
		if d := m.onlyDelivery(t); !d.isTLS || d.from != "u@example.com" || !slices.Equal(m.signIns, []string{"u@example.com"}) {
			t.Errorf("%s: TLS %v, from %s, signed in %v", scheme, d.isTLS, d.from, m.signIns)
		}
		_, err := newTestSender(t, options("hunter2")).Send(t.Context(), "email", mailTo("a@example.com"), messagetest.Missed())
		if got := sendErrorOf(t, err); got.Permanent || got.Status != 535 || strings.Contains(got.Error(), "hunter2") {
			t.Errorf("%s: wrong password: %v; want 535 without it, to be tried again", scheme, got)
		}
		untrusting := options("pa%2Fss%20word")
		untrusting.TLSConfig = &tls.Config{InsecureSkipVerify: true} // the options cannot set it
		_, err = newTestSender(t, untrusting).Send(t.Context(), "email", mailTo("a@example.com"), messagetest.Missed())
		if got := sendErrorOf(t, err); got.Permanent || !strings.Contains(got.Reason, "certificate") {
			t.Errorf("%s: unknown certificate: %v", scheme, got)
		}
	}
}

func TestSendEmail_RequiresSTARTTLSByDefault(t *testing.T) {
	m := startMailServer(t, false, func(s *smtp.Server) { s.TLSConfig = nil })
	out := newTestSender(t, Options{SMTPURL: "smtp://" + m.address, SMTPFrom: "o@example.com"})
	_, err := out.Send(t.Context(), "email", mailTo("a@example.com"), messagetest.Missed())
	if got := sendErrorOf(t, err); got.Permanent || !strings.Contains(got.Reason, "STARTTLS") || len(m.deliveries()) != 0 {
		t.Errorf("failure %+v; want it to name STARTTLS and nothing sent", got)
	}
}

func TestSendEmail_TimesOutOnASilentMailServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opts := Options{SMTPURL: "smtp://" + listener.Addr().String(), SMTPFrom: "o@example.com"}
	impatient := newTestSender(t, opts)
	impatient.relay.times.step = 50 * time.Millisecond
	_, err = impatient.Send(t.Context(), "email", mailTo("a@example.com"), messagetest.Missed())
	if got := sendErrorOf(t, err); got.Permanent || !strings.HasPrefix(got.Reason, "No answer from the mail server within") {
		t.Errorf("failure %+v; want a time-out to be tried again", got)
	}
	// The caller cancels in the middle of the SMTP session, long before the timeout.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	start := time.Now()
	go func() {
		defer cancel()
		// The attempt before this one still waits in the queue.
		first, err := listener.Accept()
		if err != nil {
			return // the failure below will not be the caller's own
		}
		t.Cleanup(func() { _ = first.Close() })
		conn, err := listener.Accept()
		if err != nil {
			return // the failure below will not be the caller's own
		}
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = fmt.Fprint(conn, "220 here\r\n")
		_, _ = conn.Read(make([]byte, 100)) // the client's greeting, which gets no answer
	}()
	_, err = newTestSender(t, opts).Send(ctx, "email", mailTo("a@example.com"), messagetest.Missed())
	if got := sendErrorOf(t, err); got.Unwrap() != context.Canceled || time.Since(start) > 20*time.Second {
		t.Errorf("failure %+v after %v; want the caller's own cancellation at once", got, time.Since(start))
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = newTestSender(t, opts).Send(t.Context(), "email", mailTo("a@example.com"), messagetest.Missed())
	if got := sendErrorOf(t, err); got.Permanent || got.Reason != "The mail server could not be used: connection refused." {
		t.Errorf("failure %+v; want the connection refused, to be tried again", got)
	}
}
