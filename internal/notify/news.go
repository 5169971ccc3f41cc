package notify

import (
	"strings"
	"time"

	"overdue/client"
)

// The events that people are told about.
const (
	EventOpened           = "incident.opened"
	EventReminder         = "incident.reminder"
	EventAcknowledged     = "incident.acknowledged"
	EventResolved         = "incident.resolved"
	EventLate             = "heartbeat.late"
	EventChannelFailing   = "channel.failing"
	EventChannelRecovered = "channel.recovered"
	EventBlackout         = "blackout.noticed"
	EventTest             = "test"
)

// The causes of an incident and the ways it ends, as the API names them.
const (
	causeMissed     = "missed"
	causeFailure    = "failure"
	causeOverran    = "overran"
	causeTooShort   = "too_short"
	causeNotStarted = "not_started"
	endedEdited     = "edited"
	endedPaused     = "paused"
	endedDeleted    = "deleted"
)

// Bounds of what a message holds.
const (
	maxOutput          = 2 << 10 // bytes of the job's output in a message
	maxNamedHeartbeats = 20      // heartbeats named in a blackout notice
	maxTokenLength     = 200     // characters of an id in a header
	maxLineLength      = 200     // characters of a name or a subject
	maxSubjectName     = 48      // characters of a name in a subject, so that a phone shows the cause

	maxDescription = 5000 // characters of a description
)

// Notification is everything one message may say. What is not known stays zero and is
// left out. Texts may hold anything a job or a person wrote: they are cleaned
// here, not by the caller.
type Notification struct {
	// AlertID is the idempotency key: the same on every attempt.
	AlertID string
	// Event is one of the Event constants, At when it happened.
	Event string
	At    time.Time
	// Project and Channel are the names of where it belongs and who is notified.
	Project, Channel string
	// ProjectSlug is the project's in the API, ChannelURL the page of the channel.
	ProjectSlug, ChannelURL string
	// Recipients are those of the channel that this attempt is for. Nil: all.
	Recipients []string
	// ThreadID is the same for all messages of one incident, and empty outside.
	ThreadID string
	// Zone is the zone of the clock times in the words. Nil: UTC.
	Zone *time.Location

	// Notice is the JSON body. Event, AlertID and At are set from the above,
	// Text and URL too where they are empty.
	Notice client.Notification

	// Heartbeat is its name, Description what its owners wrote about it: where it
	// runs, who owns it, what to do. It keeps its line breaks.
	Heartbeat, Description string
	// Number is the incident's: people say #482.
	Number int64
	// Cause is "missed", "failure", "overran", "too_short" or "not_started".
	Cause string
	// Schedule is the expectation in words: "every 24 h", "at 03:00 on weekdays, UTC".
	Schedule string
	// Grace is the time after Due until silence is an incident.
	Grace time.Duration
	// LastPing is the last success or failure, Due when the next was expected,
	// Deadline when silence becomes an incident.
	LastPing, Due, Deadline time.Time
	// Explanation is the arithmetic behind the decision, in one sentence.
	Explanation string
	// ExitCode is what the job reported, if it did.
	ExitCode *int
	// MaxRunTime is what a run may take, where it took longer.
	MaxRunTime time.Duration
	// DownSince is when the incident opened: the deadline, not the discovery.
	DownSince time.Time
	// DownFor is how long it has been or was down.
	DownFor time.Duration
	// Resolution is "recovered", "edited", "paused" or "deleted".
	Resolution string
	// NextDue is when the next ping is expected after a recovery.
	NextDue time.Time
	// AcknowledgedBy is who acknowledged.
	AcknowledgedBy string
	// Output is the end of the job's last output. At most 2 kB of it are told.
	Output string

	// URL is the page of the incident (or what the message is about), AckURL
	// where it can be acknowledged.
	URL, AckURL string

	// Blackout is set for EventBlackout, Failing for EventChannelFailing and
	// EventChannelRecovered.
	Blackout *Blackout
	Failing  *FailingChannel
}

// Blackout is a time in which Overdue itself was not watching.
type Blackout struct {
	From, To time.Time
	// NotEvaluated are the names of the heartbeats that were due in that time.
	NotEvaluated []string
}

// FailingChannel is a channel that alerts do not get through, or did not until now.
type FailingChannel struct {
	// Channel is its name, Recipient the one of its recipients that does not get
	// alerts, or "" for all, and Detail what its provider answered last.
	Channel, Recipient, Reason string
	// Since is the first failed attempt.
	Since time.Time
}

// webhookBody returns the JSON body, with the members that must agree with the
// headers and the words set from one source.
func (n Notification) webhookBody() client.Notification {
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
	body.Why, body.Output, body.ExitCode = textOrNull(oneLine(n.Explanation)), textOrNull(m.Output), n.ExitCode
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

// description returns what the owners of the heartbeat wrote, of a message about a
// heartbeat that people must act on.
func (n Notification) description() string {
	if !n.isEvent(EventOpened, EventReminder, EventAcknowledged, EventResolved, EventLate) {
		return ""
	}
	return shorten(strings.Trim(lines(n.Description), "\n\t "), maxDescription)
}

// acknowledgeable reports whether the message has a link that acknowledges.
func (n Notification) acknowledgeable() bool {
	return n.AckURL != "" && n.isEvent(EventOpened, EventReminder)
}

// name returns the heartbeat's name in one line.
func (n Notification) name() string { return cleanLine(n.Heartbeat) }

// clock returns the words for times of this news.
func (n Notification) clock() clock {
	zone := n.Zone
	if zone == nil {
		zone = time.UTC
	}
	return clock{zone: zone, now: n.At}
}

// cleanLine returns a name as one bounded line.
func cleanLine(text string) string { return shorten(oneLine(text), maxLineLength) }

// outputTail returns the end of the job's output: whole lines if possible, at most
// maxOutput bytes.
func outputTail(text string) string {
	text = strings.TrimRight(lines(text), "\n\t ")
	if len(text) <= maxOutput {
		return text
	}
	// What is cut from one line begins with a sign that says so.
	text = text[len(text)-maxOutput+len("…"):]
	if _, rest, found := strings.Cut(text, "\n"); found {
		return rest
	}
	return "…" + strings.ToValidUTF8(text, "") // the cut may have split a character
}

// headerToken returns an id in the characters that are safe in every header.
func headerToken(id string) string {
	id = strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') {
			return r
		}
		return '-'
	}, id)
	return id[:min(len(id), maxTokenLength)] // one byte a character by now
}
