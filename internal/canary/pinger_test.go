package canary

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"overdue/internal/metrics"
)

// pingerFixture is a Pinger that pings two URLs, one of which can fail.
type pingerFixture struct {
	*Pinger
	log      bytes.Buffer
	sent     []string
	failing  bool
	recorded map[string]Result
}

// The URLs of a pingerFixture.
const (
	steadyURL = "https://one.example.com/ping/secret-one"
	flakyURL  = "https://two.example.com/ping/secret-two"
)

// newPingerFixture returns a fixture.
func newPingerFixture() *pingerFixture {
	f := &pingerFixture{}
	zero := func() float64 { return 0 }
	results := make(chan string, 10)
	f.Pinger = &Pinger{
		URLs: func(context.Context) ([]string, error) {
			return Distinct([]string{flakyURL, "", steadyURL, steadyURL}), nil
		},
		Send: func(_ context.Context, u string) error {
			if u == flakyURL && f.failing {
				return errors.New("connection refused")
			}
			results <- u
			return nil
		},
		Record: func(_ context.Context, r map[string]Result) error {
			f.recorded = r
			for len(results) > 0 {
				f.sent = append(f.sent, <-results)
			}
			return nil
		},
		Metrics: metrics.New(zero, zero), Log: slog.New(slog.NewTextHandler(&f.log, nil)), Wake: func() {},
	}
	return f
}

// run runs the watchdog once and returns the URLs that it reached.
func (f *pingerFixture) run(t *testing.T) (sent []string, wait time.Duration) {
	t.Helper()
	f.sent = nil
	wait, err := f.Run(context.Background(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(f.sent)
	return f.sent, wait
}

func TestPinger_PingsEachURLOnceAfterEachArrival(t *testing.T) {
	f := newPingerFixture()
	if sent, _ := f.run(t); len(sent) > 0 {
		t.Errorf("pinged %v before an arrival", sent)
	}
	for range 2 {
		f.Arrived()
		if sent, _ := f.run(t); !slices.Equal(sent, []string{steadyURL, flakyURL}) {
			t.Errorf("pinged %v; want both URLs once", sent)
		}
		if sent, _ := f.run(t); len(sent) > 0 {
			t.Errorf("pinged %v again without an arrival", sent)
		}
	}
}

func TestPinger_AFailedPingIsRetriedAndLoggedOnceWithoutItsURL(t *testing.T) {
	f := newPingerFixture()
	f.failing = true
	f.Arrived()
	sent, wait := f.run(t)
	if !slices.Equal(sent, []string{steadyURL}) || wait != retryDelay {
		t.Errorf("pinged %v, wait %s; want one URL and %s", sent, wait, retryDelay)
	}
	if r := f.recorded[flakyURL]; r.LastError == "" || !r.SentAt.IsZero() {
		t.Errorf("recorded %+v; want the error", r)
	}
	for range maxAttempts - 1 {
		if sent, wait = f.run(t); len(sent) > 0 {
			t.Errorf("pinged %v; want only attempts at the URL that fails", sent)
		}
	}
	if wait <= retryDelay {
		t.Errorf("wait %s after the last attempt; want until the next arrival", wait)
	}
	f.failing = false
	f.Arrived()
	if sent, _ = f.run(t); len(sent) != 2 {
		t.Errorf("pinged %v after the next arrival; want both", sent)
	}
	log := f.log.String()
	if strings.Count(log, "watchdog ping failed") != 1 || strings.Count(log, "watchdog ping sent again") != 1 || strings.Contains(log, "secret-two") {
		t.Errorf("want one line when it fails, one when it is sent again, and no URL:\n%s", log)
	}
}
