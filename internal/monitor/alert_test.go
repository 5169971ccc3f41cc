package monitor

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// expectedAlert is an alert in the rows below.
type expectedAlert struct {
	Channel  string
	Event    Event
	Incident string
	Next     time.Duration
}

func TestAlertsFor_EachChannelGetsTheEventsItIsConfiguredFor(t *testing.T) {
	at := func(d time.Duration) time.Time { return epoch.Add(d) }
	plain := Channel{ID: "plain", Project: 1, NotifyOnRecovery: true}
	other := Channel{ID: "other", Project: 1, NotifyOnRecovery: true}
	eager := Channel{ID: "eager", Project: 1, NotifyOnRecovery: true, NotifyOnLate: true}
	quiet := Channel{ID: "quiet", Project: 1}
	nagging := Channel{ID: "nagging", Project: 1, RemindEvery: time.Hour}
	foreign := Channel{ID: "foreign", Project: 2, NotifyOnLate: true, NotifyOnRecovery: true}
	opened := Change{Opened: &Opening{Cause: CauseMissed, At: at(minutes(7))}}
	resolved := Change{Resolved: &Resolution{Reason: ResolvedByPing, At: at(minutes(9))}}
	both := Change{Opened: opened.Opened, Resolved: resolved.Resolved}
	now := minutes(10)
	for _, row := range []struct {
		name     string
		only     []string // explicit channels; nil means all
		change   Change
		channels []Channel
		want     []expectedAlert
	}{
		{"NoChangeTellsNobody", nil, Change{}, []Channel{eager, nagging}, nil},
		{
			"AnOpeningIsToldToEveryChannelOfTheProject", nil, opened,
			[]Channel{plain, quiet, foreign},
			[]expectedAlert{{"plain", IncidentOpened, "i", now}, {"quiet", IncidentOpened, "i", now}},
		},
		{
			"WithExplicitChannelsOnlyToThose",
			[]string{"other"},
			opened,
			[]Channel{plain, other},
			[]expectedAlert{{"other", IncidentOpened, "i", now}},
		},
		{"WithNoneOfThemToNobody", []string{}, opened, []Channel{plain, other}, nil},
		{"AChannelOfAnotherProjectIsNeverTold", []string{"foreign"}, opened, []Channel{foreign}, nil},
		{
			"ARecoveryIsToldWhereItIsWanted", nil, resolved,
			[]Channel{plain, quiet},
			[]expectedAlert{{"plain", IncidentResolved, "i", now}},
		},
		{
			"LateIsToldWhereItIsWantedAndBelongsToNoIncident", nil,
			Change{LateSince: at(minutes(5))},
			[]Channel{plain, eager},
			[]expectedAlert{{"eager", HeartbeatLate, "", now}},
		},
		{
			"AReminderIsOwedFromWhenTheOpeningIsTold", nil, opened,
			[]Channel{nagging},
			[]expectedAlert{{"nagging", IncidentOpened, "i", now}, {"nagging", IncidentReminder, "i", minutes(70)}},
		},
		{
			"WhatIsOverAlreadyIsToldInOrderWithoutAReminder", nil, both,
			[]Channel{plain, nagging},
			[]expectedAlert{
				{"plain", IncidentOpened, "i", now},
				{"plain", IncidentResolved, "i", now},
				{"nagging", IncidentOpened, "i", now},
			},
		},
		{"AFurtherFailureIsAnEntryAndNoAlert", nil, Change{FailedAgain: true}, []Channel{eager, nagging}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := Heartbeat{Key: 7, Project: 1, AllChannels: row.only == nil, Channels: row.only}
			var got []expectedAlert
			for _, a := range h.AlertsFor(row.change, Incident{ID: "i"}, Audience{Channels: row.channels}, at(now)) {
				if a.Heartbeat != 7 || a.Project != 1 || !a.Created.Equal(at(now)) {
					t.Errorf("alert %+v", a)
				}
				got = append(got, expectedAlert{a.Channel, a.Event, a.Incident, a.NextAttempt.Sub(epoch)})
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("pending alerts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNotifiesOn_OtherEventsDoNotDependOnSettings(t *testing.T) {
	for _, e := range []Event{IncidentOpened, IncidentReminder, IncidentAcknowledged, ChannelFailing, TestAlert} {
		if !(Channel{}).NotifiesOn(e) {
			t.Errorf("%s is not wanted", e)
		}
	}
}

// From the ping to the alerts.
func TestAlertsFor_BecomingUpSendsNothing(t *testing.T) {
	channels := []Channel{{ID: "all", Project: 1, NotifyOnLate: true, NotifyOnRecovery: true, RemindEvery: time.Hour}}
	for name, s := range map[string]*scenario{
		"FromNew":    play(t, fiveMinuteRule),
		"FromPaused": play(t, fiveMinuteRule, pingAt(PingSuccess, 0), pauseAt(minutes(1))),
		"FromUp":     play(t, fiveMinuteRule, pingAt(PingSuccess, 0)),
		"FromLate":   play(t, fiveMinuteRule, pingAt(PingSuccess, 0), evaluateAt(minutes(6))),
	} {
		p := Ping{Kind: PingSuccess, At: epoch.Add(minutes(6.5)), Method: "POST"}
		h, change := s.h.ApplyPing(p, p.At)
		if got := h.AlertsFor(change, Incident{}, Audience{Channels: channels}, p.At); h.Status != Up || len(got) > 0 {
			t.Errorf("%s: %s, pending alerts %+v", name, h.Status, got)
		}
	}
}
