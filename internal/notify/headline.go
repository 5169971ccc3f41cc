package notify

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// headline is what an event comes down to.
type headline struct {
	status, tone string
	subject      string // the subject without its status
	lead         string
}

// headline finds the words of the event.
func (n Notification) headline() headline {
	switch n.Event {
	case EventOpened:
		return n.openedHeadline()
	case EventReminder:
		return n.reminderHeadline()
	case EventAcknowledged:
		return n.acknowledgedHeadline()
	case EventResolved:
		return n.resolvedHeadline()
	case EventLate:
		return n.lateHeadline()
	case EventChannelFailing:
		return n.channelFailingHeadline()
	case EventChannelRecovered:
		return n.channelRecoveredHeadline()
	case EventBlackout:
		return n.blackoutHeadline()
	case EventTest:
		return n.testHeadline()
	}
	// An event of a newer version still has to arrive as something readable.
	event := cleanLine(n.Event)
	return headline{
		status: "News", tone: "quiet", subject: strings.TrimPrefix(n.shortName()+": ", ": ") + event,
		lead: strings.TrimSpace(n.name()+" "+event) + ".",
	}
}

// openedHeadline: why it is down.
func (n Notification) openedHeadline() headline {
	return headline{
		status: "Down", tone: "down", subject: n.shortName() + ": " + n.reason(),
		lead: fmt.Sprintf("%s is Down: %s.%s", n.name(), n.reason(), n.expectation()),
	}
}

// reminderHeadline: still down, and for how long.
func (n Notification) reminderHeadline() headline {
	return headline{
		status: "Still down", tone: "down", subject: fmt.Sprintf("%s: for %s", n.shortName(), formatDuration(n.DownFor)),
		lead: fmt.Sprintf("%s is still Down, for %s now: %s.", n.name(), formatDuration(n.DownFor), n.reason()),
	}
}

// acknowledgedHeadline: by whom.
func (n Notification) acknowledgedHeadline() headline {
	what, lead := n.shortName()+": through the link of an alert", "The incident was acknowledged through the link of an alert."
	if n.AcknowledgedBy != "" {
		what, lead = n.shortName()+": by "+cleanLine(n.AcknowledgedBy), cleanLine(n.AcknowledgedBy)+" acknowledged the incident."
	}
	return headline{
		status: "Acknowledged", tone: "quiet", subject: what,
		lead: fmt.Sprintf("%s %s is still Down: %s.", lead, n.name(), n.reason()),
	}
}

// resolvedHeadline: how it ended. It tells the cause and the span again, for it may be
// the first message of the incident that got through.
func (n Notification) resolvedHeadline() headline {
	was := n.downSummary()
	switch n.Resolution {
	case endedEdited:
		return headline{
			status: "Resolved", tone: "quiet", subject: n.shortName() + ": its settings were edited",
			lead: n.name() + " is no longer Down: its settings were edited, and the new ones would not have opened the incident." + was,
		}
	case endedPaused:
		return headline{
			status: "Resolved", tone: "quiet", subject: n.shortName() + ": paused",
			lead: n.name() + " is no longer judged: it was paused." + was,
		}
	case endedDeleted:
		return headline{status: "Resolved", tone: "quiet", subject: n.shortName() + ": deleted", lead: n.name() + " was deleted." + was}
	}
	return headline{
		status: "Up", tone: "up", subject: fmt.Sprintf("%s: recovered after %s", n.shortName(), formatDuration(n.DownFor)),
		lead: n.name() + " is Up again." + was,
	}
}

// downSummary tells the span and the cause of an incident that is over, as a
// sentence after a space. The last ping is not named: it is the one that ended
// the silence.
func (n Notification) downSummary() string {
	text := " It was Down for " + formatDuration(n.DownFor)
	if !n.DownSince.IsZero() {
		text += ", since " + n.clock().briefZoned(n.DownSince)
	}
	if cause := n.causeText(); cause != "" {
		text += ". Cause: " + cause
	}
	return text + "."
}

// lateHeadline: due, and not yet an incident.
func (n Notification) lateHeadline() headline {
	lead := fmt.Sprintf("%s is Late: %s.", n.name(), n.silence())
	if !n.Deadline.IsZero() {
		lead += fmt.Sprintf(" An incident opens at %s unless it pings.", n.clock().exact(n.Deadline))
	}
	return headline{status: "Late", tone: "late", subject: n.shortName() + ": " + n.silence(), lead: lead}
}

// blackoutHeadline: our own outage, told once.
func (n Notification) blackoutHeadline() headline {
	var b Blackout
	if n.Blackout != nil {
		b = *n.Blackout
	}
	c := n.clock()
	from, to := c.exact(b.From), c.exact(b.To)
	lead := fmt.Sprintf("Overdue was not watching from %s to %s (%s).", from, to, formatDuration(b.To.Sub(b.From)))
	if len(b.NotEvaluated) == 0 {
		lead += " No heartbeat was due in that time."
	} else {
		lead += " These heartbeats were due in that time and cannot be judged: " + nameList(b.NotEvaluated) + "."
	}
	return headline{
		status: "Blackout", tone: "late",
		subject: fmt.Sprintf("Overdue was not watching from %s to %s", c.brief(b.From), c.briefZoned(b.To)), lead: lead,
	}
}

// testHeadline: what arrives shows that the channel works.
func (n Notification) testHeadline() headline {
	return headline{
		status: "Test", tone: "quiet", subject: "alerts of " + shorten(cleanLine(n.Project), maxSubjectName) + " arrive here",
		lead: fmt.Sprintf("This is a test alert for the channel %s. Alerts of %s will arrive like this.", cleanLine(n.Channel), cleanLine(n.Project)),
	}
}

// reason says why the heartbeat is down, without a full stop.
func (n Notification) reason() string {
	switch n.Cause {
	case causeFailure:
		if n.ExitCode != nil {
			return "the job failed with exit code " + strconv.Itoa(*n.ExitCode)
		}
		return "the job reported a failure"
	case causeOverran:
		if n.MaxRunTime > 0 {
			return "the job ran longer than " + formatDuration(n.MaxRunTime)
		}
		return "the job ran too long"
	case causeTooShort:
		return "the job ended too soon after its start"
	case causeNotStarted:
		return "the job had not started in time"
	}
	return n.silence()
}

// silence says since when nothing was heard.
func (n Notification) silence() string {
	switch {
	case !n.LastPing.IsZero():
		return "no ping since " + n.clock().briefZoned(n.LastPing)
	case !n.Due.IsZero():
		return "no first ping by " + n.clock().briefZoned(n.Due)
	case !n.Deadline.IsZero():
		return "no first ping by " + n.clock().briefZoned(n.Deadline)
	}
	return "no ping"
}

// expectation says when a missed ping was due, as a sentence after a space.
func (n Notification) expectation() string {
	if n.Due.IsZero() || n.Cause == causeFailure || n.Cause == causeOverran || n.Cause == causeTooShort {
		return ""
	}
	text := " It was due at " + n.clock().exact(n.Due)
	if n.Grace > 0 && n.Cause != causeNotStarted {
		text += ", with a grace period of " + formatDuration(n.Grace)
	}
	return text + "."
}

// nameList lists names, and how many more there are.
func nameList(names []string) string {
	var out []string
	for _, name := range names[:min(len(names), maxNamedHeartbeats)] {
		out = append(out, cleanLine(name))
	}
	text := strings.Join(out, ", ")
	if more := len(names) - len(out); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// shortName is the heartbeat's name in a subject.
func (n Notification) shortName() string { return shorten(n.name(), maxSubjectName) }

// preview returns the text that mail clients show next to the subject: what the
// subject does not say, or the lead if there is nothing else.
func (n Notification) preview(lead string) string {
	if n.Event != EventOpened {
		return lead
	}
	return cmp.Or(strings.TrimSpace(n.expectation()+" "+cleanLine(n.Description)), lead)
}
