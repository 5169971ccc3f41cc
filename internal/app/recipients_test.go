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
	"overdue/internal/store"
)

// daily is a rule under which no silence ends within a test.
var daily = monitor.Rule{Interval: 24 * time.Hour, Grace: time.Hour}

// Recipients of the channel in these tests.
const (
	oncall = "oncall@example.com"
	temp   = "temp@example.com"
	nobody = "nobody@example.com"
)

// The answers of a mail server that does not take a message for a recipient.
var (
	mailboxFull = &notify.SendError{Status: 451, Reason: "4.2.2 mailbox full"}
	noSuchUser  = &notify.SendError{Status: 550, Reason: "5.1.1 no such user", Permanent: true}
)

// mailServer takes messages, except for recipients that it has another answer for.
type mailServer struct {
	mu      sync.Mutex
	down    *notify.SendError // the error for every recipient; nil: the server works
	answers map[string]*notify.SendError
	inboxes map[string][]string // events by recipient
	ids     map[string][]string // alert ids by recipient
}

// answer sets the response for a recipient from now on; nil accepts the mail.
func (m *mailServer) answer(recipient string, failure *notify.SendError) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers[recipient] = failure
}

// inbox returns the events of the mails that a recipient has.
func (m *mailServer) inbox(recipient string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.inboxes[recipient])
}

// send is a [deliver.SendFunc].
func (m *mailServer) send(_ context.Context, _ string, _ notify.Settings, n notify.Notification) (notify.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return notify.Receipt{}, m.down
	}
	var all []notify.RecipientResult
	took, final := 0, true
	for _, to := range n.Recipients {
		failure := m.answers[to]
		all = append(all, notify.RecipientResult{Recipient: to, Err: failure})
		if failure != nil {
			final = final && failure.Permanent
			continue
		}
		took++
		m.inboxes[to] = append(m.inboxes[to], strings.TrimPrefix(n.Event, "incident."))
		m.ids[to] = append(m.ids[to], n.AlertID)
	}
	if took == 0 {
		return notify.Receipt{}, &notify.SendError{Status: all[0].Err.Status, Reason: all[0].Err.Reason, Permanent: final, Recipients: all}
	}
	return notify.Receipt{Status: 250, Recipients: all}, nil
}

// mails is a world whose only channel writes to the given recipients.
func (w *world) mails(to ...string) *mailServer {
	w.t.Helper()
	var list []any
	for _, address := range to {
		list = append(list, address)
	}
	w.update(func(tx *store.Tx) error {
		channels, err := tx.Channels(w.project)
		if err != nil {
			return err
		}
		if err := tx.DeleteChannel(channels[0], time.Now()); err != nil {
			return err
		}
		_, err = tx.AddChannel(monitor.Channel{
			Project: w.project, Kind: "email", Name: "mail", Settings: map[string]any{"to": list}, NotifyOnRecovery: true, Created: time.Now(),
		})
		return err
	})
	return &mailServer{answers: map[string]*notify.SendError{}, inboxes: map[string][]string{}, ids: map[string][]string{}}
}

// mailNode starts a node that sends through the mail server.
func (w *world) mailNode(m *mailServer) *node {
	return w.node(sending(m.send))
}

// health returns how the channel called name delivers.
func (w *world) health(name string) monitor.ChannelHealth {
	w.t.Helper()
	var found []monitor.Channel
	err := w.db.View(context.Background(), func(tx *store.Tx) (err error) {
		if found, err = tx.ChannelRoutes(w.project); err != nil {
			return err
		}
		found, err = tx.WithHealth(w.project, found, time.Now())
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range found {
		if c.Name == name {
			if c.Failing != (c.Health.State == monitor.ChannelStateFailing) {
				w.t.Errorf("channel %s is marked as failing: %t, and its state is %s", name, c.Failing, c.Health.State)
			}
			return c.Health
		}
	}
	w.t.Fatalf("there is no channel %s", name)
	return monitor.ChannelHealth{}
}

// has fails the test unless a recipient has exactly these mails.
func (m *mailServer) has(t *testing.T, recipient string, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := m.inbox(recipient); !slices.Equal(got, want) {
		t.Errorf("%s has %v; want %v", recipient, got, want)
	}
}

// openedWithTempDeferred opens an incident whose mail the server takes for oncall
// and defers for temp.
func (w *world) openedWithTempDeferred() (*mailServer, *node) {
	w.t.Helper()
	m := w.mails(oncall, temp)
	n := w.mailNode(m)
	m.answer(temp, mailboxFull)
	w.heartbeat("backup", daily)
	w.hear(n, "backup", "/fail")
	return m, n
}

func TestRunOnce_ADeferredRecipientDelaysNoOther(t *testing.T) {
	simulate(t, func(w *world) {
		m, n := w.openedWithTempDeferred()
		time.Sleep(time.Second)
		w.hear(n, "backup", "")
		time.Sleep(time.Second)
		m.has(w.t, oncall, "opened", "resolved")
		w.hear(n, "backup", "/fail")
		time.Sleep(time.Second)
		m.has(w.t, oncall, "opened", "resolved", "opened")
		m.has(w.t, temp)
		if h := w.health("mail"); !slices.Equal(h.FailingFor(), []string{temp}) || !strings.Contains(h.Reason(), "temp@example.com: 451 4.2.2 mailbox full") {
			w.t.Errorf("the channel fails for %v: %s; want it to name temp and the answer", h.FailingFor(), h.Reason())
		}
		m.answer(temp, nil)
		time.Sleep(20 * time.Minute)
		m.has(w.t, temp, "opened", "resolved", "opened")
		m.has(w.t, oncall, "opened", "resolved", "opened")
		if h := w.health("mail"); h.State != monitor.ChannelStateWorking {
			w.t.Errorf("the channel is %s: %s; want it to work", h.State, h.Reason())
		}
		if !slices.Equal(m.ids[temp], m.ids[oncall]) {
			w.t.Errorf("alert ids %v and %v; want the same for both", m.ids[temp], m.ids[oncall])
		}
	})
}

func TestRunOnce_ARecipientGetsAnAlertOnceAcrossAKillAndAnotherNode(t *testing.T) {
	simulate(t, func(w *world) {
		m, n := w.openedWithTempDeferred()
		time.Sleep(time.Second)
		w.kill(n)
		for range 2 {
			again := w.mailNode(m)
			time.Sleep(3 * time.Minute)
			w.kill(again)
		}
		m.answer(temp, nil)
		w.mailNode(m)
		other := w.mailNode(m)
		time.Sleep(20 * time.Minute)
		w.hear(other, "backup", "")
		time.Sleep(20 * time.Second)
		m.has(w.t, oncall, "opened", "resolved")
		m.has(w.t, temp, "opened", "resolved")
	})
}

func TestRunOnce_AMailServerThatFailsAfterASplitGetsNoDuplicates(t *testing.T) {
	simulate(t, func(w *world) {
		m, n := w.openedWithTempDeferred()
		time.Sleep(9 * time.Second)
		m.mu.Lock()
		m.down = &notify.SendError{Reason: "No connection."}
		m.mu.Unlock()
		w.hear(n, "backup", "") // temp still waits for the opening, so this alert divides
		// Down for two attempts at what divided: temp has the opening before the third.
		time.Sleep(16 * time.Second)
		if h := w.health("mail"); h.FailingFor() != nil {
			w.t.Errorf("failing for %v; want the whole channel", h.FailingFor())
		}
		m.answer(temp, nil)
		m.mu.Lock()
		m.down = nil
		m.mu.Unlock()
		time.Sleep(20 * time.Minute)
		m.has(w.t, oncall, "opened", "resolved")
		m.has(w.t, temp, "opened", "resolved")
	})
}

// deliveries lists the alerts of the only incident.
func (w *world) deliveries() (all []store.Delivery) {
	w.t.Helper()
	err := w.db.View(context.Background(), func(tx *store.Tx) (err error) {
		all, err = tx.Deliveries(w.incidents()[0].ID)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func TestRunOnce_ARejectedRecipientIsShownAndDelaysNoOther(t *testing.T) {
	simulate(t, func(w *world) {
		m := w.mails(nobody, temp, oncall)
		n := w.mailNode(m)
		m.answer(nobody, noSuchUser)
		m.answer(temp, mailboxFull)
		w.heartbeat("backup", daily)
		w.hear(n, "backup", "/fail")
		time.Sleep(time.Second)
		m.has(w.t, oncall, "opened")
		states := map[string]monitor.AlertState{}
		for _, d := range w.deliveries() {
			states[d.Recipient] = d.State
		}
		if states[""] != monitor.AlertSent || states[nobody] != monitor.AlertFailed || states[temp] != monitor.AlertPending {
			w.t.Errorf("deliveries by recipient: %v; want sent, failed for nobody@ and pending for temp", states)
		}
		h := w.health("mail")
		if h.State != monitor.ChannelStateFailing || !strings.Contains(h.Reason(), "nobody@example.com: 550 5.1.1 no such user") {
			w.t.Errorf("the channel is %s: %s; want it failing for %s", h.State, h.Reason(), nobody)
		}
		time.Sleep(time.Hour)
		m.answer(temp, nil)
		time.Sleep(20 * time.Minute)
		m.has(w.t, temp, "opened")
		m.has(w.t, oncall, "opened")
		m.has(w.t, nobody)
	})
}

func TestRunOnce_RecipientsThatAreAllDeferredDoNotDelayEachOther(t *testing.T) {
	simulate(t, func(w *world) {
		m := w.mails(oncall, temp)
		n := w.mailNode(m)
		m.answer(oncall, mailboxFull)
		m.answer(temp, mailboxFull)
		w.heartbeat("backup", daily)
		w.hear(n, "backup", "/fail")
		time.Sleep(time.Second)
		m.answer(oncall, nil)
		time.Sleep(time.Minute)
		m.has(w.t, oncall, "opened")
		w.hear(n, "backup", "")
		time.Sleep(time.Second)
		m.has(w.t, oncall, "opened", "resolved")
		// The next incident finds temp still behind, and now oncall too.
		m.answer(oncall, mailboxFull)
		w.hear(n, "backup", "/fail")
		time.Sleep(time.Second)
		w.hear(n, "backup", "")
		time.Sleep(time.Second)
		m.answer(oncall, nil)
		time.Sleep(20 * time.Minute)
		m.has(w.t, oncall, "opened", "resolved", "opened", "resolved")
		m.has(w.t, temp)
		m.answer(temp, nil)
		time.Sleep(20 * time.Minute)
		m.has(w.t, temp, "opened", "resolved", "opened", "resolved")
	})
}

// remindEvery sets after how long the channel reminds.
func (w *world) remindEvery(d time.Duration) {
	w.t.Helper()
	w.update(func(tx *store.Tx) error {
		channels, err := tx.Channels(w.project)
		if err != nil {
			return err
		}
		channels[0].RemindEvery = d
		return tx.SaveChannel(channels[0])
	})
}

// waitingFor returns the events of the incident that a recipient does not have yet
// and has a separate alert for.
func (w *world) waitingFor(recipient string) (events []monitor.Event) {
	w.t.Helper()
	for _, d := range w.deliveries() {
		if d.Recipient == recipient && d.State == monitor.AlertPending {
			events = append(events, d.Event)
		}
	}
	return events
}

func TestRunOnce_RemindersDoNotPileUpForADeferredRecipient(t *testing.T) {
	simulate(t, func(w *world) {
		m := w.mails(oncall, temp)
		w.remindEvery(10 * time.Minute)
		n := w.mailNode(m)
		m.answer(temp, mailboxFull)
		w.heartbeat("backup", daily)
		w.hear(n, "backup", "/fail")
		time.Sleep(35 * time.Minute)
		m.has(w.t, oncall, "opened", "reminder", "reminder", "reminder")
		if got := w.waitingFor(temp); !slices.Equal(got, []monitor.Event{monitor.IncidentOpened}) {
			w.t.Errorf("%v wait for temp; want the opening only", got)
		}
		m.answer(temp, nil)
		time.Sleep(20 * time.Minute) // in which temp gets the opening, sooner or later
		if got := m.inbox(temp); len(got) == 0 || len(got) > 3 || got[0] != "opened" {
			w.t.Errorf("temp has %v; want the opening, and at most the two reminders that fall due after it", got)
		}
		w.hear(n, "backup", "")
		time.Sleep(time.Second)
		for _, recipient := range []string{oncall, temp} {
			if got := m.inbox(recipient); got[len(got)-1] != "resolved" {
				w.t.Errorf("%s has %v; want the end last", recipient, got)
			}
		}
	})
}

func TestRunOnce_ADeferredReminderIsNotRepeated(t *testing.T) {
	simulate(t, func(w *world) {
		m := w.mails(oncall, temp)
		w.remindEvery(10 * time.Minute)
		n := w.mailNode(m)
		w.heartbeat("backup", daily)
		w.hear(n, "backup", "/fail")
		time.Sleep(time.Minute)
		m.answer(temp, mailboxFull)
		time.Sleep(34 * time.Minute)
		m.has(w.t, oncall, "opened", "reminder", "reminder", "reminder")
		m.has(w.t, temp, "opened")
		if got := w.waitingFor(temp); len(got) > 0 {
			w.t.Errorf("%v wait for temp; want none, because the next reminder follows", got)
		}
	})
}

func TestRunOnce_ARemovedRecipientGetsNoMoreAlerts(t *testing.T) {
	simulate(t, func(w *world) {
		m, n := w.openedWithTempDeferred()
		time.Sleep(time.Second)
		w.update(func(tx *store.Tx) error {
			channels, err := tx.Channels(w.project)
			if err != nil {
				return err
			}
			channels[0].Settings = map[string]any{"to": []any{oncall}}
			if err := tx.SaveChannel(channels[0]); err != nil {
				return err
			}
			return tx.DeleteRecipientFailures(channels[0].ID, []string{oncall})
		})
		m.answer(temp, nil)
		time.Sleep(10 * time.Minute)
		w.hear(n, "backup", "")
		time.Sleep(time.Second)
		m.has(w.t, oncall, "opened", "resolved")
		m.has(w.t, temp)
		if h := w.health("mail"); h.State != monitor.ChannelStateWorking {
			w.t.Errorf("the channel is %s: %s; want it to work", h.State, h.Reason())
		}
	})
}
