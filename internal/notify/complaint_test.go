package notify

import (
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSend_AFailingChannelIsLoggedAtOnceAndThenEachHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		var mended atomic.Bool
		s := &scripted{say: func(line string) string {
			if !mended.Load() && strings.HasPrefix(line, "RCPT") {
				return "451 4.3.0 <a@example.com> try again later"
			}
			return ""
		}}
		out := s.door(t, OutsideOptions{Log: slog.New(slog.NewTextHandler(&log, nil))})
		send := func(event string) {
			n := missed()
			n.Event = event
			_, _ = out.Send(t.Context(), "email", mailTo("a@example.com"), n)
		}
		lines := func() int { return strings.Count(log.String(), "delivery failed, will be retried") }
		send(EventTest)
		if lines() != 0 {
			t.Errorf("a test alert is logged:\n%s", log.String())
		}
		for range 130 { // an attempt a minute
			send(EventOpened)
			time.Sleep(time.Minute)
		}
		if lines() != 3 {
			t.Errorf("%d lines in 130 minutes; want 3:\n%s", lines(), log.String())
		}
		for _, want := range []string{"level=WARN", `channel="Ops mail"`, "code=451", "try again later"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %s:\n%s", want, log.String())
			}
		}
		if strings.Contains(log.String(), "@") {
			t.Errorf("the log holds an address:\n%s", log.String())
		}
		mended.Store(true)
		send(EventOpened)
		mended.Store(false)
		send(EventOpened)
		if lines() != 4 {
			t.Errorf("%d lines; want one at once after it worked:\n%s", lines(), log.String())
		}
	})
}
