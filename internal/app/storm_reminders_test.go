package app

import (
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify/message"
	"overdue/internal/store"
)

// remindPhone lets the channel of a person repeat its alerts.
func (s *storm) remindPhone(every time.Duration) {
	s.t.Helper()
	s.update(func(tx *store.Tx) error {
		channels, err := tx.Channels(s.project)
		if err != nil {
			return err
		}
		for _, c := range channels {
			if c.Name == "phone" {
				c.RemindEvery = every
				return tx.SaveChannel(c)
			}
		}
		return nil
	})
}

func TestStorm_RemindersAndAcknowledgementsReachAPersonInFewMessages(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		s := newStorm(sim, "ntfy")
		s.remindPhone(10 * time.Minute)
		n := sim.startNode()
		sim.mustPing(n, "unrelated", "")
		for round := range 2 { // each reminder schedules the next one
			due := s.deadline.Add(time.Duration(round+1) * 10 * time.Minute)
			sim.advance(time.Until(due.Add(90 * time.Second)))
			s.expectMessages(message.EventReminder, due, stormSize)
		}
		acknowledged := time.Now()
		sim.update(func(tx *store.Tx) error {
			for _, i := range sim.incidents() {
				if _, err := tx.AcknowledgeIncident(i, "Ana", time.Now()); err != nil {
					return err
				}
			}
			return nil
		})
		sim.advance(61 * time.Second)
		s.expectMessages(message.EventAcknowledged, acknowledged, stormSize)
		sim.advance(11 * time.Minute)
		for _, m := range s.messages {
			if m.inner == message.EventReminder && m.at.After(acknowledged) {
				t.Fatalf("a reminder after the acknowledgement: %+v", m)
			}
		}
		s.expectExplained(monitor.IncidentAcknowledged)
	})
}

func TestStorm_AnAcknowledgementWhileAGroupIsSentLeavesNoChannelWithoutTheEnd(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		s := newStorm(sim, "ntfy")
		sim.update(func(tx *store.Tx) error {
			channels, err := tx.Channels(sim.project)
			if err != nil {
				return err
			}
			p := monitor.Policy{Project: sim.project, Slug: "nights", Name: "Nights", Default: true, Created: time.Now(), Steps: []monitor.PolicyStep{{}, {After: 10 * time.Minute}}}
			for _, c := range channels {
				step := &p.Steps[0]
				if c.Name == "phone" {
					step = &p.Steps[1]
				}
				step.Channels = append(step.Channels, c.ID)
			}
			_, err = tx.SavePolicy(p)
			return err
		})
		receive, done := sim.receiver.onReceive, false
		sim.receiver.onReceive = func(n message.Notification) {
			receive(n)
			if n.Channel != "phone" || n.Group == nil || done {
				return
			}
			done = true
			sim.update(func(tx *store.Tx) error { // while the message is sent
				_, err := tx.AcknowledgeIncident(sim.incidents()[0], "Ana", time.Now())
				return err
			})
		}
		n := sim.startNode()
		sim.advance(time.Until(s.deadline.Add(11 * time.Minute)))
		name := sim.incidents()[0].HeartbeatName
		sim.mustPing(n, name, "")
		sim.advance(2 * time.Second)
		for _, m := range s.messages {
			if m.event == message.EventResolved && m.heartbeat == name {
				return
			}
		}
		t.Errorf("%s recovered; its channel received no end of it", name)
	})
}
