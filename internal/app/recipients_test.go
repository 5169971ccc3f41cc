package app

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
)

// dailyRule has an interval that is longer than every test.
var dailyRule = monitor.Rule{Interval: 24 * time.Hour, Grace: time.Hour}

// Recipients of the channel in these tests.
const (
	oncall = "oncall@example.com"
	temp   = "temp@example.com"
	nobody = "nobody@example.com"
)

// Replies of a mail server that defers or rejects a recipient.
var (
	mailboxFull = &notify.SendError{Status: 451, Reason: "4.2.2 mailbox full"}
	noSuchUser  = &notify.SendError{Status: 550, Reason: "5.1.1 no such user", Permanent: true}
)

// mailServer accepts mail, except for recipients with an error in replies.
type mailServer struct {
	mu       sync.Mutex
	down     *notify.SendError // the error for every recipient; nil: the server works
	replies  map[string]*notify.SendError
	inboxes  map[string][]string // events by recipient
	alertIDs map[string][]string // alert ids by recipient
}

// setReply sets the response for a recipient from now on; nil accepts the mail.
func (m *mailServer) setReply(recipient string, failure *notify.SendError) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.replies[recipient] = failure
}

// inbox returns the events of the mails that a recipient received.
func (m *mailServer) inbox(recipient string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.inboxes[recipient])
}

// send is a [deliver.SendFunc].
func (m *mailServer) send(_ context.Context, _ string, _ setting.Values, n message.Notification) (notify.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return notify.Receipt{}, m.down
	}
	var all []notify.RecipientResult
	took, final := 0, true
	for _, to := range n.Recipients {
		failure := m.replies[to]
		all = append(all, notify.RecipientResult{Recipient: to, Err: failure})
		if failure != nil {
			final = final && failure.Permanent
			continue
		}
		took++
		m.inboxes[to] = append(m.inboxes[to], strings.TrimPrefix(n.Event, "incident."))
		m.alertIDs[to] = append(m.alertIDs[to], n.AlertID)
	}
	if took == 0 {
		return notify.Receipt{}, &notify.SendError{Status: all[0].Err.Status, Reason: all[0].Err.Reason, Permanent: final, Recipients: all}
	}
	return notify.Receipt{Status: 250, Recipients: all}, nil
}

// useMailChannel replaces the channel with one that sends email to the recipients.
func (sim *simulation) useMailChannel(to ...string) *mailServer {
	sim.t.Helper()
	var list []any
	for _, address := range to {
		list = append(list, address)
	}
	sim.update(func(tx *store.Tx) error {
		channels, err := tx.Channels(sim.project)
		if err != nil {
			return err
		}
		if err := tx.DeleteChannel(channels[0], time.Now()); err != nil {
			return err
		}
		_, err = tx.AddChannel(monitor.Channel{
			Project: sim.project, Kind: "email", Name: "mail", Settings: map[string]any{"to": list}, NotifyOnRecovery: true, Created: time.Now(),
		})
		return err
	})
	return &mailServer{replies: map[string]*notify.SendError{}, inboxes: map[string][]string{}, alertIDs: map[string][]string{}}
}

// startMailNode starts a node that sends through the mail server.
func (sim *simulation) startMailNode(m *mailServer) *node {
	return sim.startNode(withSend(m.send))
}

// channelHealth returns how the channel called name delivers.
func (sim *simulation) channelHealth(name string) monitor.ChannelHealth {
	sim.t.Helper()
	var found []monitor.Channel
	err := sim.db.View(context.Background(), func(tx *store.Tx) (err error) {
		if found, err = tx.ChannelRoutes(sim.project); err != nil {
			return err
		}
		found, err = tx.WithHealth(sim.project, found, time.Now())
		return err
	})
	if err != nil {
		sim.t.Fatal(err)
	}
	for _, c := range found {
		if c.Name == name {
			if c.Failing != (c.Health.State == monitor.ChannelStateFailing) {
				sim.t.Errorf("channel %s is marked as failing: %t, and its state is %s", name, c.Failing, c.Health.State)
			}
			return c.Health
		}
	}
	sim.t.Fatalf("there is no channel %s", name)
	return monitor.ChannelHealth{}
}

// expectInbox fails the test unless a recipient has exactly these mails.
func (m *mailServer) expectInbox(t *testing.T, recipient string, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := m.inbox(recipient); !slices.Equal(got, want) {
		t.Errorf("%s has %v; want %v", recipient, got, want)
	}
}

// openIncidentWithTempDeferred opens an incident whose mail the server accepts for
// oncall and defers for temp.
func (sim *simulation) openIncidentWithTempDeferred() (*mailServer, *node) {
	sim.t.Helper()
	m := sim.useMailChannel(oncall, temp)
	n := sim.startMailNode(m)
	m.setReply(temp, mailboxFull)
	sim.addHeartbeat("backup", dailyRule)
	sim.mustPing(n, "backup", "/fail")
	return m, n
}

func TestRunOnce_ADeferredRecipientDelaysNoOther(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		m, n := sim.openIncidentWithTempDeferred()
		time.Sleep(time.Second)
		sim.mustPing(n, "backup", "")
		time.Sleep(time.Second)
		m.expectInbox(sim.t, oncall, "opened", "resolved")
		sim.mustPing(n, "backup", "/fail")
		time.Sleep(time.Second)
		m.expectInbox(sim.t, oncall, "opened", "resolved", "opened")
		m.expectInbox(sim.t, temp)
		if h := sim.channelHealth("mail"); !slices.Equal(h.FailingFor(), []string{temp}) || !strings.Contains(h.Reason(), "temp@example.com: 451 4.2.2 mailbox full") {
			sim.t.Errorf("the channel fails for %v: %s; want it to name temp and the answer", h.FailingFor(), h.Reason())
		}
		m.setReply(temp, nil)
		time.Sleep(20 * time.Minute)
		m.expectInbox(sim.t, temp, "opened", "resolved", "opened")
		m.expectInbox(sim.t, oncall, "opened", "resolved", "opened")
		if h := sim.channelHealth("mail"); h.State != monitor.ChannelStateWorking {
			sim.t.Errorf("the channel is %s: %s; want it to work", h.State, h.Reason())
		}
		if !slices.Equal(m.alertIDs[temp], m.alertIDs[oncall]) {
			sim.t.Errorf("alert ids %v and %v; want the same for both", m.alertIDs[temp], m.alertIDs[oncall])
		}
	})
}

func TestRunOnce_ARecipientGetsAnAlertOnceAcrossAKillAndAnotherNode(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		m, n := sim.openIncidentWithTempDeferred()
		time.Sleep(time.Second)
		sim.killNode(n)
		for range 2 {
			again := sim.startMailNode(m)
			time.Sleep(3 * time.Minute)
			sim.killNode(again)
		}
		m.setReply(temp, nil)
		sim.startMailNode(m)
		other := sim.startMailNode(m)
		time.Sleep(20 * time.Minute)
		sim.mustPing(other, "backup", "")
		time.Sleep(20 * time.Second)
		m.expectInbox(sim.t, oncall, "opened", "resolved")
		m.expectInbox(sim.t, temp, "opened", "resolved")
	})
}

func TestRunOnce_AMailServerThatFailsAfterASplitGetsNoDuplicates(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		m, n := sim.openIncidentWithTempDeferred()
		time.Sleep(9 * time.Second)
		m.mu.Lock()
		m.down = &notify.SendError{Reason: "No connection."}
		m.mu.Unlock()
		sim.mustPing(n, "backup", "") // temp still waits for the opening, so this alert divides
		// Down for two attempts at what divided: temp has the opening before the third.
		time.Sleep(16 * time.Second)
		if h := sim.channelHealth("mail"); h.FailingFor() != nil {
			sim.t.Errorf("failing for %v; want the whole channel", h.FailingFor())
		}
		m.setReply(temp, nil)
		m.mu.Lock()
		m.down = nil
		m.mu.Unlock()
		time.Sleep(20 * time.Minute)
		m.expectInbox(sim.t, oncall, "opened", "resolved")
		m.expectInbox(sim.t, temp, "opened", "resolved")
	})
}

// incidentDeliveries lists the alerts of the only incident.
func (sim *simulation) incidentDeliveries() (all []store.Delivery) {
	sim.t.Helper()
	err := sim.db.View(context.Background(), func(tx *store.Tx) (err error) {
		all, err = tx.Deliveries(sim.incidents()[0].ID)
		return err
	})
	if err != nil {
		sim.t.Fatal(err)
	}
	return all
}

func TestRunOnce_ARejectedRecipientIsShownAndDelaysNoOther(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		m := sim.useMailChannel(nobody, temp, oncall)
		n := sim.startMailNode(m)
		m.setReply(nobody, noSuchUser)
		m.setReply(temp, mailboxFull)
		sim.addHeartbeat("backup", dailyRule)
		sim.mustPing(n, "backup", "/fail")
		time.Sleep(time.Second)
		m.expectInbox(sim.t, oncall, "opened")
		states := map[string]monitor.AlertState{}
		for _, d := range sim.incidentDeliveries() {
			states[d.Recipient] = d.State
		}
		if states[""] != monitor.AlertSent || states[nobody] != monitor.AlertFailed || states[temp] != monitor.AlertPending {
			sim.t.Errorf("deliveries by recipient: %v; want sent, failed for nobody@ and pending for temp", states)
		}
		h := sim.channelHealth("mail")
		if h.State != monitor.ChannelStateFailing || !strings.Contains(h.Reason(), "nobody@example.com: 550 5.1.1 no such user") {
			sim.t.Errorf("the channel is %s: %s; want it failing for %s", h.State, h.Reason(), nobody)
		}
		time.Sleep(time.Hour)
		m.setReply(temp, nil)
		time.Sleep(20 * time.Minute)
		m.expectInbox(sim.t, temp, "opened")
		m.expectInbox(sim.t, oncall, "opened")
		m.expectInbox(sim.t, nobody)
	})
}

func TestRunOnce_RecipientsThatAreAllDeferredDoNotDelayEachOther(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		m := sim.useMailChannel(oncall, temp)
		n := sim.startMailNode(m)
		m.setReply(oncall, mailboxFull)
		m.setReply(temp, mailboxFull)
		sim.addHeartbeat("backup", dailyRule)
		sim.mustPing(n, "backup", "/fail")
		time.Sleep(time.Second)
		m.setReply(oncall, nil)
		time.Sleep(time.Minute)
		m.expectInbox(sim.t, oncall, "opened")
		sim.mustPing(n, "backup", "")
		time.Sleep(time.Second)
		m.expectInbox(sim.t, oncall, "opened", "resolved")
		// The next incident finds temp still behind, and now oncall too.
		m.setReply(oncall, mailboxFull)
		sim.mustPing(n, "backup", "/fail")
		time.Sleep(time.Second)
		sim.mustPing(n, "backup", "")
		time.Sleep(time.Second)
		m.setReply(oncall, nil)
		time.Sleep(20 * time.Minute)
		m.expectInbox(sim.t, oncall, "opened", "resolved", "opened", "resolved")
		m.expectInbox(sim.t, temp)
		m.setReply(temp, nil)
		time.Sleep(20 * time.Minute)
		m.expectInbox(sim.t, temp, "opened", "resolved", "opened", "resolved")
	})
}

// remindEvery sets the interval of the reminders of the channel.
func (sim *simulation) remindEvery(d time.Duration) {
	sim.t.Helper()
	sim.update(func(tx *store.Tx) error {
		channels, err := tx.Channels(sim.project)
		if err != nil {
			return err
		}
		channels[0].RemindEvery = d
		return tx.SaveChannel(channels[0])
	})
}

// pendingEventsFor returns the events of the incident with a separate, pending alert for
// a recipient.
func (sim *simulation) pendingEventsFor(recipient string) (events []monitor.Event) {
	sim.t.Helper()
	for _, d := range sim.incidentDeliveries() {
		if d.Recipient == recipient && d.State == monitor.AlertPending {
			events = append(events, d.Event)
		}
	}
	return events
}

func TestRunOnce_RemindersDoNotPileUpForADeferredRecipient(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		m := sim.useMailChannel(oncall, temp)
		sim.remindEvery(10 * time.Minute)
		n := sim.startMailNode(m)
		m.setReply(temp, mailboxFull)
		sim.addHeartbeat("backup", dailyRule)
		sim.mustPing(n, "backup", "/fail")
		time.Sleep(35 * time.Minute)
		m.expectInbox(sim.t, oncall, "opened", "reminder", "reminder", "reminder")
		if got := sim.pendingEventsFor(temp); !slices.Equal(got, []monitor.Event{monitor.IncidentOpened}) {
			sim.t.Errorf("%v wait for temp; want the opening only", got)
		}
		m.setReply(temp, nil)
		time.Sleep(20 * time.Minute) // longer than the wait until the next attempt
		if got := m.inbox(temp); len(got) == 0 || len(got) > 3 || got[0] != "opened" {
			sim.t.Errorf("temp has %v; want the opening, and at most the two reminders that fall due after it", got)
		}
		sim.mustPing(n, "backup", "")
		time.Sleep(time.Second)
		for _, recipient := range []string{oncall, temp} {
			if got := m.inbox(recipient); got[len(got)-1] != "resolved" {
				sim.t.Errorf("%s has %v; want the end last", recipient, got)
			}
		}
	})
}

func TestRunOnce_ADeferredReminderIsNotRepeated(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		m := sim.useMailChannel(oncall, temp)
		sim.remindEvery(10 * time.Minute)
		n := sim.startMailNode(m)
		sim.addHeartbeat("backup", dailyRule)
		sim.mustPing(n, "backup", "/fail")
		time.Sleep(time.Minute)
		m.setReply(temp, mailboxFull)
		time.Sleep(34 * time.Minute)
		m.expectInbox(sim.t, oncall, "opened", "reminder", "reminder", "reminder")
		m.expectInbox(sim.t, temp, "opened")
		if got := sim.pendingEventsFor(temp); len(got) > 0 {
			sim.t.Errorf("%v wait for temp; want none, because the next reminder follows", got)
		}
	})
}

func TestRunOnce_ARemovedRecipientGetsNoMoreAlerts(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		m, n := sim.openIncidentWithTempDeferred()
		time.Sleep(time.Second)
		sim.update(func(tx *store.Tx) error {
			channels, err := tx.Channels(sim.project)
			if err != nil {
				return err
			}
			channels[0].Settings = map[string]any{"to": []any{oncall}}
			if err := tx.SaveChannel(channels[0]); err != nil {
				return err
			}
			return tx.DeleteRecipientFailures(channels[0].ID, []string{oncall})
		})
		m.setReply(temp, nil)
		time.Sleep(10 * time.Minute)
		sim.mustPing(n, "backup", "")
		time.Sleep(time.Second)
		m.expectInbox(sim.t, oncall, "opened", "resolved")
		m.expectInbox(sim.t, temp)
		if h := sim.channelHealth("mail"); h.State != monitor.ChannelStateWorking {
			sim.t.Errorf("the channel is %s: %s; want it to work", h.State, h.Reason())
		}
	})
}
