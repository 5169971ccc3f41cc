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
	"overdue/internal/store"
)

// slowRelay takes a message, and answers after a while.
type slowRelay struct {
	mu    sync.Mutex
	takes time.Duration
	took  []string // events
	ended int      // attempts that Overdue ended
}

// send is a deliver.SendFunc that ends with its context, as a connection does.
func (s *slowRelay) send(ctx context.Context, kind string, _ notify.Settings, n notify.Notification) (notify.Receipt, error) {
	wait := s.takes
	if kind != "email" {
		wait = 0
	}
	s.mu.Lock()
	s.took = append(s.took, kind+" "+n.Event)
	s.mu.Unlock()
	select {
	case <-time.After(wait):
		return notify.Receipt{Status: 250}, nil
	case <-ctx.Done():
		s.mu.Lock()
		s.ended++
		s.mu.Unlock()
		return notify.Receipt{}, &notify.SendError{Reason: "no answer", Uncertain: true, RetryAfter: 10 * time.Minute}
	}
}

// slowNode starts a node whose alerts go to the relay.
func (w *world) slowNode(s *slowRelay) *node {
	w.t.Helper()
	return w.node(sending(s.send))
}

// mail adds a channel for mails.
func (w *world) mail() {
	w.t.Helper()
	w.update(func(tx *store.Tx) error {
		_, err := tx.AddChannel(monitor.Channel{
			Project: w.project, Kind: "email", Name: "mail", Settings: map[string]any{}, Created: time.Now(), NotifyOnRecovery: true,
		})
		return err
	})
}

// events lists what was sent so far through a kind of channel.
func (s *slowRelay) events(kind string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, event := range s.took {
		if rest, ok := strings.CutPrefix(event, kind+" incident."); ok {
			out = append(out, rest)
		}
	}
	return out
}

func TestRunOnce_ASlowMailServerGetsOneCopyAndDelaysNoOtherChannel(t *testing.T) {
	simulate(t, func(w *world) {
		s := &slowRelay{takes: 4 * time.Minute}
		w.mail()
		n := w.slowNode(s)
		w.slowNode(s)
		w.heartbeat("backup", monitor.Rule{Interval: time.Hour, Grace: time.Minute})
		w.hear(n, "backup", "/fail")
		w.wait(time.Minute)
		w.hear(n, "backup", "")
		w.wait(time.Minute)
		if got := s.events("webhook"); !slices.Equal(got, []string{"opened", "resolved"}) {
			t.Errorf("after two minutes the webhook has %v; want both: it waits for no mail", got)
		}
		w.wait(7 * time.Minute)
		if got := s.events("email"); !slices.Equal(got, []string{"opened", "resolved"}) || s.ended != 0 {
			t.Errorf("the mail server, which takes four minutes, got %v, %d of them interrupted; want one copy of each", got, s.ended)
		}
	})
}

func TestStop_CancelsASendThatTakesMinutes(t *testing.T) {
	simulate(t, func(w *world) {
		s := &slowRelay{takes: 6 * time.Minute}
		w.mail()
		n := w.slowNode(s)
		w.heartbeat("backup", monitor.Rule{Interval: time.Hour, Grace: time.Minute})
		w.hear(n, "backup", "/fail")
		w.wait(time.Second)
		begun := time.Now()
		w.stop(n)
		if took := time.Since(begun); took > 30*time.Second || s.ended != 1 {
			t.Errorf("the stop took %v and ended %d sends; want 1 within half a minute", took, s.ended)
		}
		// The server may have the mail: another node leaves it alone for ten minutes.
		w.slowNode(s)
		w.wait(9 * time.Minute)
		if got := s.events("email"); len(got) != 1 {
			t.Errorf("sent %v; want one copy so far", got)
		}
		w.wait(2 * time.Minute)
		if got := s.events("email"); len(got) != 2 {
			t.Errorf("sent %v; want another attempt after ten minutes", got)
		}
	})
}

// The notice that a heartbeat is late and the opening are one thread of mails, whose
// id is made from this time.
func TestNotification_LateAndOpenedNameTheSameDueTime(t *testing.T) {
	simulate(t, func(w *world) {
		due := map[string]time.Time{}
		w.provider.hear = func(n notify.Notification) { due[n.Event] = n.Due }
		w.channel("late", monitor.Channel{NotifyOnLate: true})
		n := w.node()
		w.heartbeat("backup", fiveAndTwo)
		w.hear(n, "backup", "")
		w.wait(10 * time.Minute)
		w.provider.mu.Lock()
		defer w.provider.mu.Unlock()
		if late, opened := due["heartbeat.late"], due["incident.opened"]; late.IsZero() || !late.Equal(opened) {
			t.Errorf("late: due %v; opened: due %v; want the same", late, opened)
		}
	})
}
