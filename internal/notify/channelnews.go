package notify

import "strings"

// channelFailing says that alerts do not get through another channel.
func (n News) channelFailing() headline {
	f := n.failing()
	lead := "Alerts do not get through the channel " + f.whose() + "."
	if f.Detail != "" {
		lead += " The last answer was: " + strings.TrimSuffix(shorten(oneLine(f.Detail), mostDetail), ".") + "."
	}
	return headline{"Channel failing", "late", shorten(f.whose(), mostSubject) + ": alerts do not arrive", lead}
}

// channelRecovered says that alerts get through another channel again.
func (n News) channelRecovered() headline {
	f := n.failing()
	lead := "Alerts get through the channel " + f.whose() + " again."
	if !f.Since.IsZero() {
		lead += " It did not deliver since " + n.clock().exact(f.Since) + "."
	}
	return headline{"Channel recovered", "up", shorten(f.whose(), mostSubject) + ": alerts arrive again", lead}
}

// failing returns the channel that the news is about.
func (n News) failing() Failing {
	if n.Failing == nil {
		return Failing{Channel: "A channel"}
	}
	return *n.Failing
}

// whose returns the name of the channel, and the recipient if only one gets no alerts.
func (f Failing) whose() string {
	if f.Recipient == "" {
		return short(f.Channel)
	}
	return short(f.Channel) + " for " + short(f.Recipient)
}
