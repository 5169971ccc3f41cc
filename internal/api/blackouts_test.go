package api

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"overdue/client"
	"overdue/internal/monitor"
)

// blackout records a blackout that the database caused, of 19 minutes until a minute ago, in which a run of each
// heartbeat was due.
func (w *fixture) blackout(names ...string) (b monitor.Blackout) {
	w.Helper()
	now := time.Now().UTC().Truncate(monitor.Precision)
	for _, name := range names {
		w.ping(w.heartbeat(name), monitor.Ping{Kind: monitor.PingSuccess, Method: "POST", At: now.Add(-70 * time.Minute)})
	}
	b = w.AddBlackout(now.Add(-20*time.Minute), now.Add(-time.Minute), errors.New("dial tcp 192.0.2.7:5432"))
	if b.Cause != monitor.BlackoutDatabase {
		w.Fatalf("cause %s", b.Cause)
	}
	return b
}

func TestGetBlackout_ListsTheAffectedHeartbeatsOfTheProjectOnly(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		b := w.blackout("b", "a")
		for key, sees := range map[string]bool{"read-write": true, "read-only": false} {
			d, err := w.client(key).Blackout(t.Context(), b.Key)
			if err != nil {
				t.Fatal(err)
			}
			if d.Number != b.Key || !d.From.Equal(b.From) || !d.To.Equal(b.To) || d.Seconds != 1140 || d.Cause != "database" || d.Unknown != 2 || d.Moved != 0 || len(d.Heartbeats) != 2 {
				t.Fatalf("%s: %+v", key, d)
			}
			h := d.Heartbeats[0]
			if h.HeartbeatName != "a" || h.Effect != "unknown" || h.DueAt == nil || h.NextAt == nil || !h.NextAt.Equal(b.To.Add(time.Hour)) || (h.HeartbeatID != nil) != sees {
				t.Errorf("%s: %+v", key, h)
			}
			if d.Detail == nil || *d.Detail != "The database did not store pings." {
				t.Errorf("%s: detail %v shows what the database reported", key, d.Detail)
			}
		}
		d, err := w.client("other").Blackout(t.Context(), b.Key)
		if err != nil || d.Unknown != 0 || len(d.Heartbeats) != 0 {
			t.Errorf("another project sees %+v, %v", d, err)
		}
		for path, status := range map[string]int{"/api/v1/blackouts/99": http.StatusNotFound, "/api/v1/blackouts/x": http.StatusUnprocessableEntity, "/api/v1/blackouts/0": http.StatusUnprocessableEntity} {
			if r := w.request("read-only", "GET", path, ""); r.status != status {
				t.Errorf("%s: %d; want %d", path, r.status, status)
			}
		}
		if r := w.request("none", "GET", "/api/v1/blackouts", ""); r.status != http.StatusUnauthorized {
			t.Errorf("without a key: %d", r.status)
		}
	})
}

func TestBlackout_AnOwnerSeesWhatTheDatabaseReported(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		b := w.blackout()
		d, err := w.service.Blackout(t.Context(), w.owner, b.Key)
		if err != nil || !strings.Contains(d.Detail, "192.0.2.7") {
			t.Errorf("%+v, %v", d, err)
		}
	})
}

func TestListBlackouts_PaginatesNewestFirst(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-only")
		if page, err := c.Blackouts(t.Context(), client.PageQuery{}); err != nil || page.Items == nil || len(page.Items) != 0 {
			t.Errorf("without blackouts: %+v, %v", page, err)
		}
		w.heartbeat("a")
		now := time.Now().UTC().Truncate(time.Second)
		for i := range 3 {
			at := now.Add(time.Duration(i-10) * time.Minute)
			w.AddBlackout(at, at.Add(30*time.Second), nil)
		}
		for limit := range 4 {
			var numbers []int64
			for b, err := range c.AllBlackouts(t.Context(), client.PageQuery{Limit: limit}) {
				if err != nil {
					t.Fatal(err)
				}
				numbers = append(numbers, b.Number)
			}
			// The gaps between the blackouts are blackouts, too.
			if len(numbers) != 5 || numbers[0] != 5 || numbers[4] != 1 {
				t.Errorf("limit %d: %v", limit, numbers)
			}
		}
	})
}

func TestExplainHeartbeat_ContainsTheBlackoutFromWhichTheWaitCounts(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		b := w.blackout("a")
		page, err := w.client("read-only").Heartbeats(t.Context(), client.HeartbeatQuery{})
		if err != nil || len(page.Items) != 1 {
			t.Fatal(page, err)
		}
		why, err := w.client("read-only").ExplainHeartbeat(t.Context(), page.Items[0].Ref)
		if err != nil || why.Blackout == nil || *why.Blackout != b.Key || !why.From.Equal(b.To) || !strings.Contains(why.Decision, "Overdue was not watching") {
			t.Errorf("%+v, %v", why, err)
		}
		runs, err := w.client("read-only").Runs(t.Context(), page.Items[0].Ref, client.RunQuery{})
		if err != nil || len(runs.Items) == 0 || runs.Items[0].Outcome != "unknown" || runs.Uptime.Expected != runs.Uptime.Good {
			t.Errorf("runs %+v, %v", runs, err)
		}
	})
}

func TestExplainHeartbeat_ContainsTheCreditOfAShortBlackout(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		now := time.Now().UTC().Truncate(monitor.Precision)
		h := w.heartbeat("a")
		w.ping(h, monitor.Ping{Kind: monitor.PingSuccess, Method: "POST", At: now.Add(-61 * time.Minute)})
		w.AddBlackout(now.Add(-30*time.Second), now.Add(-18*time.Second), nil)
		why, err := w.client("read-only").ExplainHeartbeat(t.Context(), h.Ref)
		if err != nil || why.BlackoutCredit != 12 || why.Blackout != nil || !why.DeadlineAt.Equal(why.DueAt.Add(10*time.Minute+12*time.Second)) {
			t.Errorf("%+v, %v", why, err)
		}
	})
}

// Names come from people, and an id in a name gives the right to ping.
func TestGetBlackout_AReadOnlyKeySeesNoIDInANameOfAHeartbeat(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		secret := w.heartbeat("secret")
		b := w.blackout("job of " + *secret.ID)
		d, err := w.client("read-only").Blackout(t.Context(), b.Key) // the transport looks for ids
		if err != nil || len(d.Heartbeats) != 1 || !strings.HasPrefix(d.Heartbeats[0].HeartbeatName, "job of ") {
			t.Errorf("%+v, %v", d, err)
		}
	})
}
