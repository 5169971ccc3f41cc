package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/store"
)

// usePolicy adds the channels phone and boss, and a default policy: ops at the opening, ops and phone
// after 15 min, boss and ops after an hour and then every 30 min.
func (sim *simulation) usePolicy() (p monitor.Policy) {
	sim.t.Helper()
	for _, name := range []string{"phone", "boss"} {
		sim.addChannel(name, monitor.Channel{NotifyOnRecovery: true})
	}
	sim.update(func(tx *store.Tx) error {
		channels, err := tx.Channels(sim.project)
		if err != nil {
			return err
		}
		id := map[string]string{}
		for _, c := range channels {
			id[c.Name] = c.ID
		}
		p, err = tx.SavePolicy(monitor.Policy{
			Project: sim.project, Slug: "nights", Name: "Nights", Default: true, Created: time.Now(),
			Steps: []monitor.PolicyStep{
				{Channels: []string{id["ops"]}},
				{After: 15 * time.Minute, Channels: []string{id["ops"], id["phone"]}},
				{After: time.Hour, Channels: []string{id["boss"], id["ops"]}, RepeatEvery: 30 * time.Minute},
			},
		})
		return err
	})
	return p
}

// expectSteps compares the received alerts with want: minutes since the beginning, channel and event.
// The alerts of one minute have any order.
func (sim *simulation) expectSteps(begin time.Time, want ...string) {
	sim.t.Helper()
	var got []string
	for _, a := range sim.receiver.alerts() {
		got = append(got, fmt.Sprintf("%03d %s %s", int(a.time.Sub(begin).Minutes()), a.channel, strings.TrimPrefix(a.event, "incident.")))
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		sim.t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

// escalations lists the entries of policies on the timeline of an incident.
func (sim *simulation) escalations(i monitor.Incident) (texts []string) {
	sim.t.Helper()
	err := sim.db.View(context.Background(), func(tx *store.Tx) error {
		entries, err := tx.Timeline(i)
		for _, e := range entries {
			if e.Kind == "escalation" || e.Kind == "reminder" {
				texts = append(texts, strings.ReplaceAll(e.Text, "\u00a0", " "))
			}
		}
		return err
	})
	if err != nil {
		sim.t.Fatal(err)
	}
	return texts
}

// TestPolicy_EveryStepIsSentAtItsTime kills the node between two steps, and deletes the policy.
func TestPolicy_EveryStepIsSentAtItsTime(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		policy := sim.usePolicy()
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		begin := time.Now()
		sim.mustPing(n, "backup", "/fail")
		sim.advance(10 * time.Minute)
		sim.update(func(tx *store.Tx) error { return tx.DeletePolicy(policy) })
		sim.killNode(n)
		n = sim.startNode()
		sim.advance(111 * time.Minute)
		sim.mustPing(n, "backup", "")
		sim.advance(5 * time.Hour)
		got := sim.receiver.alerts()
		for i, a := range got {
			if a.event == "incident.resolved" && !slices.ContainsFunc(got[:i], func(o receivedAlert) bool {
				return o.channel == a.channel && o.event == "incident.opened"
			}) {
				sim.t.Errorf("%s receives the resolution before the opening", a.channel)
			}
		}
		steps := []string{
			"000 ops opened", "015 ops reminder", "015 phone opened", "060 boss opened", "060 ops reminder",
			"090 boss reminder", "090 ops reminder", "120 boss reminder", "120 ops reminder",
			"121 boss resolved", "121 ops resolved", "121 phone resolved",
		}
		// After its recovery, the heartbeat misses the next ping. It has no policy any more.
		for _, channel := range []string{"boss", "ops", "phone"} {
			steps = append(steps, fmt.Sprintf("%03d %s opened", 121+int((fiveMinuteRule.Interval+fiveMinuteRule.Grace).Minutes()), channel))
		}
		sim.expectSteps(begin, steps...)
		incidents := sim.incidents()
		first := incidents[slices.IndexFunc(incidents, func(i monitor.Incident) bool { return i.Number == 1 })]
		texts := sim.escalations(first)
		slices.Sort(texts) // some are sent at the same time
		if diff := cmp.Diff([]string{
			"Notified boss: not acknowledged for 1 h (step 3 of policy Nights).",
			"Notified phone: not acknowledged for 15 min (step 2 of policy Nights).",
			"Reminded boss: not acknowledged (reminder every 30 min, step 3 of policy Nights).",
			"Reminded boss: not acknowledged (reminder every 30 min, step 3 of policy Nights).",
			"Reminded ops: not acknowledged (reminder every 30 min, step 3 of policy Nights).",
			"Reminded ops: not acknowledged (reminder every 30 min, step 3 of policy Nights).",
			"Reminded ops: not acknowledged for 1 h (step 3 of policy Nights).",
			"Reminded ops: not acknowledged for 15 min (step 2 of policy Nights).",
			"The incident was resolved: 2 later alerts of policy Nights will not be sent.",
		}, texts); diff != "" {
			sim.t.Errorf("timeline (-want +got):\n%s", diff)
		}
	})
}

func TestPolicy_AnAcknowledgementEndsLaterSteps(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.usePolicy()
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		begin := time.Now()
		sim.mustPing(n, "backup", "/fail")
		sim.advance(20*time.Minute + time.Second)
		sim.update(func(tx *store.Tx) error {
			_, err := tx.AcknowledgeIncident(sim.incidents()[0], "Ana", time.Now())
			return err
		})
		sim.advance(3 * time.Hour)
		sim.mustPing(n, "backup", "")
		sim.advance(time.Second)
		sim.expectSteps(begin,
			"000 ops opened", "015 ops reminder", "015 phone opened", "020 ops acknowledged", "020 phone acknowledged",
			"200 ops resolved", "200 phone resolved")
		got := sim.escalations(sim.incidents()[0])
		if want := "The incident was acknowledged: 4 later alerts of policy Nights will not be sent."; !slices.Contains(got, want) {
			sim.t.Errorf("timeline %q; want %q", got, want)
		}
	})
}

// TestPolicy_AnEarlierAlertReleasesNoStepBeforeItsTime delivers the alerts of an earlier incident late.
func TestPolicy_AnEarlierAlertReleasesNoStepBeforeItsTime(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.usePolicy()
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		begin := time.Now()
		sim.mustPing(n, "backup", "/fail")
		sim.advance(14 * time.Minute)
		sim.receiver.setFailure(&notify.SendError{Status: 503, Reason: "busy"})
		sim.advance(2 * time.Minute)
		sim.mustPing(n, "backup", "")
		sim.mustPing(n, "backup", "/fail")
		sim.advance(time.Minute)
		sim.receiver.setFailure(nil)
		sim.advance(10 * time.Minute)
		for _, a := range sim.receiver.alerts() {
			if a.channel == "boss" && strings.HasPrefix(a.event, "incident.") {
				sim.t.Errorf("boss receives %s after %s", a.event, a.time.Sub(begin))
			}
		}
		count := func(channel, event string) (n int) {
			for _, a := range sim.receiver.alerts() {
				if a.channel == channel && a.event == event {
					n++
				}
			}
			return n
		}
		if count("phone", "incident.opened") != 1 || count("phone", "incident.resolved") != 1 || count("ops", "incident.opened") != 2 {
			sim.t.Errorf("received %+v", sim.receiver.alerts())
		}
		sim.advance(5 * time.Minute)
		if n := count("phone", "incident.opened"); n != 2 {
			sim.t.Errorf("phone receives %d openings; want also that of the second incident", n)
		}
	})
}

func TestPolicy_AMuteMovesTheStepsWithTheOpening(t *testing.T) {
	for name, unmuteAfter := range map[string]time.Duration{"ends by time": 0, "is ended by a user": 20 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			simulateHours(t, func(sim *simulation) {
				sim.usePolicy()
				n := sim.startNode()
				sim.addHeartbeat("backup", fiveMinuteRule)
				begin := time.Now()
				sim.mute("backup", begin.Add(2*time.Hour))
				sim.mustPing(n, "backup", "/fail")
				announced := 120
				if unmuteAfter > 0 {
					announced = int(unmuteAfter.Minutes())
					sim.advance(unmuteAfter)
					sim.mute("backup", time.Time{})
				}
				sim.advance(time.Until(begin.Add(time.Duration(announced)*time.Minute + time.Hour + time.Second)))
				sim.expectSteps(begin,
					fmt.Sprintf("%03d ops opened", announced), fmt.Sprintf("%03d ops reminder", announced+15), fmt.Sprintf("%03d phone opened", announced+15),
					fmt.Sprintf("%03d boss opened", announced+60), fmt.Sprintf("%03d ops reminder", announced+60))
			})
		})
	}
}

func TestPolicy_ASnoozeMovesTheStepsToItsEnd(t *testing.T) {
	for name, unsnooze := range map[string]bool{"ends by time": false, "is ended by a user": true} {
		t.Run(name, func(t *testing.T) {
			simulateHours(t, func(sim *simulation) {
				sim.usePolicy()
				n := sim.startNode()
				sim.addHeartbeat("backup", fiveMinuteRule)
				begin := time.Now()
				sim.mustPing(n, "backup", "/fail")
				sim.advance(time.Minute)
				end := 40
				sim.snooze(39 * time.Minute)
				if unsnooze {
					end = 30
					sim.advance(29 * time.Minute)
					sim.update(func(tx *store.Tx) error {
						_, err := tx.UnsnoozeIncident(sim.incidents()[0], "Ana", time.Now())
						return err
					})
				}
				sim.advance(time.Until(begin.Add(time.Hour + time.Second)))
				// ops gets the reminder of the snooze and that of its step; phone was not notified before.
				sim.expectSteps(begin, "000 ops opened", fmt.Sprintf("%03d ops reminder", end), fmt.Sprintf("%03d ops reminder", end),
					fmt.Sprintf("%03d phone opened", end), "060 boss opened", "060 ops reminder")
			})
		})
	}
}

func TestPolicy_ADeletedChannelGivesItsOpeningToTheFirstStep(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.usePolicy()
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		begin := time.Now()
		sim.receiver.setFailure(&notify.SendError{Status: 503})
		sim.mustPing(n, "backup", "/fail")
		sim.advance(time.Minute)
		sim.receiver.setFailure(nil)
		sim.update(func(tx *store.Tx) error {
			channels, err := tx.Channels(sim.project)
			if err != nil {
				return err
			}
			i := slices.IndexFunc(channels, func(c monitor.Channel) bool { return c.Name == "ops" })
			return tx.DeleteChannel(channels[i], time.Now())
		})
		sim.advance(time.Minute)
		// The first step has no channel any more, so every channel is notified, and the steps of the
		// deleted channel are not given away.
		sim.expectSteps(begin, "001 boss channel.failing", "001 boss opened", "001 phone channel.failing", "001 phone opened")
		sim.advance(20 * time.Minute)
		sim.expectSteps(begin, "001 boss channel.failing", "001 boss opened", "001 phone channel.failing", "001 phone opened")
	})
}

func TestPolicy_RemindersContinueAfterASnoozeThatBeganDuringARetry(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.usePolicy()
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		begin := time.Now()
		sim.mustPing(n, "backup", "/fail")
		sim.advance(89 * time.Minute)
		sim.receiver.setFailure(&notify.SendError{Status: 503})
		sim.advance(62 * time.Second) // the reminder at minute 90 is retried
		sim.snooze(29 * time.Minute)
		sim.receiver.setFailure(nil)
		sim.advance(61 * time.Minute)
		var got []int
		for _, a := range sim.receiver.alerts() {
			if minute := int(a.time.Sub(begin).Minutes()); a.channel == "boss" && a.event == "incident.reminder" {
				got = append(got, minute)
			}
		}
		// At its end, the snooze has a reminder as well.
		if want := []int{119, 119, 149}; !slices.Equal(got, want) {
			t.Errorf("reminders in the minutes %v; want %v", got, want)
		}
	})
}

func TestPolicy_StepsThatEndDuringAMuteAreNotSaidToBeMuted(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.usePolicy()
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		begin := time.Now()
		sim.mustPing(n, "backup", "/fail")
		sim.advance(time.Minute)
		sim.mute("backup", begin.Add(2*time.Hour))
		i := sim.incidents()[0]
		sim.mustPing(n, "backup", "")
		sim.advance(time.Minute)
		sim.expectSteps(begin, "000 ops opened", "001 ops resolved")
		if texts := sim.timelineTexts(i, "muted"); len(texts) > 0 {
			t.Errorf("timeline %q; the opening was sent", texts)
		}
		if texts := sim.timelineTexts(i, "escalation"); len(texts) != 1 {
			t.Errorf("timeline %q; want the steps that are not sent", texts)
		}
	})
}

// TestPolicy_AHeartbeatUsesThePolicyThatItNames renames the policy, and then deletes it.
func TestPolicy_AHeartbeatUsesThePolicyThatItNames(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.usePolicy()
		var days monitor.Policy
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.update(func(tx *store.Tx) error {
			channels, err := tx.Channels(sim.project)
			if err != nil {
				return err
			}
			boss := channels[slices.IndexFunc(channels, func(c monitor.Channel) bool { return c.Name == "boss" })].ID
			days, err = tx.SavePolicy(monitor.Policy{
				Project: sim.project, Slug: "days", Name: "Days", Created: time.Now(), Steps: []monitor.PolicyStep{{Channels: []string{boss}}},
			})
			return err
		})
		sim.namePolicy("backup", "days")
		n := sim.startNode()
		begin := time.Now()
		fail := func() {
			sim.mustPing(n, "backup", "/fail")
			sim.advance(time.Minute)
			sim.mustPing(n, "backup", "")
			sim.advance(time.Minute)
		}
		fail()
		sim.update(func(tx *store.Tx) error {
			if _, err := tx.LockHeartbeatsOfPolicy(sim.project, "days"); err != nil {
				return err
			}
			days.Slug = "daily"
			if _, err := tx.SavePolicy(days); err != nil {
				return err
			}
			return tx.ReplacePolicyOfHeartbeats(sim.project, "days", "daily")
		})
		fail()
		sim.killNode(n)
		sim.update(func(tx *store.Tx) error { return tx.DeletePolicy(days) }) // without the heartbeats
		n = sim.startNode()
		fail()
		sim.expectSteps(begin,
			"000 boss opened", "001 boss resolved", "002 boss opened", "003 boss resolved", "004 ops opened", "005 ops resolved")
	})
}

// namePolicy makes a heartbeat name a policy.
func (sim *simulation) namePolicy(name, slug string) {
	sim.t.Helper()
	sim.update(func(tx *store.Tx) error {
		h, err := tx.HeartbeatForUpdate(sim.project, sim.ids[name])
		if err != nil {
			return err
		}
		h.Policy = slug
		return tx.SaveHeartbeatSettings(h)
	})
}
