package monitor

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// owed is an alert as the rows below tell it.
type owed struct {
	Channel  string
	Event    Event
	Incident string
	Next     time.Duration
}

func TestWhoIsToldOfWhat(t *testing.T) {
	at := func(d time.Duration) time.Time { return epoch.Add(d) }
	plain := Channel{ID: "plain", Project: 1, TellRecovered: true}
	other := Channel{ID: "other", Project: 1, TellRecovered: true}
	eager := Channel{ID: "eager", Project: 1, TellRecovered: true, TellLate: true}
	quiet := Channel{ID: "quiet", Project: 1}
	nagging := Channel{ID: "nagging", Project: 1, RemindEvery: time.Hour}
	foreign := Channel{ID: "foreign", Project: 2, TellLate: true, TellRecovered: true}
	opened := Change{Opened: &Opening{Cause: Missed, At: at(minutes(7))}}
	resolved := Change{Resolved: &Resolution{How: Recovered, At: at(minutes(9))}}
	both := Change{Opened: opened.Opened, Resolved: resolved.Resolved}
	now := minutes(10)
	for _, row := range []struct {
		name     string
		only     []string // explicit channels; all when nil
		change   Change
		channels []Channel
		want     []owed
	}{
		{"NoChangeTellsNobody", nil, Change{}, []Channel{eager, nagging}, nil},
		{
			"AnOpeningIsToldToEveryChannelOfTheProject", nil, opened,
			[]Channel{plain, quiet, foreign},
			[]owed{{"plain", IncidentOpened, "i", now}, {"quiet", IncidentOpened, "i", now}},
		},
		{
			"WithExplicitChannelsOnlyToThose",
			[]string{"other"},
			opened,
			[]Channel{plain, other},
			[]owed{{"other", IncidentOpened, "i", now}},
		},
		{"WithNoneOfThemToNobody", []string{}, opened, []Channel{plain, other}, nil},
		{"AChannelOfAnotherProjectIsNeverTold", []string{"foreign"}, opened, []Channel{foreign}, nil},
		{
			"ARecoveryIsToldWhereItIsWanted", nil, resolved,
			[]Channel{plain, quiet},
			[]owed{{"plain", IncidentResolved, "i", now}},
		},
		{
			"LateIsToldWhereItIsWantedAndBelongsToNoIncident", nil,
			Change{Late: at(minutes(5))},
			[]Channel{plain, eager},
			[]owed{{"eager", HeartbeatLate, "", now}},
		},
		{
			"AReminderIsOwedFromWhenTheOpeningIsTold", nil, opened,
			[]Channel{nagging},
			[]owed{{"nagging", IncidentOpened, "i", now}, {"nagging", IncidentReminder, "i", minutes(70)}},
		},
		{
			"WhatIsOverAlreadyIsToldInOrderWithoutAReminder", nil, both,
			[]Channel{plain, nagging},
			[]owed{
				{"plain", IncidentOpened, "i", now},
				{"plain", IncidentResolved, "i", now},
				{"nagging", IncidentOpened, "i", now},
			},
		},
		{"AFurtherFailureIsAnEntryAndNoAlert", nil, Change{Failed: true}, []Channel{eager, nagging}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := Heartbeat{Key: 7, Project: 1, AllChannels: row.only == nil, Channels: row.only}
			var got []owed
			for _, a := range h.Owes(row.change, Incident{ID: "i"}, nil, row.channels, at(now)) {
				if a.Heartbeat != 7 || a.Project != 1 || !a.Created.Equal(at(now)) {
					t.Errorf("alert %+v", a)
				}
				got = append(got, owed{a.Channel, a.Event, a.Incident, a.Next.Sub(epoch)})
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("owed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAChannelWantsTheRestWhateverItsSettings(t *testing.T) {
	for _, e := range []Event{IncidentOpened, IncidentReminder, IncidentAcknowledged, ChannelFailing, TestAlert} {
		if !(Channel{}).Wants(e) {
			t.Errorf("%s is not wanted", e)
		}
	}
}

// The whole way from the ping to the alerts.
func TestBecomingUpTellsNobody(t *testing.T) {
	channels := []Channel{{ID: "all", Project: 1, TellLate: true, TellRecovered: true, RemindEvery: time.Hour}}
	for name, s := range map[string]*story{
		"FromNew":    tell(t, nightly),
		"FromPaused": tell(t, nightly, hear(Success, 0), pause(minutes(1))),
		"FromUp":     tell(t, nightly, hear(Success, 0)),
		"FromLate":   tell(t, nightly, hear(Success, 0), sweep(minutes(6))),
	} {
		p := Ping{Kind: Success, At: epoch.Add(minutes(6.5)), Method: "POST"}
		h, change := s.h.Hear(p, p.At)
		if got := h.Owes(change, Incident{}, nil, channels, p.At); h.Status != Up || len(got) > 0 {
			t.Errorf("%s: %s, owed %+v", name, h.Status, got)
		}
	}
}
