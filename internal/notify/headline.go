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
	what         string // the subject without its status
	lead         string
}

// headline finds the words of the event.
func (n News) headline() headline {
	switch n.Event {
	case EventOpened:
		return n.opened()
	case EventReminder:
		return n.reminded()
	case EventAcknowledged:
		return n.acknowledged()
	case EventResolved:
		return n.resolved()
	case EventLate:
		return n.late()
	case EventChannelFailing:
		return n.channelFailing()
	case EventChannelRecovered:
		return n.channelRecovered()
	case EventBlackout:
		return n.blackedOut()
	case EventTest:
		return n.tested()
	}
	// An event of a newer version still has to arrive as something readable.
	event := short(n.Event)
	return headline{
		status: "News", tone: "quiet", what: strings.TrimPrefix(n.shortName()+": ", ": ") + event,
		lead: strings.TrimSpace(n.name()+" "+event) + ".",
	}
}

// opened: why it is down.
func (n News) opened() headline {
	return headline{
		status: "Down", tone: "down", what: n.shortName() + ": " + n.reason(),
		lead: fmt.Sprintf("%s is Down: %s.%s", n.name(), n.reason(), n.expectation()),
	}
}

// reminded: still down, and for how long.
func (n News) reminded() headline {
	return headline{
		status: "Still down", tone: "down", what: fmt.Sprintf("%s: for %s", n.shortName(), span(n.DownFor)),
		lead: fmt.Sprintf("%s is still Down, for %s now: %s.", n.name(), span(n.DownFor), n.reason()),
	}
}

// acknowledged: by whom.
func (n News) acknowledged() headline {
	what, lead := n.shortName()+": through the link of an alert", "The incident was acknowledged through the link of an alert."
	if n.By != "" {
		what, lead = n.shortName()+": by "+short(n.By), short(n.By)+" acknowledged the incident."
	}
	return headline{
		status: "Acknowledged", tone: "quiet", what: what,
		lead: fmt.Sprintf("%s %s is still Down: %s.", lead, n.name(), n.reason()),
	}
}

// resolved: how it ended. It tells the cause and the span again, for it may be
// the first message of the incident that got through.
func (n News) resolved() headline {
	was := n.wasDown()
	switch n.Resolution {
	case endedEdited:
		return headline{
			status: "Resolved", tone: "quiet", what: n.shortName() + ": its settings were edited",
			lead: n.name() + " is no longer Down: its settings were edited, and the new ones would not have opened the incident." + was,
		}
	case endedPaused:
		return headline{
			status: "Resolved", tone: "quiet", what: n.shortName() + ": paused",
			lead: n.name() + " is no longer judged: it was paused." + was,
		}
	case endedDeleted:
		return headline{status: "Resolved", tone: "quiet", what: n.shortName() + ": deleted", lead: n.name() + " was deleted." + was}
	}
	return headline{
		status: "Up", tone: "up", what: fmt.Sprintf("%s: recovered after %s", n.shortName(), span(n.DownFor)),
		lead: n.name() + " is Up again." + was,
	}
}

// wasDown tells the span and the cause of an incident that is over, as a
// sentence after a space. The last ping is not named: it is the one that ended
// the silence.
func (n News) wasDown() string {
	text := " It was Down for " + span(n.DownFor)
	if !n.DownSince.IsZero() {
		text += ", since " + n.clock().briefZoned(n.DownSince)
	}
	if cause := n.causeWords(); cause != "" {
		text += ". Cause: " + cause
	}
	return text + "."
}

// late: due, and not yet an incident.
func (n News) late() headline {
	lead := fmt.Sprintf("%s is Late: %s.", n.name(), n.silence())
	if !n.Deadline.IsZero() {
		lead += fmt.Sprintf(" An incident opens at %s unless it pings.", n.clock().exact(n.Deadline))
	}
	return headline{status: "Late", tone: "late", what: n.shortName() + ": " + n.silence(), lead: lead}
}

// blackedOut: our own outage, told once.
func (n News) blackedOut() headline {
	var b Blackout
	if n.Blackout != nil {
		b = *n.Blackout
	}
	c := n.clock()
	from, to := c.exact(b.From), c.exact(b.To)
	lead := fmt.Sprintf("Overdue was not watching from %s to %s (%s).", from, to, span(b.To.Sub(b.From)))
	if len(b.Unjudged) == 0 {
		lead += " No heartbeat was due in that time."
	} else {
		lead += " These heartbeats were due in that time and cannot be judged: " + named(b.Unjudged) + "."
	}
	return headline{
		status: "Blackout", tone: "late",
		what: fmt.Sprintf("Overdue was not watching from %s to %s", c.brief(b.From), c.briefZoned(b.To)), lead: lead,
	}
}

// tested: what arrives shows that the channel works.
func (n News) tested() headline {
	return headline{
		status: "Test", tone: "quiet", what: "alerts of " + shorten(short(n.Project), mostSubject) + " arrive here",
		lead: fmt.Sprintf("This is a test alert for the channel %s. Alerts of %s will arrive like this.", short(n.Channel), short(n.Project)),
	}
}

// reason says why the heartbeat is down, without a full stop.
func (n News) reason() string {
	switch n.Cause {
	case causeFailure:
		if n.ExitCode != nil {
			return "the job failed with exit code " + strconv.Itoa(*n.ExitCode)
		}
		return "the job reported a failure"
	case causeOverran:
		if n.MaxRunTime > 0 {
			return "the job ran longer than " + span(n.MaxRunTime)
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
func (n News) silence() string {
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
func (n News) expectation() string {
	if n.Due.IsZero() || n.Cause == causeFailure || n.Cause == causeOverran || n.Cause == causeTooShort {
		return ""
	}
	text := " It was due at " + n.clock().exact(n.Due)
	if n.Grace > 0 && n.Cause != causeNotStarted {
		text += ", with a grace period of " + span(n.Grace)
	}
	return text + "."
}

// named lists names, and how many more there are.
func named(names []string) string {
	var out []string
	for _, name := range names[:min(len(names), mostNamed)] {
		out = append(out, short(name))
	}
	text := strings.Join(out, ", ")
	if more := len(names) - len(out); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// shortName is the heartbeat's name in a subject.
func (n News) shortName() string { return shorten(n.name(), mostSubject) }

// preview returns the text that mail clients show next to the subject: what the
// subject does not say, or the lead if there is nothing else.
func (n News) preview(lead string) string {
	if n.Event != EventOpened {
		return lead
	}
	return cmp.Or(strings.TrimSpace(n.expectation()+" "+short(n.Description)), lead)
}
