package deliver

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// recordBlackout records a blackout of 42 minutes until now, caused by the database, in which runs of the given
// heartbeats were due, and enqueues its notices. "ID" in a name is the id of its heartbeat. It returns
// the id of the last heartbeat.
func (f *fixture) recordBlackout(names ...string) (b monitor.Blackout, id string) {
	f.t.Helper()
	now := time.Now().UTC()
	for i, name := range names {
		id = uuid.NewString()
		f.update(func(tx *store.Tx) error {
			h, err := tx.AddHeartbeat(monitor.Heartbeat{
				ID: id, Ref: fmt.Sprintf("ref%d", i), Project: f.channel.Project, Name: strings.ReplaceAll(name, "ID", id), Slug: fmt.Sprintf("job%d", i), AllChannels: true,
				Rule: monitor.Rule{Interval: time.Hour, Grace: time.Minute, Methods: monitor.AnyMethod}, Status: monitor.New, Created: now.Add(-2 * time.Hour), Updated: now,
			})
			if err != nil {
				return err
			}
			h, change := h.ApplyPing(monitor.Ping{Kind: monitor.PingSuccess, At: now.Add(-90 * time.Minute), ExitCode: monitor.NoExitCode}, now.Add(-90*time.Minute))
			_, err = tx.Save(now.Add(-90*time.Minute), []store.Transition{{Heartbeat: h, Change: change}})
			return err
		})
	}
	s := &storetest.Fixture{T: f.t, DB: f.db}
	b = s.AddBlackout(now.Add(-42*time.Minute), now, errors.New("dial tcp 192.0.2.7:5432"))
	time.Sleep(5 * time.Second)
	f.update(func(tx *store.Tx) error {
		_, err := tx.EnqueueNotices(time.Now().UTC())
		return err
	})
	return b, id
}

func TestRunOnce_SendsOneNoticeOfABlackoutWithTheHeartbeatsOfTheProject(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.Base = "https://overdue.example.com"
		f.update(func(tx *store.Tx) error {
			p, err := tx.AddProject(monitor.Project{Slug: "other", Name: "Other", Zone: "UTC", Created: time.Now()})
			if err != nil {
				return err
			}
			_, err = tx.AddChannel(monitor.Channel{Project: p.Key, Kind: "webhook", Name: "other", Settings: map[string]any{}, Created: time.Now()})
			return err
		})
		b, _ := f.recordBlackout("backup", "invoices")
		f.deliver()
		f.update(func(tx *store.Tx) error { _, err := tx.EnqueueNotices(time.Now().UTC().Add(time.Hour)); return err })
		f.deliver()
		if len(f.sent) != 2 {
			t.Fatalf("sent %d; want one notice for each project", len(f.sent))
		}
		n, other := f.sent[0], f.sent[1]
		if n.Project == "Other" {
			n, other = other, n
		}
		if n.Event != "blackout.noticed" || n.AcknowledgedBy != "" || n.Blackout == nil || n.Blackout.Unknown != 2 || len(n.Blackout.Heartbeats) != 2 {
			t.Fatalf("notice %+v, blackout %+v", n, n.Blackout)
		}
		h := n.Blackout.Heartbeats[0]
		if h.HeartbeatName != "backup" || h.Effect != "unknown" || h.HeartbeatID != nil || h.NextAt == nil || !h.NextAt.Equal(b.To.Add(time.Hour)) {
			t.Errorf("first heartbeat %+v", h)
		}
		if detail := n.Blackout.Detail; detail == nil || *detail != "The database did not store pings." {
			t.Errorf("detail %v", detail)
		}
		if want := fmt.Sprintf("https://overdue.example.com/blackouts?project=%d&blackout=%d#blackout-%d", f.channel.Project, b.Key, b.Key); n.URL != want {
			t.Errorf("URL %s; want %s", n.URL, want)
		}
		if other.Blackout.Unknown != 0 || len(other.Blackout.Heartbeats) != 0 {
			t.Errorf("another project gets %+v", other.Blackout)
		}
	})
}

func TestRunOnce_TheNoticeOfABlackoutHoldsNoIDThatCanPing(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		_, id := f.recordBlackout("job of ID")
		f.deliver()
		if len(f.sent) != 1 || strings.Contains(fmt.Sprint(f.sent[0].Message(), f.sent[0].Blackout.Heartbeats), id) {
			t.Errorf("sent %+v", f.sent)
		}
	})
}
