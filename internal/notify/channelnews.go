package notify

import "strings"

// channelFailingHeadline says that alerts do not get through another channel.
func (n Notification) channelFailingHeadline() headline {
	f := n.failingChannel()
	lead := "Alerts do not get through the channel " + f.displayName() + "."
	if f.Reason != "" {
		lead += " The last answer was: " + strings.TrimSuffix(shorten(oneLine(f.Reason), maxDetail), ".") + "."
	}
	return headline{"Channel failing", "late", shorten(f.displayName(), maxSubjectName) + ": alerts do not arrive", lead}
}

// channelRecoveredHeadline says that alerts get through another channel again.
func (n Notification) channelRecoveredHeadline() headline {
	f := n.failingChannel()
	lead := "Alerts get through the channel " + f.displayName() + " again."
	if !f.Since.IsZero() {
		lead += " It did not deliver since " + n.clock().exact(f.Since) + "."
	}
	return headline{"Channel recovered", "up", shorten(f.displayName(), maxSubjectName) + ": alerts arrive again", lead}
}

// failingChannel returns the channel that the news is about.
func (n Notification) failingChannel() FailingChannel {
	if n.Failing == nil {
		return FailingChannel{Channel: "A channel"}
	}
	return *n.Failing
}

// displayName returns the name of the channel, and the recipient if only one gets no alerts.
func (f FailingChannel) displayName() string {
	if f.Recipient == "" {
		return cleanLine(f.Channel)
	}
	return cleanLine(f.Channel) + " for " + cleanLine(f.Recipient)
}
