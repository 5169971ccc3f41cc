package notify

import "strings"

// channelFailingHeadline announces that another channel fails.
func (n Notification) channelFailingHeadline() headline {
	f := n.failingChannel()
	lead := "Alerts are not being delivered through the channel " + f.displayName() + "."
	if f.Reason != "" {
		lead += " Last error: " + strings.TrimSuffix(shorten(oneLine(f.Reason), maxDetail), ".") + "."
	}
	return headline{"Channel failing", "late", shorten(f.displayName(), maxSubjectName) + ": alerts are not delivered", lead}
}

// channelRecoveredHeadline announces that another channel has recovered.
func (n Notification) channelRecoveredHeadline() headline {
	f := n.failingChannel()
	lead := "Alerts are delivered again through the channel " + f.displayName() + "."
	if !f.Since.IsZero() {
		lead += " It had been failing since " + n.clock().exact(f.Since) + "."
	}
	return headline{"Channel recovered", "up", shorten(f.displayName(), maxSubjectName) + ": alerts are delivered again", lead}
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
		return cleanLine(f.Channel)
	}
	return cleanLine(f.Channel) + " for " + cleanLine(f.Recipient)
}
