package view

import (
	"strings"
	"time"
)

// ChannelsPage is the list of channels of a project and the kinds to add.
type ChannelsPage struct {
	Shell
	Channels []Channel
	Kinds    []ChannelKind
}

// ChannelKind is a kind of channel, as the gallery shows it.
type ChannelKind struct {
	Name  string // "slack"; also names its icon
	Label string // "Slack"
	About string // "Post to a channel or person"
}

// icon is the icon of a kind: generic, never a brand's logo.
func (k ChannelKind) icon() string { return kindIcon(k.Name) }

// kindsWithIcon have an icon of their own; any other kind is drawn as a webhook.
var kindsWithIcon = map[string]bool{
	"email": true, "slack": true, "teams": true, "discord": true, "telegram": true, "mattermost": true,
	"googlechat": true, "webhook": true, "pagerduty": true, "opsgenie": true, "ntfy": true, "gotify": true,
	"pushover": true, "matrix": true, "sms": true, "phone": true,
}

// kindIcon never fails: a kind that is not drawn yet looks like a webhook, which
// is what most kinds are underneath.
func kindIcon(kind string) string {
	if kindsWithIcon[kind] {
		return "ch-" + kind
	}
	return "ch-webhook"
}

// Channel is one channel of the list.
type Channel struct {
	ID, Name          string
	Kind              ChannelKind
	Target            string // where it leads, without secrets: "hooks.slack.com/…/B07K"
	Heartbeats        int    // how many would alert here
	State             string // untested, working, unconfirmed, retrying or failing
	LastError         string // the last answer of a channel that does not deliver
	FailingRecipients string // the recipients that do not get alerts while others do
	Pending           int    // alerts that are not delivered yet
	NextAttempt       time.Time
	LastOutcome       string // of the last delivery: "Delivered in 0.6 s"; empty before the first
	LastDelivery      time.Time
}

// failing returns the channels that do not deliver: Failing or Retrying.
func (p ChannelsPage) failing() []Channel {
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
	text := c.Name + word(c.State == "failing", " is failing", " is retrying")
	if c.FailingRecipients != "" {
		text += " for " + c.FailingRecipients
	}
	return text
}

// warningText returns why the channel does not deliver and what depends on it.
func (c Channel) warningText() string {
	var all []string
	if c.LastError != "" {
		all = append(all, withFullStop(c.LastError))
	}
	if c.Pending > 0 {
		all = append(all, Plural(c.Pending, "alert")+word(c.Pending == 1, " is", " are")+" pending.")
	}
	all = append(all, Plural(c.Heartbeats, "heartbeat")+word(c.Heartbeats == 1, " alerts", " alert")+" this channel.")
	return strings.Join(all, " ")
}
