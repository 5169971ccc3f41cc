package urgency

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"overdue/internal/monitor"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// single returns how many of n openings at a time are single ones.
func (b *Bursts) single(n int, channel string, cause monitor.Cause, at time.Duration) (single int) {
	for range n {
		if !b.Contains(channel, cause, start.Add(at)) {
			single++
		}
	}
	return single
}

func TestContains_ABurstIsWhatExceedsTheRateOfItsCauseAndChannel(t *testing.T) {
	var b Bursts
	for _, c := range []struct {
		name    string
		n       int
		channel string
		cause   monitor.Cause
		at      time.Duration
		want    int
	}{
		{"the first ones of a burst", 20_000, "ops", monitor.CauseMissed, 0, 16},
		{"another cause meanwhile", 10, "ops", monitor.CauseFailure, 0, 10},
		{"another channel meanwhile", 10, "mail", monitor.CauseMissed, 0, 10},
		{"the burst continues", 500, "ops", monitor.CauseMissed, 100 * time.Millisecond, 0},
		{"a second later", 500, "ops", monitor.CauseMissed, 1100 * time.Millisecond, 4},
		{"much later", 100, "ops", monitor.CauseMissed, time.Hour, 16},
		{"the clock was set back", 10, "ops", monitor.CauseMissed, 0, 0},
		{"a second after that", 500, "ops", monitor.CauseMissed, time.Second, 4},
	} {
		if got := b.single(c.n, c.channel, c.cause, c.at); got != c.want {
			t.Errorf("%s: %d of %d are single openings; want %d", c.name, got, c.n, c.want)
		}
	}
}

func TestContains_ASteadyRateIsNoBurst(t *testing.T) {
	var b Bursts
	for n := range 1000 {
		if b.Contains("ops", monitor.CauseFailure, start.Add(time.Duration(n)*100*time.Millisecond)) {
			t.Fatalf("failure %d of ten per second is a part of a burst", n)
		}
	}
}

func TestContains_RemembersABoundedNumberOfChannels(t *testing.T) {
	var b Bursts
	b.single(bucketSize, "ops", monitor.CauseMissed, 0)
	for n := range 3 * maxBuckets {
		b.Contains(fmt.Sprint("channel ", n), monitor.CauseMissed, start.Add(time.Duration(n)*10*time.Millisecond))
		if len(b.buckets) > maxBuckets {
			t.Fatalf("%d buckets in memory; want at most %d", len(b.buckets), maxBuckets)
		}
	}
	for n := range 3 * maxBuckets { // none of them is full again
		b.Contains(fmt.Sprint("other ", n), monitor.CauseMissed, start.Add(time.Minute))
		if len(b.buckets) > maxBuckets {
			t.Fatalf("%d buckets in memory; want at most %d", len(b.buckets), maxBuckets)
		}
	}
}

func TestOf_OpeningsBySeverityThenBurstsThenEverythingElse(t *testing.T) {
	opening := func(s monitor.Severity) monitor.Alert {
		return monitor.Alert{Event: monitor.IncidentOpened, Severity: s}
	}
	var got []int
	for _, u := range []int64{
		Of(monitor.Alert{Event: monitor.ChannelFailing}, false), Of(opening(""), false), Of(opening(monitor.SeverityCritical), false),
		Of(opening(monitor.SeverityWarning), false), Of(opening(monitor.SeverityInfo), false),
		Of(opening(monitor.SeverityCritical), true), Of(opening(monitor.SeverityWarning), true), Of(opening(monitor.SeverityInfo), true),
		Of(monitor.Alert{Event: monitor.IncidentResolved}, false), Of(monitor.Alert{Event: monitor.IncidentReminder}, true),
	} {
		got = append(got, slices.Index(Order, u))
	}
	if want := []int{0, 0, 0, 1, 2, 3, 4, 5, 6, 6}; !slices.Equal(got, want) {
		t.Errorf("places %v; want %v", got, want)
	}
}
