package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/store"
)

// The storm of the tests: more than one sweep evaluates in a transaction. The decision has the figures of
// 20,000.
const stormSize = 600

// storm is a project with many heartbeats that go silent together, and a channel that a person reads.
type storm struct {
	*simulation
	deadline time.Time
	mu       sync.Mutex
	messages []stormMessage // to people, in order
}

// stormMessage is one message to the person.
type stormMessage struct {
	event, inner, heartbeat string
	url                     string
	count                   int // alerts in it
	at                      time.Time
}

// newStorm adds heartbeats whose first ping is expected within half a second, and that never come.
func newStorm(sim *simulation, kind string) *storm {
	s := &storm{simulation: sim, deadline: time.Now().Add(10 * time.Second)}
	sim.addChannel("phone", monitor.Channel{Kind: kind, NotifyOnRecovery: true})
	sim.receiver.onReceive = func(n message.Notification) {
		if n.Channel != "phone" {
			return
		}
		m := stormMessage{event: n.Event, inner: n.Event, heartbeat: n.Heartbeat, url: n.URL, count: 1, at: time.Now()}
		if n.Group != nil {
			m.inner, m.count = n.Group.Event, n.Group.Count
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.messages = append(s.messages, m)
	}
	sim.update(func(tx *store.Tx) error {
		for i := range stormSize {
			name := fmt.Sprintf("job-%04d", i)
			sim.ids[name] = uuid.NewString()
			_, err := tx.AddHeartbeat(monitor.Heartbeat{
				ID: sim.ids[name], Ref: "ref " + name, Project: sim.project, Name: name, Slug: name, AllChannels: true, Status: monitor.New,
				Tags: []string{"rack-7"}, Created: time.Now(), Updated: time.Now(),
				Rule: monitor.Rule{
					Interval: time.Hour, Methods: monitor.AnyMethod,
					ExpectFirstBy: s.deadline.Add(time.Duration(i%10) * 100 * time.Millisecond),
				},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	sim.addHeartbeat("unrelated", monitor.Rule{Interval: time.Hour})
	return s
}

// expectMessages checks the messages about an event since a time: how many there are, and when the first
// and the last one arrived. Each of the alerts is in exactly one.
func (s *storm) expectMessages(event string, since time.Time, alerts int) {
	s.t.Helper()
	var all []stormMessage
	total := 0
	for _, m := range s.messages {
		if m.inner == event && m.heartbeat != "unrelated" && !m.at.Before(since) {
			all, total = append(all, m), total+m.count
			if m.event == message.EventGrouped && m.url != "" && !strings.Contains(m.url, "/incidents/groups/1?project=") {
				s.t.Errorf("%s: a message about %d incidents links to %s; want their group", event, m.count, m.url)
			}
		}
	}
	if len(all) == 0 || len(all) > 5 || total != alerts {
		s.t.Fatalf("%s: %d messages about %d alerts; want at most 5 about %d: %+v", event, len(all), total, alerts, all)
	}
	if first, last := all[0].at.Sub(since), all[len(all)-1].at.Sub(since); first > 2*time.Second || last > time.Minute {
		s.t.Errorf("%s: the first message arrived after %s, the last after %s; want 2 s and 1 min", event, first, last)
	}
}

// expectExplained checks that each incident has one alert of an event on the channel, which was sent,
// alone or as a member, and that its timeline says so.
func (s *storm) expectExplained(event monitor.Event) {
	s.t.Helper()
	err := s.db.View(context.Background(), func(tx *store.Tx) error {
		times, err := tx.IncidentTimesSince(s.project, s.deadline, stormSize)
		for _, i := range times {
			if i.Notified.IsZero() {
				return fmt.Errorf("statistics: no one was notified of an incident, %w", err)
			}
		}
		for _, i := range s.incidents() {
			all, err := tx.Deliveries(i.ID)
			if err != nil {
				return err
			}
			entries, err := tx.CountTimelineEntries(i.ID, "grouped")
			if err != nil {
				return err
			}
			sent, members := 0, 0
			for _, d := range all {
				if d.Carrier != "" {
					members++
				}
				if d.Event == event && d.State == monitor.AlertSent && (d.Carrier != "" || len(d.AttemptLog) > 0) {
					sent++
				}
			}
			if sent != 2 || entries != members { // ops and phone
				return fmt.Errorf("incident %d: %d alerts %s sent, %d members, %d entries in the timeline", i.Number, sent, event, members, entries)
			}
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
}

// events counts the alerts of the machine channel by event.
func (s *storm) machineEvents(event string) (n int) {
	for _, a := range s.receiver.alerts() {
		if a.channel == "ops" && a.event == event {
			n++
		}
	}
	return n
}

func TestStorm_ReachesAPersonInFewMessagesAndAProgramInOneEach(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		s := newStorm(sim, "ntfy")
		n := sim.startNode(func(e *Engine) { e.dispatcher.Base = "https://overdue.example.com" })
		sim.mustPing(n, "unrelated", "")
		sim.advance(time.Until(s.deadline.Add(5 * time.Second)))
		failed := time.Now()
		sim.mustPing(n, "unrelated", "/fail")
		sim.advance(time.Until(s.deadline.Add(70 * time.Second)))
		s.expectMessages(message.EventOpened, s.deadline, stormSize)
		if opened := s.machineEvents(message.EventOpened); opened != stormSize+1 {
			t.Errorf("the program received %d alerts; want %d", opened, stormSize+1)
		}
		s.expectAlone("unrelated", message.EventOpened, failed)
		s.expectExplained(monitor.IncidentOpened)

		recovered := time.Now()
		for i := range stormSize {
			sim.mustPing(n, fmt.Sprintf("job-%04d", i), "")
		}
		sim.advance(time.Minute + time.Second)
		s.expectMessages(message.EventResolved, recovered, stormSize)
		sim.advance(time.Minute)
		failed = time.Now()
		sim.mustPing(n, "unrelated", "")
		sim.mustPing(n, "unrelated", "/fail")
		sim.advance(2 * time.Second)
		s.expectAlone("unrelated", message.EventResolved, failed)
		s.expectAlone("unrelated", message.EventOpened, failed)
	})
}

// expectAlone checks that an alert about a heartbeat was sent alone, within two seconds.
func (s *storm) expectAlone(heartbeat, event string, since time.Time) {
	s.t.Helper()
	for _, m := range s.messages {
		if m.heartbeat == heartbeat && m.event == event && !m.at.Before(since) && m.at.Sub(since) <= 2*time.Second {
			return
		}
	}
	s.t.Errorf("no message %s about %s alone within 2 s", event, heartbeat)
}

func TestStorm_AFailingChannelLeavesNoIncidentUnannounced(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		s := newStorm(sim, "slack")
		sim.receiver.setFailure(&notify.SendError{Status: 503, Reason: "busy"})
		sim.startNode()
		sim.advance(time.Until(s.deadline.Add(3 * time.Minute)))
		sim.receiver.setFailure(nil)
		sim.advance(20 * time.Minute)
		total := 0
		for _, m := range s.messages {
			if m.inner == message.EventOpened {
				total += m.count
			}
		}
		if total != stormSize {
			t.Errorf("messages about %d incidents; want %d", total, stormSize)
		}
		s.expectExplained(monitor.IncidentOpened)
	})
}

func TestStorm_APermanentErrorIsOnTheTimelineOfEachIncident(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		s := newStorm(sim, "slack")
		sim.receiver.setFailure(&notify.SendError{Status: 404, Permanent: true, Reason: "no such webhook"})
		sim.startNode()
		sim.advance(time.Until(s.deadline.Add(2 * time.Minute)))
		err := sim.db.View(context.Background(), func(tx *store.Tx) error {
			for _, i := range sim.incidents() {
				all, err := tx.Deliveries(i.ID)
				if err != nil {
					return err
				}
				for _, d := range all {
					if d.State != monitor.AlertFailed {
						return fmt.Errorf("incident %d: alert is %s", i.Number, d.State)
					}
				}
				if n, err := tx.CountTimelineEntries(i.ID, "undelivered"); err != nil || n != 2 {
					return fmt.Errorf("incident %d: %d entries about failed alerts; want 2 (%w)", i.Number, n, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestStorm_AKillLosesNoMemberAndTwoNodesCountTogether(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		s := newStorm(sim, "ntfy")
		first := sim.startNode()
		if sim.db.IsShared() {
			sim.startNode()
		}
		sim.advance(time.Until(s.deadline.Add(8 * time.Second)))
		sim.killNode(first)
		if !sim.db.IsShared() {
			sim.advance(3 * time.Second)
			sim.startNode()
		}
		sim.advance(time.Until(s.deadline.Add(70 * time.Second)))
		s.expectMessages(message.EventOpened, s.deadline, stormSize)
		s.expectExplained(monitor.IncidentOpened)
	})
}

// TestStorm_AMemberIsReleasedOnlyByItsMessageOrARepair: "retry now" and a restart send no member alone.
// A repair sends those whose message is lost.
func TestStorm_AMemberIsReleasedOnlyByItsMessageOrARepair(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		s := newStorm(sim, "ntfy")
		n := sim.startNode()
		sim.advance(time.Until(s.deadline.Add(8 * time.Second)))
		before := len(s.messages)
		sim.stopNode(n)
		var leader monitor.Alert
		sim.update(func(tx *store.Tx) error {
			channels, err := tx.Channels(sim.project)
			if err != nil {
				return err
			}
			for _, c := range channels {
				if _, err := tx.RetryPending(c.ID, time.Now()); err != nil {
					return err
				}
				pending, err := tx.PendingAlerts(c.ID, stormSize+10)
				if err != nil {
					return err
				}
				for _, p := range pending {
					if p.Event == monitor.IncidentsGrouped {
						leader = p.Alert
					}
				}
			}
			if leader.ID == "" {
				return errors.New("no group collects alerts")
			}
			_, err = tx.MarkFailed(leader) // without its members, as no version does
			return err
		})
		n = sim.startNode()
		sim.advance(3 * time.Second)
		if sent := len(s.messages) - before; sent > 0 {
			t.Fatalf("%d messages after a restart; want none for members", sent)
		}
		sim.stopNode(n)
		lost := store.Problem{Name: "alerts_without_carrier"}
		if left, err := sim.db.Repair(context.Background(), lost, time.Now(), func(*store.Tx) error { return nil }); err != nil || left > 0 {
			t.Fatalf("%d members are left, %v", left, err)
		}
		sim.startNode()
		sim.advance(10 * time.Minute)
		s.expectExplained(monitor.IncidentOpened)
	})
}

// TestStorm_ARecoveryBeforeTheGroupIsSentFollowsIt: the message counts it, and the recovery is not lost.
func TestStorm_ARecoveryBeforeTheGroupIsSentFollowsIt(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		s := newStorm(sim, "ntfy")
		n := sim.startNode()
		sim.advance(time.Until(s.deadline.Add(5 * time.Second)))
		for i := range stormSize {
			sim.mustPing(n, fmt.Sprintf("job-%04d", i), "")
		}
		sim.advance(2 * time.Minute)
		opened, resolved := 0, 0
		for _, m := range s.messages {
			switch m.inner {
			case message.EventOpened:
				opened += m.count
			case message.EventResolved:
				resolved += m.count
			}
		}
		if opened != stormSize || resolved != stormSize || len(s.messages) > 10 {
			t.Errorf("%d messages about %d openings and %d recoveries; want at most 10 about %d each", len(s.messages), opened, resolved, stormSize)
		}
		s.expectExplained(monitor.IncidentOpened)
		s.expectExplained(monitor.IncidentResolved)
	})
}

func TestStorm_MutedHeartbeatsAreInNoMessageUntilTheyAreUnmuted(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		s := newStorm(sim, "ntfy")
		sim.startNode()
		var muted []string
		for i := range 10 {
			muted = append(muted, fmt.Sprintf("job-%04d", 10*i))
			sim.mute(muted[i], monitor.MutedUntilUnmuted)
		}
		sim.advance(time.Until(s.deadline.Add(5 * time.Second)))
		muted = append(muted, "job-0009") // waits in a group that is not sent yet
		sim.mute("job-0009", monitor.MutedUntilUnmuted)
		sim.advance(time.Minute)
		s.expectMessages(message.EventOpened, s.deadline, stormSize-len(muted))
		unmuted := time.Now()
		for _, name := range muted {
			sim.mute(name, time.Time{})
		}
		sim.advance(time.Minute)
		s.expectMessages(message.EventOpened, unmuted, len(muted))
		s.expectExplained(monitor.IncidentOpened)
	})
}
