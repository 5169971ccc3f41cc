package process

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestReporter_ReportsOnlyWhileTheServerIsNotStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var mu sync.Mutex
		var sent []string
		w := &Reporter{log: slog.New(slog.NewTextHandler(&log, nil)), notify: func(lines ...string) {
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, strings.Join(lines, " "))
		}}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go w.Run(ctx, 10*time.Second)
		expect := func(state, want string) {
			t.Helper()
			mu.Lock()
			sent = nil
			mu.Unlock()
			time.Sleep(25 * time.Second) // two or three reports
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if len(sent) < 2 || sent[1] != want {
				t.Errorf("%s: sent %q; want %q", state, sent, want)
			}
		}
		expect("starting", "WATCHDOG=1")
		w.Watch(func() Health { return Health{Status: "Ready"} })
		expect("ready", "WATCHDOG=1 STATUS=Ready")
		w.Watch(func() Health { return Health{Status: "Ready", Stalled: errors.New("sweep loop stalled for 30 s")} })
		expect("stalled", "STATUS=Stalled: sweep loop stalled for 30 s")
		if n := strings.Count(log.String(), "server stalled"); n != 1 {
			t.Errorf("logged %d times: %s", n, &log)
		}
		w.Watch(nil)
		expect("stopping", "WATCHDOG=1")
	})
}

func TestReporter_ReportsTwiceInTheTimeThatSystemdWaits(t *testing.T) {
	w := NewReporter(slog.New(slog.DiscardHandler))
	for _, c := range []struct {
		socket, timeout string
		want            time.Duration
	}{
		{"", "", 0},
		{"", "3000000", 0},
		{"/run/notify", "", maxStatusAge},
		{"/run/notify", "3000000", 1500 * time.Millisecond},
		{"/run/notify", "600000000", maxStatusAge},
		{"/run/notify", "soon", maxStatusAge},
	} {
		t.Setenv("NOTIFY_SOCKET", c.socket)
		t.Setenv("WATCHDOG_USEC", c.timeout)
		if got := w.Interval(); got != c.want {
			t.Errorf("NOTIFY_SOCKET=%s WATCHDOG_USEC=%s: %s; want %s", c.socket, c.timeout, got, c.want)
		}
	}
}
