package notify

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/notify/message/messagetest"

	"github.com/google/go-cmp/cmp"
)

// alert sends one alert to the given recipients.
func alert(t *testing.T, out *Sender, to ...string) (Receipt, error) {
	t.Helper()
	return out.Send(t.Context(), "email", mailTo(to...), messagetest.Missed())
}

// delay waits before a step of the server.
func (s *scriptedServer) delay(step string) { time.Sleep(s.slow[step]) }

func TestSend_OnlyRepliesAboutTheMailboxArePermanent(t *testing.T) {
	for reply, final := range map[string]bool{
		"550 5.1.1 no such user":                              true,
		"550 5.1.2 no such domain":                            true,
		"553 5.1.3 bad address":                               true,
		"551 5.1.6 moved":                                     true,
		"556 5.1.10 takes no mail":                            true,
		"550 No such user here":                               true,
		"551 User not local":                                  true,
		"553 Mailbox name not allowed":                        true,
		"504 5.5.2 <vm>: Helo command rejected":               false,
		"504 need fully-qualified hostname":                   false,
		"530 5.7.0 Must issue a STARTTLS command first":       false,
		"530 Authentication required":                         false,
		"554 5.7.1 <a@example.com>: Relay access denied":      false,
		"550 5.7.1 Client host blocked":                       false,
		"550 relay not permitted":                             false,
		"550 5.1.8 Sender address rejected":                   false,
		"554 Transaction failed":                              false,
		"552 5.2.2 Mailbox full":                              false,
		"550 5.2.1 Mailbox disabled":                          false,
		"550 4.1.1 odd: a temporary class":                    false,
		"450 4.2.0 Greylisted":                                false,
		"451 5.1.1 odd: a permanent class":                    false,
		"550 5.7.23 SPF validation failed":                    false,
		"550 AUTH required before RCPT":                       false,
		"550 192.0.2.7 is listed at bl.example.net":           false,
		"550 Mailbox is full":                                 false,
		"550 User's fulltext name unknown":                    true,
		"550 Sender verify failed":                            false,
		"550 Administrative prohibition: blocked by a filter": false,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &scriptedServer{replyTo: func(line string) string {
				if strings.HasPrefix(line, "RCPT") {
					return reply
				}
				return ""
			}}
			_, err := alert(t, s.newSender(t, Options{}), "a@example.com")
			if got := sendErrorOf(t, err); got.Permanent != final {
				t.Errorf("RCPT answered %q: final %t; want %t", reply, got.Permanent, final)
			}
		})
	}
}

func TestSend_NoReplyToTheSessionIsPermanent(t *testing.T) {
	for _, command := range []string{"EHLO", "MAIL", "DATA"} {
		for _, reply := range []string{"550 5.7.1 go away", "554 5.7.1 relay access denied", "530 5.7.0 authentication required", "552 5.3.4 too big"} {
			synctest.Test(t, func(t *testing.T) {
				s := &scriptedServer{replyTo: func(line string) string {
					if strings.HasPrefix(line, command) || command == "EHLO" && strings.HasPrefix(line, "HELO") {
						return reply
					}
					return ""
				}}
				_, err := alert(t, s.newSender(t, Options{}), "a@example.com")
				if got := sendErrorOf(t, err); got.Permanent || got.Status == 0 {
					t.Errorf("%s answered %q: %+v; want the code, to be tried again", command, reply, got)
				}
			})
		}
	}
}

func TestSend_ARejectedMessageIsSentWithoutTheOutput(t *testing.T) {
	for name, s := range map[string]*scriptedServer{
		"the limit in EHLO": {hello: []string{"SIZE 3000"}},
		"552 after the message": {messageReply: func(n int) string {
			if n == 1 {
				return "552 5.3.4 message too big"
			}
			return ""
		}},
		"a filter that hangs up": {replyTo: func(line string) string {
			if strings.HasPrefix(line, "QUIT") || strings.HasPrefix(line, "RSET") {
				return "-"
			}
			return ""
		}, messageReply: func(n int) string {
			if n == 1 {
				return "550 spam"
			}
			return ""
		}},
		"a filter": {messageReply: func(n int) string {
			if n == 1 {
				return "554 5.7.1 looks like spam"
			}
			return ""
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if _, err := alert(t, s.newSender(t, Options{}), "a@example.com", "b@example.com"); err != nil {
					t.Fatal(err)
				}
				small := s.messages[len(s.messages)-1]
				if s.accepted != 1 || strings.Contains(small, "copying") || strings.Contains(small, "<html") || len(small) > 2500 {
					t.Errorf("%d accepted, the last of %d bytes:\n%s", s.accepted, len(small), small)
				}
				for _, want := range []string{"no ping since", "The output of the job was removed"} {
					if !strings.Contains(small, want) {
						t.Errorf("the small mail lacks %q:\n%s", want, small)
					}
				}
			})
		})
	}
}

func TestSend_WaitsMinutesForTheAnswerToTheMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scriptedServer{slow: map[string]time.Duration{"greeting": 25 * time.Second, ".": 290 * time.Second}}
		if _, err := alert(t, s.newSender(t, Options{}), "a@example.com"); err != nil {
			t.Fatal(err)
		}
		if len(s.messages) != 1 {
			t.Errorf("%d messages; want 1", len(s.messages))
		}
	})
}

func TestSend_ALostAnswerToTheMessageIsUncertainAndWaitsTenMinutes(t *testing.T) {
	for name, s := range map[string]*scriptedServer{
		"no answer":     {messageReply: func(int) string { return "…" }},
		"closed":        {messageReply: func(int) string { return "-" }},
		"much too late": {slow: map[string]time.Duration{".": 6 * time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := alert(t, s.newSender(t, Options{}), "a@example.com")
				if got := sendErrorOf(t, err); !got.Uncertain || got.RetryAfter != 10*time.Minute || got.Permanent || !strings.Contains(got.Reason, "may have been delivered") {
					t.Errorf("%+v; want it uncertain, with the next attempt in ten minutes", got)
				}
				synctest.Wait()
				time.Sleep(10 * time.Minute) // until the server has noticed
			})
		})
	}
	// After a reply, the result is certain.
	synctest.Test(t, func(t *testing.T) {
		s := &scriptedServer{messageReply: func(int) string { return "451 4.3.0 disk full" }}
		_, err := alert(t, s.newSender(t, Options{}), "a@example.com")
		if got := sendErrorOf(t, err); got.Uncertain || got.RetryAfter != 0 || got.Status != 451 {
			t.Errorf("%+v; want an ordinary failure", got)
		}
	})
}

func TestSend_ACallerWhoStopsAfterTheMessageLeavesItUncertain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scriptedServer{messageReply: func(int) string { return "…" }}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err := s.newSender(t, Options{}).Send(ctx, "email", mailTo("a@example.com"), messagetest.Missed())
		if got := sendErrorOf(t, err); !got.Uncertain || got.RetryAfter == 0 {
			t.Errorf("%+v; want it uncertain", got)
		}
	})
}

func TestSend_EachStepHasThirtySecondsAndAllTogetherNinety(t *testing.T) {
	for step, want := range map[string]string{"greeting": "its greeting", "EHLO": "EHLO", "MAIL": "MAIL FROM", "RCPT": "RCPT TO", "DATA": "DATA"} {
		synctest.Test(t, func(t *testing.T) {
			s := &scriptedServer{slow: map[string]time.Duration{step: time.Hour}}
			begun := time.Now()
			_, err := alert(t, s.newSender(t, Options{}), "a@example.com")
			got := sendErrorOf(t, err)
			if took := time.Since(begun); took != 30*time.Second || got.Uncertain || got.Reason != "No answer from the mail server within 30 s (waiting for "+want+")." {
				t.Errorf("slow %s: %q after %v", step, got.Reason, took)
			}
			time.Sleep(time.Hour)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := &scriptedServer{slow: map[string]time.Duration{"RCPT": 29 * time.Second}}
		begun := time.Now()
		_, err := alert(t, s.newSender(t, Options{}), "a@example.com", "b@example.com", "c@example.com", "d@example.com", "e@example.com")
		if took := time.Since(begun); err == nil || took > 90*time.Second {
			t.Errorf("%v after %v; want an end after 90 s", err, took)
		}
		time.Sleep(time.Minute)
	})
}

func TestSend_DoesNotWaitForTheGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scriptedServer{slow: map[string]time.Duration{"QUIT": time.Hour}}
		begun := time.Now()
		if _, err := alert(t, s.newSender(t, Options{}), "a@example.com"); err != nil || time.Since(begun) > 0 {
			t.Errorf("%v after %v; want it sent at once", err, time.Since(begun))
		}
		synctest.Wait()
		if got := s.commands("QUIT"); len(got) != 1 {
			t.Errorf("said %q; want one QUIT", got)
		}
		time.Sleep(time.Hour)
	})
}

func TestSend_AsksForSMTPUTF8OnlyWhenAnAddressNeedsIt(t *testing.T) {
	for _, test := range []struct {
		to    []string
		hello []string
		mail  string
		rcpt  []string
	}{
		{[]string{"a@example.com"}, []string{"SMTPUTF8"}, "MAIL FROM:<overdue@mail.example.com>", []string{"RCPT TO:<a@example.com>"}},
		{[]string{"a@bücher.example"}, nil, "MAIL FROM:<overdue@mail.example.com>", []string{"RCPT TO:<a@xn--bcher-kva.example>"}},
		{[]string{"ü@example.com"}, []string{"SMTPUTF8"}, "MAIL FROM:<overdue@mail.example.com> SMTPUTF8", []string{"RCPT TO:<ü@example.com>"}},
		{[]string{"ü@example.com", "a@example.com"}, nil, "MAIL FROM:<overdue@mail.example.com>", []string{"RCPT TO:<a@example.com>"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &scriptedServer{hello: test.hello}
			receipt, err := alert(t, s.newSender(t, Options{}), test.to...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(append([]string{test.mail}, test.rcpt...), append(s.commands("MAIL"), s.commands("RCPT")...)); diff != "" {
				t.Errorf("%v (-want +got):\n%s", test.to, diff)
			}
			if len(test.to) > len(test.rcpt) && !strings.Contains(receipt.Detail, "does not support SMTPUTF8") {
				t.Errorf("%v: %q; want it to say what the address needs", test.to, receipt.Detail)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := &scriptedServer{}
		_, err := alert(t, s.newSender(t, Options{}), "ü@example.com")
		if got := sendErrorOf(t, err); !got.Permanent || !strings.Contains(got.Reason, "SMTPUTF8") {
			t.Errorf("%+v; want it to say what the address needs", got)
		}
	})
}

func TestSend_BouncesGoWhereTheOperatorSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scriptedServer{}
		if _, err := alert(t, s.newSender(t, Options{SMTPBounceTo: "bounces@example.org"}), "a@example.com"); err != nil {
			t.Fatal(err)
		}
		if got := s.commands("MAIL"); !slices.Equal(got, []string{"MAIL FROM:<bounces@example.org>"}) {
			t.Errorf("said %q", got)
		}
		if !strings.Contains(s.messages[0], "From: \"Overdue\" <overdue@mail.example.com>") || strings.Contains(s.messages[0], "bounces@") {
			t.Errorf("the header changed:\n%s", s.messages[0])
		}
	})
}

func TestSend_ExplainsWhyAServerCannotBeUsed(t *testing.T) {
	for name, test := range map[string]struct {
		hello []string
		url   string
		say   func(string) string
		want  string
	}{
		"no STARTTLS": {nil, "smtp://mail.example.com", nil, "The mail server does not offer STARTTLS: use smtps://, or smtp+insecure:// if it runs on this machine."},
		"closed": {nil, "", func(line string) string {
			if strings.HasPrefix(line, "MAIL") {
				return "-"
			}
			return ""
		}, "The mail server closed the connection (waiting for MAIL FROM)."},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &scriptedServer{hello: test.hello, replyTo: test.say}
				_, err := alert(t, s.newSender(t, Options{SMTPURL: test.url}), "a@example.com")
				if got := sendErrorOf(t, err); got.Reason != test.want || got.Permanent {
					t.Errorf("%+v; want %q", got, test.want)
				}
			})
		})
	}
	for want, offered := range map[string][]string{
		"The mail server offers only XOAUTH2, NTLM for sign-in. Overdue supports PLAIN, LOGIN, SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5.": {"XOAUTH2", "NTLM"},
		"The mail server does not offer sign-in (AUTH): remove the user from --smtp-url, or use the port for submission, 587 or 465.": nil,
	} {
		s := &smtpSession{relay: &relay{}}
		if got := s.explain(&noMechanismError{offered}); got != want {
			t.Errorf("%v: %q\nwant %q", offered, got, want)
		}
	}
	s := &smtpSession{relay: &relay{host: "nowhere.invalid"}}
	if got := s.explain(&net.DNSError{Name: "nowhere.invalid", IsNotFound: true}); !strings.Contains(got, "nowhere.invalid does not exist") {
		t.Errorf("%q", got)
	}
	if got := s.explain(errors.New("odd")); got != "The mail server could not be used: odd." {
		t.Errorf("%q", got)
	}
}
