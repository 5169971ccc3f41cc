package demo

import (
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// channel is a channel, and how it answers.
type channel struct {
	monitor.Channel
	failsSince time.Time // zero: never
	failure    monitor.DeliveryResult
}

// webhookSecret signs webhooks. Nothing verifies it.
const webhookSecret = "whsec_ZGVtbyBkYXRhIGhhcyBubyBzZWNyZXRzIGF0IGFsbA=="

// addChannels adds a channel in each state except untested.
func (s *simulation) addChannels(receiver string) error {
	webhook := func(path string) map[string]any {
		return map[string]any{"url": receiver + path, "secret": webhookSecret}
	}
	email := func(to ...any) map[string]any { return map[string]any{"to": to} }
	for _, c := range []channel{
		{Channel: monitor.Channel{Kind: "webhook", Name: "On-call pager", Settings: webhook("/working/pager"), NotifyOnRecovery: true, RemindEvery: 4 * hours}},
		{Channel: monitor.Channel{Kind: "email", Name: "Operations team", Settings: email("ops@example.com", "ade@example.com"), NotifyOnRecovery: true}},
		{Channel: monitor.Channel{Kind: "email", Name: "Data team", Settings: email("data@example.com"), NotifyOnRecovery: true}},
		{
			Channel:    monitor.Channel{Kind: "webhook", Name: "Office chat", Settings: webhook("/failing/chat"), NotifyOnRecovery: true},
			failsSince: s.now.Add(-3 * day),
			failure:    monitor.DeliveryResult{Permanent: true, StatusCode: 404, Reason: "Not Found: no such hook"},
		},
		{
			Channel:    monitor.Channel{Kind: "webhook", Name: "Warehouse screen", Settings: webhook("/retrying/screen")},
			failsSince: s.now.Add(-retryingFor),
			failure:    monitor.DeliveryResult{StatusCode: 503, Reason: "Service Unavailable"},
		},
	} {
		if err := s.addChannel(c, s.monthAgo().Add(6*hours)); err != nil {
			return err
		}
	}
	return nil
}

// retryingFor is the time since the first failure of the retrying channel.
const retryingFor = monitor.FailingAfter - time.Minute

// addUntestedChannel adds a channel that never got an alert.
func (s *simulation) addUntestedChannel() error {
	return s.addChannel(channel{Channel: monitor.Channel{
		Kind: "email", Name: "Management", Settings: map[string]any{"to": []any{"board@example.com"}}, NotifyOnLate: true,
	}}, s.now.Add(-10*minutes))
}

// addChannel adds one channel.
func (s *simulation) addChannel(c channel, created time.Time) (err error) {
	c.Project, c.Created = s.project.Key, created
	if c.Channel, err = s.tx.AddChannel(c.Channel); err != nil {
		return err
	}
	s.channels = append(s.channels, c)
	return s.audit(0, created, "channel.create", c.Name, c.Kind)
}

// deliver attempts all alerts that are due, and records the invented results.
func (s *simulation) deliver(at time.Time) error {
	const most = 100
	for _, c := range s.channels {
		alerts, err := s.tx.Claim(c.ID, "demo", at, at.Add(minutes), most)
		if err != nil {
			return err
		}
		for _, a := range alerts {
			if err := s.attempt(c, a, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// attempt records one attempt.
func (s *simulation) attempt(c channel, a monitor.Alert, at time.Time) error {
	took := time.Duration(80+len(a.Incident)*a.Attempts*7+int(a.IncidentNumber)*13%400) * time.Millisecond
	done := store.Attempt{AlertID: a.ID, Number: a.Attempts, At: at, Took: took, Outcome: "sent", Status: 200, Detail: "OK"}
	result := monitor.DeliveryResult{Delivered: true}
	if c.Kind == "email" {
		done.Status, done.Detail = 250, "2.0.0 OK"
	}
	fails := !c.failsSince.IsZero() && !at.Before(c.failsSince)
	if fails {
		result = c.failure
		done.Outcome, done.Status, done.Detail = "retry", result.StatusCode, result.Reason
		if result.Permanent {
			done.Outcome = "refused"
		}
	}
	if err := s.tx.AddAttempt(done); err != nil {
		return err
	}
	if err := s.tx.RecordDelivery(c.ID, []monitor.DeliveryResult{result}, true, a.Attempts, at); err != nil {
		return err
	}
	switch {
	case !fails:
		return s.delivered(c, a, at)
	case !result.Permanent:
		return s.tx.Reschedule(a, s.now.Add(2*minutes), time.Time{})
	}
	if _, err := s.tx.MarkFailed(a); err != nil {
		return err
	}
	if a.Incident != "" {
		if err := s.tx.AddTimelineEntry(a.Incident, "undelivered", "Not delivered to "+c.Name+": "+result.Reason+".", at); err != nil {
			return err
		}
	}
	return s.tx.ReleaseNext(a, at)
}

// delivered marks an alert as sent.
func (s *simulation) delivered(c channel, a monitor.Alert, at time.Time) error {
	if _, err := s.tx.MarkSent(a.ID); err != nil {
		return err
	}
	if a.Event == monitor.IncidentReminder {
		return s.tx.AddTimelineEntry(a.Incident, "reminder", "Reminded "+c.Name+".", at)
	}
	return s.tx.ReleaseNext(a, at)
}
