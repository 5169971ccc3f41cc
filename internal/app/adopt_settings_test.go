package app

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
)

// movedChat is a service whose chat has another id since "#old".
type movedChat struct {
	mu     sync.Mutex
	seen   []string // the chat of each message
	before func()   // runs before a message is answered
	change setting.Values
}

// send is a [deliver.SendFunc].
func (m *movedChat) send(_ context.Context, _ string, set setting.Values, n message.Notification) (notify.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = append(m.seen, set.Text("channel"))
	if m.before != nil {
		m.before()
	}
	if set.Text("channel") == "#old" {
		return notify.Receipt{Status: 200, Settings: m.change}, nil
	}
	return notify.Receipt{Status: 200}, nil
}

// settle waits until alerts are delivered.
func settle() {
	time.Sleep(10 * time.Second)
	synctest.Wait()
}

// useChat replaces the channel with one of a service that can change its settings.
func (sim *simulation) useChat() *movedChat {
	sim.t.Helper()
	sim.update(func(tx *store.Tx) error {
		channels, err := tx.Channels(sim.project)
		if err != nil {
			return err
		}
		if err := tx.DeleteChannel(channels[0], time.Now()); err != nil {
			return err
		}
		_, err = tx.AddChannel(monitor.Channel{
			Project: sim.project, Kind: "slack", Name: "ops", Created: time.Now(),
			Settings: map[string]any{"token": "xoxb-1-SECRET", "channel": "#old", "base_url": "https://slack.example"},
		})
		return err
	})
	return &movedChat{change: setting.Values{"channel": "#new", "token": "stolen", "base_url": "https://evil.example", "unknown": "x"}}
}

// chat returns the channel and the newest entries of the audit log.
func (sim *simulation) chat() (c monitor.Channel, audit []monitor.AuditEntry) {
	sim.t.Helper()
	sim.update(func(tx *store.Tx) error {
		channels, err := tx.Channels(sim.project)
		if err != nil {
			return err
		}
		c = channels[0]
		audit, err = tx.RecentAuditEntries(sim.project, 10)
		return err
	})
	return c, audit
}

// expectAdopted expects the new chat, the old secret, and one entry of the audit log.
func (sim *simulation) expectAdopted() {
	sim.t.Helper()
	c, audit := sim.chat()
	want := map[string]any{"token": "xoxb-1-SECRET", "channel": "#new", "base_url": "https://slack.example"}
	if diff := cmp.Diff(want, c.Settings); diff != "" {
		sim.t.Errorf("settings (-want +got):\n%s", diff)
	}
	var found []monitor.AuditEntry
	for _, e := range audit {
		if e.Action == "channel.change" {
			found = append(found, e)
		}
	}
	if len(found) != 1 || found[0].Kind != monitor.ActorSystem || found[0].Actor != "Overdue" || found[0].Detail != "channel: #old → #new" {
		sim.t.Errorf("audit log %+v; want one change by Overdue", found)
	}
}

func TestAdoptSettings_AServiceChangesItsSettingsAndNoSecretOrDestination(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		m := sim.useChat()
		n := sim.startNode(withSend(m.send))
		for _, name := range []string{"first", "second", "third"} {
			sim.addHeartbeat(name, dailyRule)
			sim.mustPing(n, name, "/fail")
			settle()
		}
		if diff := cmp.Diff([]string{"#old", "#new", "#new"}, m.seen); diff != "" {
			t.Errorf("chats (-want +got):\n%s", diff)
		}
		sim.expectAdopted()
	})
}

func TestAdoptSettings_ATestAlertOfASavedChannelAdoptsThem(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		m := sim.useChat()
		n := sim.startNode(withSend(m.send))
		sim.sendTest(n)
		sim.expectAdopted()
	})
}

func TestAdoptSettings_TheEditOfAPersonDuringTheSendStays(t *testing.T) {
	for name, edit := range map[string]map[string]any{
		"another chat":  {"token": "xoxb-1-SECRET", "channel": "#mine"},
		"another token": {"token": "xoxb-2-SECRET", "channel": "#old"},
	} {
		t.Run(name, func(t *testing.T) {
			simulateHours(t, func(sim *simulation) {
				m := sim.useChat()
				m.before = sync.OnceFunc(func() {
					sim.update(func(tx *store.Tx) error {
						channels, err := tx.Channels(sim.project)
						if err != nil {
							return err
						}
						c := channels[0]
						c.Settings = edit
						return tx.SaveChannel(c)
					})
				})
				n := sim.startNode(withSend(m.send))
				m.change = setting.Values{"channel": "#new"}
				sim.addHeartbeat("first", dailyRule)
				sim.mustPing(n, "first", "/fail")
				settle()
				c, _ := sim.chat()
				if diff := cmp.Diff(edit, c.Settings); diff != "" {
					t.Errorf("settings (-want +got):\n%s", diff)
				}
			})
		})
	}
}
