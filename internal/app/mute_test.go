package app

import (
	"slices"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/store"
)

// mute mutes the alerts of a heartbeat from now; the zero time unmutes them.
func (sim *simulation) mute(name string, until time.Time) {
	sim.t.Helper()
	sim.update(func(tx *store.Tx) error {
		h, err := tx.HeartbeatForUpdate(sim.project, sim.ids[name])
		if err != nil {
			return err
		}
		h.MutedUntil = until
		return tx.SaveMute(h, time.Now())
	})
}

// timelineTexts lists the entries of a kind on the timeline of an incident.
func (sim *simulation) timelineTexts(i monitor.Incident, kind string) (texts []string) {
	sim.t.Helper()
	sim.update(func(tx *store.Tx) error {
		texts = nil
		all, err := tx.Timeline(i)
		for _, e := range all {
			if e.Kind == kind {
				texts = append(texts, e.Text)
			}
		}
		return err
	})
	return texts
}

func TestMute_AFailureThatOutlastsTheMuteIsSentAtItsEnd(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		end := time.Now().Add(time.Hour)
		sim.mute("backup", end)
		sim.mustPing(n, "backup", "/fail")
		sim.advance(20 * time.Minute)
		if got, want := sim.timelineTexts(sim.incidents()[0], "muted"), "Not sent: alerts of this heartbeat are muted until "+end.UTC().Format("2006-01-02 15:04:05 UTC")+"."; !slices.Equal(got, []string{want}) {
			t.Errorf("timeline %q; want once %q", got, want)
		}
		sim.killNode(n) // the end of the mute is in the database
		sim.advance(20 * time.Minute)
		sim.startNode()
		sim.advance(20*time.Minute - time.Second)
		sim.expectEvents("blackout.noticed")
		sim.advance(3 * time.Second)
		sim.expectEvents("blackout.noticed", "opened")
	})
}

func TestMute_AFailureThatIsOverBeforeTheEndIsNotSent(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mute("backup", time.Now().Add(time.Hour))
		sim.mustPing(n, "backup", "")
		sim.advance(20 * time.Minute) // late, then down
		sim.mustPing(n, "backup", "")
		sim.advance(time.Minute)
		if got := sim.timelineTexts(sim.incidents()[0], "muted"); len(got) != 2 {
			t.Errorf("timeline %q; want an entry about the opening and one about the end", got)
		}
		sim.mute("backup", time.Time{})
		sim.advance(time.Minute)
		sim.expectEvents()
		sim.mustPing(n, "backup", "/fail") // a later one is
		sim.mustPing(n, "backup", "")
		sim.advance(time.Minute)
		sim.expectEvents("opened", "resolved")
	})
}

func TestMute_TheEndOfAnAnnouncedFailureIsSentAndItsRemindersWait(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.remindEvery(10 * time.Minute)
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "/fail")
		sim.advance(time.Minute)
		sim.mute("backup", time.Now().Add(time.Hour))
		sim.advance(59 * time.Minute)
		sim.expectEvents("opened")
		sim.advance(2 * time.Minute)
		sim.expectEvents("opened", "reminder")
		sim.mute("backup", monitor.MutedUntilUnmuted)
		sim.advance(30 * time.Minute)
		sim.mustPing(n, "backup", "")
		sim.advance(time.Minute)
		sim.expectEvents("opened", "reminder", "resolved")
	})
}

func TestMute_WithoutATimeAnUnmuteSendsTheOpeningAtOnce(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.remindEvery(10 * time.Minute)
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mute("backup", monitor.MutedUntilUnmuted)
		sim.mustPing(n, "backup", "/fail")
		sim.advance(time.Hour)
		sim.update(func(tx *store.Tx) error { // acknowledged, while it is held back
			_, err := tx.AcknowledgeIncident(sim.incidents()[0], "Ana", time.Now())
			return err
		})
		sim.advance(time.Hour)
		sim.expectEvents()
		sim.receiver.setFailure(&notify.SendError{Status: 503})
		unmuted := time.Now()
		sim.mute("backup", time.Time{})
		for _, d := range sim.incidentDeliveries() {
			if d.Event == monitor.IncidentOpened && !d.Created.Equal(unmuted.Truncate(time.Microsecond)) {
				t.Errorf("pending since %s; want %s, so that it is retried for a day", d.Created, unmuted)
			}
		}
		sim.advance(time.Minute)
		sim.receiver.setFailure(nil) // it is retried as any alert
		sim.advance(3 * time.Minute)
		sim.expectEvents("opened", "acknowledged")
	})
}

func TestMute_AnOpeningIsRetriedForADayAfterTheMute(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		end := time.Now().Add(time.Hour)
		sim.mute("backup", end)
		sim.mustPing(n, "backup", "/fail")
		sim.advance(30 * time.Minute)
		for _, d := range sim.incidentDeliveries() {
			if d.Event == monitor.IncidentOpened && !d.Created.Equal(end.Truncate(time.Microsecond)) {
				t.Errorf("pending since %s; want %s, so that it is retried for a day", d.Created, end)
			}
		}
		sim.receiver.setFailure(&notify.SendError{Status: 503})
		sim.advance(31 * time.Minute)
		sim.receiver.setFailure(nil)
		sim.advance(3 * time.Minute)
		sim.expectEvents("opened")
	})
}

func TestMute_NoOtherRuleReleasesAnAlert(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.receiver.setFailure(&notify.SendError{Status: 503})
		sim.mustPing(n, "backup", "/fail")
		sim.advance(time.Second)
		sim.mustPing(n, "backup", "")
		sim.mute("backup", time.Now().Add(10*time.Hour))
		sim.mustPing(n, "backup", "/fail") // waits for the resolution, too
		sim.advance(time.Minute)
		sim.receiver.setFailure(nil)
		sim.advance(time.Hour)
		sim.expectEvents("opened", "resolved") // attempted before the mute, and the end of it
		sim.update(func(tx *store.Tx) error {
			channels, err := tx.ChannelRoutes(sim.project)
			if err != nil {
				return err
			}
			n, err := tx.RetryPending(channels[0].ID, time.Now())
			if n != 0 {
				sim.t.Errorf("%d alerts are retried; want none", n)
			}
			return err
		})
		sim.advance(time.Minute)
		sim.expectEvents("opened", "resolved")
		sim.mute("backup", time.Now().Add(time.Hour)) // a shorter one
		sim.advance(time.Hour + 3*time.Second)
		sim.expectEvents("opened", "resolved", "opened")
	})
}

func TestMute_AChannelThatIsDeletedMeanwhileLeavesNoFailureUnannounced(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mute("backup", time.Now().Add(time.Hour))
		sim.mustPing(n, "backup", "/fail")
		sim.advance(time.Minute)
		sim.update(func(tx *store.Tx) error {
			channels, err := tx.Channels(sim.project)
			if err != nil {
				return err
			}
			if _, err := tx.AddChannel(monitor.Channel{Project: sim.project, Kind: "webhook", Name: "new", Settings: map[string]any{}, NotifyOnRecovery: true, Created: time.Now()}); err != nil {
				return err
			}
			return tx.DeleteChannel(channels[0], time.Now())
		})
		sim.advance(time.Hour)
		sim.expectEvents("opened")
		sim.mustPing(n, "backup", "")
		sim.advance(time.Minute)
		sim.expectEvents("opened", "resolved")
	})
}

func TestDeleteChannel_TheChannelThatTakesOverIsReminded(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mute("backup", time.Now().Add(time.Hour))
		sim.mustPing(n, "backup", "/fail")
		sim.update(func(tx *store.Tx) error {
			channels, err := tx.Channels(sim.project)
			if err != nil {
				return err
			}
			if _, err := tx.AddChannel(monitor.Channel{
				Project: sim.project, Kind: "webhook", Name: "new", Settings: map[string]any{}, RemindEvery: 10 * time.Minute, Created: time.Now(),
			}); err != nil {
				return err
			}
			return tx.DeleteChannel(channels[0], time.Now())
		})
		sim.advance(time.Hour + time.Minute)
		sim.expectEvents("opened")
		sim.advance(20 * time.Minute)
		sim.expectEvents("opened", "reminder", "reminder")
	})
}
