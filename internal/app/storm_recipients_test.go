package app

import (
	"cmp"
	"context"
	"fmt"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/store"
)

// startMailStorm starts a node, and lets five heartbeats miss their first ping. The one mail about them is
// rejected for one recipient, and deferred for the other.
func (sim *simulation) startMailStorm() *mailServer {
	sim.t.Helper()
	m := sim.useMailChannel(nobody, temp)
	m.setReply(nobody, noSuchUser)
	m.setReply(temp, mailboxFull)
	for i := range 5 {
		sim.addHeartbeat(fmt.Sprintf("job-%d", i), monitor.Rule{Interval: 24 * time.Hour, ExpectFirstBy: time.Now().Add(10 * time.Second)})
	}
	sim.startMailNode(m)
	sim.advance(15 * time.Second)
	sim.expectMemberStates(monitor.AlertPending)
	return m
}

// expectMemberStates fails the test unless each opening is in the given state.
func (sim *simulation) expectMemberStates(want monitor.AlertState) {
	sim.t.Helper()
	for _, i := range sim.incidents() {
		err := sim.db.View(context.Background(), func(tx *store.Tx) error {
			all, err := tx.Deliveries(i.ID)
			for _, d := range all {
				if d.Event == monitor.IncidentOpened && d.State != want {
					sim.t.Errorf("incident %d: the opening is %s; want %s", i.Number, d.State, want)
				}
			}
			return err
		})
		if err != nil {
			sim.t.Fatal(err)
		}
	}
}

func TestStorm_AGroupThatOneRecipientRejectsWaitsForTheOther(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		m := sim.startMailStorm()
		m.setReply(temp, nil)
		sim.advance(20 * time.Minute)
		sim.expectMemberStates(monitor.AlertSent)
		m.expectInbox(t, temp, "incidents.grouped")
	})
}

// TestStorm_AGroupWhoseLastRecipientIsRemovedFails: its members would otherwise wait, and let later alerts wait.
func TestStorm_AGroupWhoseLastRecipientIsRemovedFails(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		m := sim.startMailStorm()
		sim.update(func(tx *store.Tx) error {
			channels, err := tx.Channels(sim.project)
			if err != nil {
				return err
			}
			channels[0].Settings["to"] = []any{oncall}
			return tx.SaveChannel(channels[0])
		})
		sim.advance(20 * time.Minute)
		sim.expectMemberStates(monitor.AlertFailed)
		for _, i := range sim.incidents() {
			if got := sim.timelineTexts(i, "undelivered"); len(got) != 1 || got[0] != "Not delivered to mail: temp@example.com is no longer a recipient." {
				t.Errorf("timeline %q; want the reason", got)
			}
		}
		m.expectInbox(t, temp)
	})
}

func TestStorm_AGroupWhoseRecipientsAllFailedLeavesNoMemberPending(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		s := newStorm(sim, "email")
		sim.receiver.setFailure(&notify.SendError{Status: 503, Reason: "busy"})
		sim.startNode()
		sim.advance(time.Until(s.deadline.Add(3 * time.Second)))
		leader := ""
		sim.update(func(tx *store.Tx) error { // as after a run whose lease was lost: each recipient has a part
			all, err := tx.Deliveries(sim.incidents()[0].ID)
			if err != nil {
				return err
			}
			for _, d := range all {
				leader = cmp.Or(leader, d.Carrier)
			}
			channels, err := tx.Channels(sim.project)
			if err != nil {
				return err
			}
			for _, c := range channels {
				if c.Name != "phone" {
					continue
				}
				c.Settings = map[string]any{"to": []any{"a@example.com", "b@example.com"}}
				if err := tx.SaveChannel(c); err != nil {
					return err
				}
			}
			for _, to := range []string{"a@example.com", "b@example.com"} {
				if _, err := tx.SplitRecipient(monitor.Alert{ID: leader}, to, 0, time.Now()); err != nil {
					return err
				}
			}
			return nil
		})
		sim.receiver.setFailure(&notify.SendError{Status: 404, Permanent: true, Reason: "no such mailbox"})
		sim.advance(10 * time.Minute)
		err := sim.db.View(context.Background(), func(tx *store.Tx) error {
			for _, i := range sim.incidents() {
				all, err := tx.Deliveries(i.ID)
				if err != nil {
					return err
				}
				for _, d := range all {
					if d.Carrier == leader && d.State != monitor.AlertFailed {
						return fmt.Errorf("incident %d: the alert is %s; want failed, because no recipient received it", i.Number, d.State)
					}
				}
			}
			return nil
		})
		if err != nil || leader == "" {
			t.Errorf("%v, leader %q", err, leader)
		}
	})
}
