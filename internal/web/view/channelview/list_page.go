package channelview

import (
	"strings"
	"time"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// ListPage is the list of channels of a project, with the kinds to add.
type ListPage struct {
	layout.Shell
	Channels []Channel
	Kinds    []Kind
	Tested   *TestedChannel // nil if no test was just sent
}

// Channel is one channel of the list.
type Channel struct {
	ID, Name          string
	Kind              Kind
	Target            string // destination, without secrets: "hooks.slack.com/…/B07K"
	Heartbeats        int    // number of heartbeats that use it
	State             string // untested, working, unconfirmed, retrying or failing
	LastError         string // last response of a channel that does not deliver
	FailingRecipients string // recipients that do not receive alerts, if others do
	Pending           int    // number of pending alerts
	NextAttempt       time.Time
	PausedUntil       time.Time // the receiver asked for no attempts before
	LastOutcome       string    // "Delivered in 0.6 s"; empty before the first delivery
	LastDelivery      time.Time
}

// failing returns the channels that do not deliver: Failing or Retrying.
func (p ListPage) failing() []Channel {
	var bad []Channel
	for _, c := range p.Channels {
		if c.State == "failing" || c.State == "retrying" {
			bad = append(bad, c)
		}
	}
	return bad
}

// warningTitle returns the heading of the note about a channel that does not deliver.
func (c Channel) warningTitle() string {
	text := c.Name + ui.If(c.State == "failing", " is failing", " is retrying")
	if c.FailingRecipients != "" {
		text += " for " + c.FailingRecipients
	}
	return text
}

// warningText returns why the channel does not deliver and what depends on it.
func (c Channel) warningText() string {
	var all []string
	if c.LastError != "" {
		all = append(all, ui.WithFullStop(c.LastError))
	}
	if c.Pending > 0 {
		all = append(all, ui.Plural(c.Pending, "alert")+ui.If(c.Pending == 1, " is", " are")+" pending.")
	}
	all = append(all, ui.Plural(c.Heartbeats, "heartbeat")+ui.If(c.Heartbeats == 1, " uses", " use")+" this channel.")
	return strings.Join(all, " ")
}
