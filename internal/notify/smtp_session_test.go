package notify

import (
	"net"
	"strings"
	"testing"
	"testing/synctest"
)

func TestSend_421EndsTheSessionAndKeepsItsText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scriptedServer{replyTo: func(line string) string {
			if strings.HasPrefix(line, "RCPT TO:<") {
				return "421 4.7.0 too much mail, come back later"
			}
			return ""
		}}
		_, err := alert(t, s.newSender(t, Options{}), "a@example.com", "b@example.com", "c@example.com")
		if got := sendErrorOf(t, err); got.Status != 421 || got.Permanent || got.Reason != "4.7.0 too much mail, come back later" {
			t.Errorf("%+v; want the server's words", got)
		}
		if len(s.commands("RCPT")) != 2 || s.connected != 2 || len(s.commands("DATA")) != 0 {
			t.Errorf("%d sessions said %q; want two, and nothing after the 421 of each", s.connected, s.lines)
		}
	})
}

func TestSend_ARecipientWhoEndsTheSessionDelaysNobodyElse(t *testing.T) {
	for _, answer := range []string{"421 4.3.0 not now", "-", "…"} {
		synctest.Test(t, func(t *testing.T) {
			s := &scriptedServer{replyTo: func(line string) string {
				if strings.HasPrefix(line, "RCPT TO:<b@") {
					return answer
				}
				return ""
			}}
			receipt, err := alert(t, s.newSender(t, Options{}), "b@example.com", "a@example.com", "c@example.com")
			if err != nil || s.accepted != 1 || len(receipt.Recipients) != 3 {
				t.Fatalf("%q: %+v, %v, %d messages; want one message to the others", answer, receipt, err, s.accepted)
			}
			for _, r := range receipt.Recipients {
				if late := r.Err != nil; late != (r.Recipient == "b@example.com") || late && r.Err.Permanent {
					t.Errorf("%q: %s has %+v; want only b@example.com to be tried again", answer, r.Recipient, r.Err)
				}
			}
		})
	}
}

func TestSend_AnyPositiveAnswerToTheMessageIsADelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scriptedServer{messageReply: func(int) string { return "252 queued" }}
		if _, err := alert(t, s.newSender(t, Options{}), "a@example.com"); err != nil {
			t.Errorf("%v; want no copy after copy", err)
		}
	})
}

func TestReplies_AServerThatNeverStopsTalkingEndsTheSession(t *testing.T) {
	ours, theirs := net.Pipe()
	go func() {
		for {
			if _, err := theirs.Write([]byte(strings.Repeat("x", 64<<10))); err != nil {
				return
			}
		}
	}()
	r, heard := &limitedConn{Conn: ours, left: maxReplyBytes}, 0
	for buffer := make([]byte, 4096); ; {
		n, err := r.Read(buffer)
		if heard += n; err != nil || heard > maxReplyBytes {
			break
		}
	}
	_ = ours.Close()
	if heard != maxReplyBytes {
		t.Errorf("it received %d bytes; want %d", heard, maxReplyBytes)
	}
}
