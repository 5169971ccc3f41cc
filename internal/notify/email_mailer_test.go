package notify

import (
	"context"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSendMail_GoesToOneAddress(t *testing.T) {
	m := startMailServer(t, false, nil)
	door := newMailSender(t, m)
	if err := door.SendMail(t.Context(), "ada@example.com", "Invitation\r\nBcc: eve@example.com", "Come in:\nhttps://overdue.example/x\n"); err != nil {
		t.Fatal(err)
	}
	d := m.onlyDelivery(t)
	if !slices.Equal(d.to, []string{"ada@example.com"}) {
		t.Errorf("went to %v", d.to)
	}
	l := d.read(t)
	if s := l.header.Get("Subject"); !strings.HasPrefix(s, "Invitation") || l.header.Get("Bcc") != "" {
		t.Errorf("subject %q, Bcc %q; want one line and no recipient by it", s, l.header.Get("Bcc"))
	}
	if !regexp.MustCompile(`^<[a-z0-9]{26}@mail\.example\.com>$`).MatchString(l.header.Get("Message-Id")) {
		t.Errorf("message id %s; want one with a full name", l.header.Get("Message-Id"))
	}
	if l.header.Get("X-Auto-Response-Suppress") != "All" || l.header.Get("Auto-Submitted") != "auto-generated" {
		t.Error("vacation programs may answer it")
	}
	if !strings.Contains(l.html, `Come in:<br>`) || !strings.Contains(l.html, `<a href="https://overdue.example/x">https://overdue.example/x</a>`) {
		t.Errorf("HTML part:\n%s", l.html)
	}
	if err := door.SendMail(t.Context(), "ada@example.com\r\nRCPT TO:<eve@example.com>", "x", "x"); err == nil {
		t.Error("an address with a line break was taken")
	}
}

func TestSendMail_FailsWithoutAMailServer(t *testing.T) {
	door, err := NewSender(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := door.SendMail(context.Background(), "ada@example.com", "x", "x"); err == nil {
		t.Error("no error")
	}
}

func TestSendMail_RetriesWhileTheServerAsksToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		s := &scriptedServer{replyTo: func(line string) string {
			if strings.HasPrefix(line, "RCPT") && time.Since(begun) < 5*time.Minute {
				return "450 4.2.0 greylisted for 300 seconds"
			}
			return ""
		}}
		out := s.newSender(t, Options{})
		err := out.SendMail(t.Context(), "a@example.com", "Invitation", "Come in")
		if err == nil || time.Since(begun) > 0 || !strings.Contains(err.Error(), "retries in the background") {
			t.Errorf("%v after %v; want it said at once that it will be tried again", err, time.Since(begun))
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(s.messages) != 1 {
			t.Errorf("%d mails in ten minutes; want 1", len(s.messages))
		}
	})
}

func TestSendMail_StopsAfterAQuarterOfAnHourAndLogsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s := &scriptedServer{replyTo: func(line string) string {
			if strings.HasPrefix(line, "RCPT") {
				return "450 4.2.0 later"
			}
			return ""
		}}
		out := s.newSender(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		_ = out.SendMail(t.Context(), "a@example.com", "Invitation", "Come in")
		time.Sleep(time.Hour)
		synctest.Wait()
		if tries := len(s.commands("RCPT")); tries != 6 || !strings.Contains(log.String(), "mail not sent") || strings.Contains(log.String(), "@") {
			t.Errorf("%d attempts; log without addresses:\n%s", tries, log.String())
		}
	})
}

func TestSendMail_PermanentAndUncertainErrorsAreNotRetried(t *testing.T) {
	for name, s := range map[string]*scriptedServer{
		"no such user": {replyTo: func(line string) string {
			if strings.HasPrefix(line, "RCPT") {
				return "550 5.1.1 no such user"
			}
			return ""
		}},
		"answer lost": {messageReply: func(int) string { return "-" }},
	} {
		synctest.Test(t, func(t *testing.T) {
			if err := s.newSender(t, Options{}).SendMail(t.Context(), "a@example.com", "Invitation", "Come in"); err == nil || strings.Contains(err.Error(), "retries in the background") {
				t.Errorf("%s: %v", name, err)
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			if tries := len(s.commands("RCPT")); tries != 1 {
				t.Errorf("%s: %d attempts; want 1", name, tries)
			}
		})
	}
}

func TestSendMail_APageDoesNotWaitForASlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scriptedServer{slow: map[string]time.Duration{".": time.Minute}}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		err := s.newSender(t, Options{}).SendMail(ctx, "a@example.com", "Invitation", "Come in")
		if err == nil || !strings.Contains(err.Error(), "the attempt continues") {
			t.Errorf("%v; want it said that the attempt continues", err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if s.accepted != 1 || len(s.messages) != 1 {
			t.Errorf("%d mails, %d of them acknowledged; want 1", len(s.messages), s.accepted)
		}
	})
}
