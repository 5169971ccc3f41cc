package notify

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"overdue/client"
)

// loopback returns the only network of the test servers.
func loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
}

// newTestSender returns a Sender that may connect to this machine.
func newTestSender(t *testing.T, opts Options) *Sender {
	t.Helper()
	if opts.AllowNetworks == nil {
		opts.AllowNetworks = loopback()
	}
	out, err := NewSender(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(out.Close)
	return out
}

// missedNotification returns a notification with all fields: a missed ping of the
// nightly backup.
func missedNotification() Notification {
	at := time.Date(2026, 10, 14, 5, 0, 4, 0, time.UTC)
	number := int64(482)
	return Notification{
		AlertID: "0199a1b2-alert", Event: EventOpened, At: at,
		Project: "Production", ProjectSlug: "main", Channel: "Ops mail", ChannelURL: "https://overdue.example.com/channels/c1", ThreadID: "0199a1b2-incident",
		Heartbeat:   "Nightly backup",
		Description: "Runbook: https://wiki.example.com/backup (restart with \"systemctl start backup\", then call the person on duty.)\nDisk full? Delete /tmp/old.",
		Number:      number, Cause: "missed", Schedule: "every 1 h", Grace: time.Hour,
		LastPing: at.Add(-2 * time.Hour), Due: at.Add(-time.Hour), Deadline: at, DownSince: at,
		Explanation: "03:00:04 + 1h + 1h of grace = 05:00:04.",
		Output:      "copying\ndone", URL: "https://overdue.example.com/incidents/482",
		AckURL: "https://overdue.example.com/incidents/482/acknowledge",
		Notice: client.Notification{
			Incident:  &client.Incident{ID: "0199a1b2-incident", Number: number, State: "open", Cause: "missed", OpenedAt: at},
			Heartbeat: &client.Heartbeat{Ref: "r1", Name: "Nightly backup", Slug: "nightly-backup", Status: "down"},
		},
	}
}

// sendErrorOf returns the SendError in err. Without one, the test fails.
func sendErrorOf(t *testing.T, err error) *SendError {
	t.Helper()
	failure, ok := errors.AsType[*SendError](err)
	if !ok {
		t.Fatalf("error is %v; want a failure", err)
	}
	return failure
}
