package app

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
)

// slowMailServer answers each mail after a delay.
type slowMailServer struct {
	mu       sync.Mutex
	delay    time.Duration
	received []string // events
	canceled int      // attempts that Overdue canceled
}

// send is a deliver.SendFunc that ends with its context, as a connection does.
func (s *slowMailServer) send(ctx context.Context, kind string, _ setting.Values, n message.Notification) (notify.Receipt, error) {
	wait := s.delay
	if kind != "email" {
		wait = 0
	}
	s.mu.Lock()
	s.received = append(s.received, kind+" "+n.Event)
	s.mu.Unlock()
	select {
	case <-time.After(wait):
		return notify.Receipt{Status: 250}, nil
	case <-ctx.Done():
		s.mu.Lock()
		s.canceled++
		s.mu.Unlock()
		return notify.Receipt{}, &notify.SendError{Reason: "no answer", Uncertain: true, RetryAfter: 10 * time.Minute}
	}
}

// startSlowMailNode starts a node whose alerts go to the relay.
func (sim *simulation) startSlowMailNode(s *slowMailServer) *node {
	sim.t.Helper()
	return sim.startNode(withSend(s.send))
}

// addMailChannel adds a channel for mails.
func (sim *simulation) addMailChannel() {
	sim.t.Helper()
	sim.update(func(tx *store.Tx) error {
		_, err := tx.AddChannel(monitor.Channel{
			Project: sim.project, Kind: "email", Name: "mail", Settings: map[string]any{}, Created: time.Now(), NotifyOnRecovery: true,
		})
		return err
	})
}

// events lists what was sent so far through a kind of channel.
func (s *slowMailServer) events(kind string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, event := range s.received {
		if rest, ok := strings.CutPrefix(event, kind+" incident."); ok {
			out = append(out, rest)
		}
	}
	return out
}

func TestRunOnce_ASlowMailServerGetsOneCopyAndDelaysNoOtherChannel(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		s := &slowMailServer{delay: 4 * time.Minute}
		sim.addMailChannel()
		n := sim.startSlowMailNode(s)
		sim.startSlowMailNode(s)
		sim.addHeartbeat("backup", monitor.Rule{Interval: time.Hour, Grace: time.Minute})
		sim.mustPing(n, "backup", "/fail")
		sim.advance(time.Minute)
		sim.mustPing(n, "backup", "")
		sim.advance(time.Minute)
		if got := s.events("webhook"); !slices.Equal(got, []string{"opened", "resolved"}) {
			t.Errorf("after two minutes the webhook has %v; want both, without waiting for the mail server", got)
		}
		sim.advance(7 * time.Minute)
		if got := s.events("email"); !slices.Equal(got, []string{"opened", "resolved"}) || s.canceled != 0 {
			t.Errorf("the mail server, which takes four minutes, got %v, %d of them interrupted; want one copy of each", got, s.canceled)
		}
	})
}

func TestStop_CancelsASendThatTakesMinutes(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		s := &slowMailServer{delay: 6 * time.Minute}
		sim.addMailChannel()
		n := sim.startSlowMailNode(s)
		sim.addHeartbeat("backup", monitor.Rule{Interval: time.Hour, Grace: time.Minute})
		sim.mustPing(n, "backup", "/fail")
		sim.advance(time.Second)
		begun := time.Now()
		sim.stopNode(n)
		if took := time.Since(begun); took > 30*time.Second || s.canceled != 1 {
			t.Errorf("the stop took %v and ended %d sends; want 1 within half a minute", took, s.canceled)
		}
		// The server may have the mail: another node leaves it alone for ten minutes.
		sim.startSlowMailNode(s)
		sim.advance(9 * time.Minute)
		if got := s.events("email"); len(got) != 1 {
			t.Errorf("sent %v; want one copy so far", got)
		}
		sim.advance(2 * time.Minute)
		if got := s.events("email"); len(got) != 2 {
			t.Errorf("sent %v; want another attempt after ten minutes", got)
		}
	})
}

// The late alert and the opening alert belong to one email thread, whose id is derived
// from this time.
func TestNotification_LateAndOpenedNameTheSameDueTime(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		due := map[string]time.Time{}
		sim.receiver.onReceive = func(n message.Notification) { due[n.Event] = n.Due }
		sim.addChannel("late", monitor.Channel{NotifyOnLate: true})
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "")
		sim.advance(10 * time.Minute)
		sim.receiver.mu.Lock()
		defer sim.receiver.mu.Unlock()
		if late, opened := due["heartbeat.late"], due["incident.opened"]; late.IsZero() || !late.Equal(opened) {
			t.Errorf("late: due %v; opened: due %v; want the same", late, opened)
		}
	})
}
