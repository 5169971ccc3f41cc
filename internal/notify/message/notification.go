// Package message writes the texts of alerts, which are the same for all kinds of channels. Pure.
package message

import (
	"strings"
	"time"

	"overdue/client"
)

// The events.
const (
	EventOpened           = "incident.opened"
	EventReminder         = "incident.reminder"
	EventAcknowledged     = "incident.acknowledged"
	EventResolved         = "incident.resolved"
	EventLate             = "heartbeat.late"
	EventChannelFailing   = "channel.failing"
	EventChannelRecovered = "channel.recovered"
	EventBlackout         = "blackout.noticed"
	EventGrouped          = "incidents.grouped"
	EventTest             = "test"
)

// Causes and resolutions of incidents, and effects of blackouts, with their names in the API.
const (
	causeMissed     = "missed"
	causeFailure    = "failure"
	causeOverran    = "overran"
	causeTooShort   = "too_short"
	causeNotStarted = "not_started"
	endedEdited     = "edited"
	endedPaused     = "paused"
	endedDeleted    = "deleted"
	endedRepaired   = "repaired"
	effectUnknown   = "unknown"
)

// Limits of a message.
const (
	maxOutput          = 2 << 10 // bytes of the output of the job
	maxNamedHeartbeats = 20      // heartbeats named in a blackout message
	maxTokenLength     = 200     // characters of an id in a header
	maxLineLength      = 200     // characters of a name or a subject
	maxSubjectName     = 48      // characters of a name in a subject: a phone still shows the cause

	maxDescription = 5000 // characters of a description
)

// Notification holds all facts of one message. Unknown facts are zero and are
// omitted. Texts may come from jobs and people: this package cleans them.
type Notification struct {
	// AlertID is the idempotency key: the same on every attempt.
	AlertID string
	// Event is one of the Event constants, At when it happened.
	Event string
	At    time.Time
	// Project and Channel are the names of the project and the channel.
	Project, Channel string
	// ProjectSlug is the slug of the project, ChannelURL the page of the channel.
	ProjectSlug, ChannelURL string
	// Recipients are the recipients of this attempt. Nil: all recipients of the
	// channel.
	Recipients []string
	// ThreadID is the same for all messages about one incident, otherwise empty.
	ThreadID string
	// Thread is what the service of the channel returned for the first message about
	// the incident, to which later messages reply; empty: nothing. Threads are those of
	// the recipients, of a service with recipients.
	Thread  string
	Threads map[string]string
	// Zone is the time zone of the texts. Nil: UTC.
	Zone *time.Location

	// Notice is the JSON body. Its Event, AlertID and At come from the fields
	// above, and so do Text and URL if they are empty.
	Notice client.Notification

	// SnoozeEnded means that a reminder ends a snooze of the incident.
	SnoozeEnded bool

	// Heartbeat is the name of the heartbeat, Description its description, with
	// line breaks.
	Heartbeat, Description string
	// Number is the number of the incident, such as #482.
	Number int64
	// Cause is "missed", "failure", "overran", "too_short" or "not_started".
	Cause string
	// Schedule is the schedule in words: "every 24 h", "at 03:00 on weekdays, UTC".
	Schedule string
	// Grace is the time from Due to the deadline.
	Grace time.Duration
	// LastPing is the last success or failure, Due when the next ping was
	// expected, Deadline when the incident opens.
	LastPing, Due, Deadline time.Time
	// Explanation explains the decision in one sentence.
	Explanation string
	// ExitCode is the exit code that the job reported, if any.
	ExitCode *int
	// MaxRunTime is the maximum run time, if the run took longer.
	MaxRunTime time.Duration
	// DownSince is the time at which the incident opened: the deadline, not its detection.
	DownSince time.Time
	// DownFor is the duration of the incident so far, or in total.
	DownFor time.Duration
	// Resolution is "recovered", "edited", "paused", "deleted" or "repaired".
	Resolution string
	// NextDue is the time at which the next ping is expected after a recovery.
	NextDue time.Time
	// AcknowledgedBy is the name of the person who acknowledged the incident.
	AcknowledgedBy string
	// Escalation is why a later step of a policy sends the message, such as "not acknowledged for
	// 15 min (step 2 of policy Nights)"; empty: none does.
	Escalation string
	// Flapping says that the heartbeat fails and recovers again and again, in sentences; empty: it does not.
	Flapping string
	// Output is the last output of the job. A message contains at most its last 2 kB.
	Output string

	// URL is the page of the incident or the subject, AckURL acknowledges the
	// incident.
	URL, AckURL string

	// Blackout is set for EventBlackout, Failing for EventChannelFailing and
	// EventChannelRecovered.
	Blackout *client.BlackoutDetail
	Failing  *FailingChannel
	// Group is set for EventGrouped.
	Group *client.IncidentGroup
}

// FailingChannel is a channel that fails or has recovered.
type FailingChannel struct {
	// ID is the id of the channel, and empty in alerts of earlier versions.
	ID string
	// Channel is its name, Recipient the affected recipient or "" for all, and
	// Reason the last error.
	Channel, Recipient, Reason string
	// Since is the first failed attempt.
	Since time.Time
}

// Body returns the JSON body. Members that also occur in headers and
// texts come from the same source.
func (n Notification) Body() client.Notification {
	body := n.Notice
	body.Event, body.AlertID, body.At = n.Event, n.AlertID, n.At.UTC()
	m := n.Message()
	if body.Text == "" {
		body.Text = m.Lead
		if m.Description != "" {
			body.Text += "\n\n" + m.Description
		}
	}
	if body.URL == "" {
		body.URL = n.URL
	}
	body.Blackout, body.Group = n.Blackout, n.Group
	body.Why, body.Output, body.ExitCode = textOrNull(OneLine(n.Explanation)), textOrNull(m.Output), n.ExitCode
	if n.acknowledgeable() {
		body.AcknowledgeURL = textOrNull(n.AckURL)
	}
	return body
}

// textOrNull returns nil for an empty text.
func textOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// description returns the description of the heartbeat for events about a
// heartbeat.
func (n Notification) description() string {
	if !n.IsEvent(EventOpened, EventReminder, EventAcknowledged, EventResolved, EventLate) {
		return ""
	}
	return Shorten(strings.Trim(Lines(n.Description), "\n\t "), maxDescription)
}

// acknowledgeable reports whether the message has a link to acknowledge the incident.
func (n Notification) acknowledgeable() bool {
	return n.AckURL != "" && n.IsEvent(EventOpened, EventReminder)
}

// Name returns the name of the heartbeat in one line.
func (n Notification) Name() string { return CleanLine(n.Heartbeat) }

// clock returns the clock for the times of this notification.
func (n Notification) clock() clock {
	zone := n.Zone
	if zone == nil {
		zone = time.UTC
	}
	return clock{zone: zone, now: n.At}
}

// CleanLine returns a text as one line of limited length.
func CleanLine(text string) string { return Shorten(OneLine(text), maxLineLength) }

// outputTail returns the end of the output of the job: whole lines if possible, at
// most maxOutput bytes.
func outputTail(text string) string {
	text = strings.TrimRight(Lines(text), "\n\t ")
	if len(text) <= maxOutput {
		return text
	}
	// A shortened line starts with an ellipsis.
	text = text[len(text)-maxOutput+len("…"):]
	if _, rest, found := strings.Cut(text, "\n"); found {
		return rest
	}
	return "…" + strings.ToValidUTF8(text, "") // the cut may have split a character
}

// HeaderToken returns an id with characters that are safe in every header.
func HeaderToken(id string) string {
	id = strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') {
			return r
		}
		return '-'
	}, id)
	return id[:min(len(id), maxTokenLength)] // one byte a character by now
}
