package message

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"overdue/client"
)

// headline is the summary of an event.
type headline struct {
	status, tone string
	subject      string // the subject without its status
	lead         string
}

// headline returns the headline of the event.
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
	case EventGrouped:
		return n.groupHeadline()
	case EventTest:
		return n.testHeadline()
	}
	// An event of a newer version must still be readable.
	event := CleanLine(n.Event)
	return headline{
		status: "Notification", tone: "quiet", subject: strings.TrimPrefix(n.shortName()+": ", ": ") + event,
		lead: strings.TrimSpace(n.Name()+" "+event) + ".",
	}
}

// openedHeadline returns the headline of an opened incident, with the reason.
func (n Notification) openedHeadline() headline {
	return headline{
		status: "Down", tone: "down", subject: n.shortName() + ": " + n.reason(),
		lead: fmt.Sprintf("%s is Down: %s.%s", n.Name(), n.reason(), n.expectation()) + n.escalation() + n.flapping(),
	}
}

// reminderHeadline returns the headline of a reminder, with the downtime so far.
func (n Notification) reminderHeadline() headline {
	var subject, lead string
	if n.SnoozeEnded {
		subject, lead = ", snooze ended", "The snooze of the incident ended. "
	}
	return headline{
		status: "Still down", tone: "down", subject: fmt.Sprintf("%s: for %s", n.shortName(), FormatDuration(n.DownFor)) + subject,
		lead: lead + fmt.Sprintf("%s is still Down, for %s now: %s.", n.Name(), FormatDuration(n.DownFor), n.reason()) + n.escalation(),
	}
}

// escalation returns why a later step of a policy sends the message, as a sentence after a space.
func (n Notification) escalation() string {
	if n.Escalation == "" {
		return ""
	}
	return " The incident was " + CleanLine(n.Escalation) + "."
}

// flapping returns that the heartbeat flaps, after a space.
func (n Notification) flapping() string {
	if n.Flapping == "" {
		return ""
	}
	return " " + CleanLine(n.Flapping)
}

// acknowledgedHeadline returns the headline of an acknowledgement, with the name of the person.
func (n Notification) acknowledgedHeadline() headline {
	what, lead := n.shortName()+": through the link of an alert", "The incident was acknowledged through the link of an alert."
	if n.AcknowledgedBy != "" {
		what, lead = n.shortName()+": by "+CleanLine(n.AcknowledgedBy), CleanLine(n.AcknowledgedBy)+" acknowledged the incident."
	}
	return headline{
		status: "Acknowledged", tone: "quiet", subject: what,
		lead: fmt.Sprintf("%s %s is still Down: %s.", lead, n.Name(), n.reason()),
	}
}

// resolvedHeadline returns the headline of a resolved incident. It repeats the cause and the downtime,
// because it may be the first message about the incident that is delivered.
func (n Notification) resolvedHeadline() headline {
	was := n.downSummary()
	switch n.Resolution {
	case endedEdited:
		return headline{
			status: "Resolved", tone: "quiet", subject: n.shortName() + ": its settings were edited",
			lead: n.Name() + " is no longer Down: its settings were edited, and the new settings would not have opened the incident." + was,
		}
	case endedPaused:
		return headline{
			status: "Resolved", tone: "quiet", subject: n.shortName() + ": paused",
			lead: n.Name() + " was paused." + was,
		}
	case endedRepaired:
		return headline{
			status: "Resolved", tone: "quiet", subject: n.shortName() + ": not Down",
			lead: "A repair of the database found that " + n.Name() + " is not Down." + was,
		}
	case endedDeleted:
		return headline{status: "Resolved", tone: "quiet", subject: n.shortName() + ": deleted", lead: n.Name() + " was deleted." + was}
	}
	return headline{
		status: "Up", tone: "up", subject: fmt.Sprintf("%s: recovered after %s", n.shortName(), FormatDuration(n.DownFor)),
		lead: n.Name() + " is Up again." + was + n.flapping(),
	}
}

// downSummary returns the downtime and the cause of a resolved incident, as a
// sentence after a space. It does not contain the last ping, which is the one
// that resolved the incident.
func (n Notification) downSummary() string {
	text := " It was Down for " + FormatDuration(n.DownFor)
	if !n.DownSince.IsZero() {
		text += ", since " + n.clock().briefZoned(n.DownSince)
	}
	if cause := n.causeText(); cause != "" {
		text += ". Cause: " + cause
	}
	return text + "."
}

// lateHeadline returns the headline of a late ping, with the time at which the incident opens.
func (n Notification) lateHeadline() headline {
	lead := fmt.Sprintf("%s is Late: %s.", n.Name(), n.silence())
	if !n.Deadline.IsZero() {
		lead += fmt.Sprintf(" Without a ping, an incident opens at %s.", n.clock().exact(n.Deadline))
	}
	return headline{status: "Late", tone: "late", subject: n.shortName() + ": " + n.silence(), lead: lead}
}

// blackoutHeadline returns the headline of a time in which Overdue was not watching.
func (n Notification) blackoutHeadline() headline {
	b, c := n.blackout(), n.clock()
	lead := fmt.Sprintf("Overdue was not watching from %s to %s (%s).", c.exact(b.From), c.exactZoned(b.To), FormatDuration(b.To.Sub(b.From)))
	if b.Detail != nil {
		lead += " " + strings.TrimSuffix(CleanLine(*b.Detail), ".") + "."
	}
	switch unknown := n.unknownRuns(); {
	case b.Unknown == 0:
		lead += " No heartbeat was due in that time."
	case b.Unknown == 1 && len(unknown) == 1:
		lead += " This heartbeat was due in that time and cannot be evaluated: " + CleanLine(unknown[0].HeartbeatName) + "."
	default:
		lead += " These heartbeats were due in that time and cannot be evaluated: " + nameList(unknown, b.Unknown) + "."
	}
	return headline{
		status: "Not watching", tone: "late",
		subject: fmt.Sprintf("Overdue was not watching from %s to %s", c.brief(b.From), c.briefZoned(b.To)), lead: lead,
	}
}

// blackout returns the blackout that the notification is about.
func (n Notification) blackout() client.BlackoutDetail {
	if n.Blackout == nil {
		return client.BlackoutDetail{}
	}
	return *n.Blackout
}

// unknownRuns returns the heartbeats to name whose expected run is unknown.
func (n Notification) unknownRuns() []client.BlackoutEffect {
	var unknown []client.BlackoutEffect
	for _, e := range n.blackout().Heartbeats {
		if e.Effect == effectUnknown && len(unknown) < maxNamedHeartbeats {
			unknown = append(unknown, e)
		}
	}
	return unknown
}

// evaluatedAgain lists when the heartbeats of a blackout are evaluated again. A time is written once for
// all heartbeats that have it.
func (n Notification) evaluatedAgain() string {
	var texts []string
	for rest := n.unknownRuns(); len(rest) > 0; {
		next := rest[0].NextAt
		same, others := splitByNext(rest, next)
		rest = others
		if next != nil {
			texts = append(texts, nameList(same, len(same))+" from "+n.clock().full(*next))
		}
	}
	return strings.Join(texts, "; ")
}

// splitByNext separates the effects with the given next time from the others.
func splitByNext(all []client.BlackoutEffect, next *time.Time) (same, others []client.BlackoutEffect) {
	for _, e := range all {
		if e.NextAt == nil && next == nil || e.NextAt != nil && next != nil && e.NextAt.Equal(*next) {
			same = append(same, e)
		} else {
			others = append(others, e)
		}
	}
	return same, others
}

// movedText says how many deadlines a blackout moved.
func (n Notification) movedText() string {
	b := n.blackout()
	switch b.Moved {
	case 0:
		return ""
	case 1:
		return "1 deadline, by " + FormatDuration(b.To.Sub(b.From))
	}
	return fmt.Sprintf("%d deadlines, by %s", b.Moved, FormatDuration(b.To.Sub(b.From)))
}

// testHeadline returns the headline of a test alert.
func (n Notification) testHeadline() headline {
	return headline{
		status: "Test", tone: "quiet", subject: "alerts of " + Shorten(CleanLine(n.Project), maxSubjectName) + " are delivered here",
		lead: fmt.Sprintf("This is a test alert for the channel %s. Alerts of %s will look like this.", CleanLine(n.Channel), CleanLine(n.Project)),
	}
}

// reason describes why the heartbeat is down, without a period at the end.
func (n Notification) reason() string {
	switch n.Cause {
	case causeFailure:
		if n.ExitCode != nil {
			return "the job failed with exit code " + strconv.Itoa(*n.ExitCode)
		}
		return "the job reported a failure"
	case causeOverran:
		if n.MaxRunTime > 0 {
			return "the job ran longer than " + FormatDuration(n.MaxRunTime)
		}
		return "the job ran too long"
	case causeTooShort:
		return "the job finished too soon after its start"
	case causeNotStarted:
		return "the job had not started in time"
	}
	return n.silence()
}

// silence returns since when there was no ping.
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

// expectation describes when a missed ping was due, as a sentence after a space.
func (n Notification) expectation() string {
	if n.Due.IsZero() || n.Cause == causeFailure || n.Cause == causeOverran || n.Cause == causeTooShort {
		return ""
	}
	text := " It was due at " + n.clock().exact(n.Due)
	if n.Grace > 0 && n.Cause != causeNotStarted {
		text += ", with a grace period of " + FormatDuration(n.Grace)
	}
	return text + "."
}

// nameList lists the names of heartbeats. total is their number, including those that are not in
// the list.
func nameList(heartbeats []client.BlackoutEffect, total int) string {
	var out []string
	for _, h := range heartbeats {
		out = append(out, Shorten(CleanLine(h.HeartbeatName), maxSubjectName))
	}
	text := strings.Join(out, ", ")
	if more := total - len(out); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// shortName is the name of the heartbeat in a subject.
func (n Notification) shortName() string { return Shorten(n.Name(), maxSubjectName) }

// preview returns the text that mail clients show next to the subject: facts
// that are not in the subject, or the lead.
func (n Notification) preview(lead string) string {
	if n.Event != EventOpened {
		return lead
	}
	return cmp.Or(strings.TrimSpace(n.expectation()+" "+CleanLine(n.Description)), lead)
}

// channelFailingHeadline announces that another channel fails.
func (n Notification) channelFailingHeadline() headline {
	f := n.failingChannel()
	lead := "Alerts are not being delivered through the channel " + f.displayName() + "."
	if f.Reason != "" {
		lead += " Last error: " + strings.TrimSuffix(Shorten(OneLine(f.Reason), MaxDetail), ".") + "."
	}
	return headline{"Channel failing", "late", Shorten(f.displayName(), maxSubjectName) + ": alerts are not delivered", lead}
}

// channelRecoveredHeadline announces that another channel has recovered.
func (n Notification) channelRecoveredHeadline() headline {
	f := n.failingChannel()
	lead := "Alerts are delivered again through the channel " + f.displayName() + "."
	if !f.Since.IsZero() {
		lead += " It had been failing since " + n.clock().exact(f.Since) + "."
	}
	return headline{"Channel recovered", "up", Shorten(f.displayName(), maxSubjectName) + ": alerts are delivered again", lead}
}

// failingChannel returns the channel that the notification is about.
func (n Notification) failingChannel() FailingChannel {
	if n.Failing == nil {
		return FailingChannel{Channel: "A channel"}
	}
	return *n.Failing
}

// displayName returns the name of the channel, with the recipient if only one is
// affected.
func (f FailingChannel) displayName() string {
	if f.Recipient == "" {
		return CleanLine(f.Channel)
	}
	return CleanLine(f.Channel) + " for " + CleanLine(f.Recipient)
}
