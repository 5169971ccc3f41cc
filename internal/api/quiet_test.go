package api

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"overdue/client"
)

func TestMuteHeartbeat_ForADurationUntilATimeAndUntilUnmuted(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		h := w.heartbeat("Backup")
		at := time.Now().Add(3 * time.Hour).UTC().Truncate(time.Second)
		for name, test := range map[string]struct {
			period client.QuietPeriod
			valid  func(*time.Time) bool
		}{
			"for 2h": {client.QuietPeriod{For: "2h"}, func(end *time.Time) bool {
				return end != nil && time.Until(*end) < 2*time.Hour && time.Until(*end) > time.Hour
			}},
			"seconds": {client.QuietPeriod{For: 7200}, func(end *time.Time) bool { return end != nil && time.Until(*end) > time.Hour }},
			"until":   {client.QuietPeriod{Until: &at}, func(end *time.Time) bool { return end != nil && end.Equal(at) }},
			"forever": {client.QuietPeriod{}, func(end *time.Time) bool { return end == nil }},
		} {
			got, err := c.MuteHeartbeat(t.Context(), h.Ref, test.period)
			if err != nil || !got.Muted || !test.valid(got.MutedUntil) {
				t.Errorf("%s: muted %t until %v, %v", name, got.Muted, got.MutedUntil, err)
			}
		}
		got, err := c.UnmuteHeartbeat(t.Context(), h.Ref)
		if err != nil || got.Muted || got.MutedUntil != nil {
			t.Errorf("unmuted: muted %t until %v, %v", got.Muted, got.MutedUntil, err)
		}
		past := time.Now().Add(-time.Hour)
		for name, period := range map[string]client.QuietPeriod{"both": {For: "2h", Until: &at}, "past": {Until: &past}, "word": {For: "soon"}, "year": {For: "367d"}} {
			if _, err := c.MuteHeartbeat(t.Context(), h.Ref, period); problemStatus(err) != http.StatusUnprocessableEntity {
				t.Errorf("%s: %v; want 422", name, err)
			}
		}
	})
}

func TestSnoozeIncident_UntilItsEndOrAConflict(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		w.channel("Ops")
		c := w.client("read-write")
		_, i := w.fail("Backup")
		got, err := c.SnoozeIncident(t.Context(), i.ID, client.QuietPeriod{For: "2h"})
		if err != nil || got.SnoozedUntil == nil || time.Until(*got.SnoozedUntil) < time.Hour {
			t.Errorf("snoozed until %v, %v", got.SnoozedUntil, err)
		}
		if _, err := c.SnoozeIncident(t.Context(), i.ID, client.QuietPeriod{}); problemStatus(err) != http.StatusUnprocessableEntity {
			t.Errorf("without a time: %v; want 422", err)
		}
		if got, err = c.UnsnoozeIncident(t.Context(), i.ID); err != nil || got.SnoozedUntil != nil {
			t.Errorf("ended: snoozed until %v, %v", got.SnoozedUntil, err)
		}
		if _, err := c.AcknowledgeIncident(t.Context(), i.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := c.SnoozeIncident(t.Context(), i.ID, client.QuietPeriod{For: "2h"}); problemStatus(err) != http.StatusConflict {
			t.Errorf("acknowledged: %v; want 409", err)
		}
	})
}

// problemStatus returns the status of an error of the API, 0 for another error.
func problemStatus(err error) int {
	if p, ok := errors.AsType[*client.Problem](err); ok {
		return p.Status
	}
	return 0
}
