package channelview

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// ListPage is the list of channels of a project, with the kinds to add.
type ListPage struct {
	layout.Shell
	Channels []Channel      // trouble first
	Groups   []KindGroup    // kinds to add, those that match the search
	Search   string         // of the gallery
	Fallback []string       // labels of the kinds that reach everything else
	Tested   *TestedChannel // nil if no test was just sent
}

// foundText returns the number of kinds in the gallery.
func (p ListPage) foundText() string {
	if p.Search == "" {
		return countKinds(p.Groups) + ". You can send a test alert before you save."
	}
	return countKinds(p.Groups) + " found."
}

// otherKinds names the kinds that reach services without a kind.
func (p ListPage) otherKinds() string {
	return ui.JoinWords(p.Fallback) + ui.If(len(p.Fallback) == 1, " reaches", " reach") + " everything else."
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
	Since             time.Time // first failed attempt of a channel that does not deliver
	Attempts          int       // failed attempts of one alert
	StatusCode        int       // of the last response; 0 if there was none
}

// attention is the order of states in the list.
var attention = []string{"failing", "retrying", "unconfirmed", "untested", "working"}

// SortByTrouble sorts channels that do not deliver to the front, and keeps the order of others.
func SortByTrouble(list []Channel) {
	slices.SortStableFunc(list, func(a, b Channel) int {
		return cmp.Compare(slices.Index(attention, a.State), slices.Index(attention, b.State))
	})
}

// attemptKnown reports whether the time of the next attempt is known.
func (c Channel) attemptKnown(now time.Time) bool {
	return c.PausedUntil.After(now) || !c.NextAttempt.IsZero()
}

// stateDetail returns a few words about the state, or "".
func (c Channel) stateDetail() string {
	switch {
	case c.State == "untested":
		return "nothing sent yet"
	case c.State == "retrying" && c.Attempts > 0 && c.StatusCode > 0:
		return ui.Plural(c.Attempts, "attempt") + ", " + ui.Itoa(c.StatusCode)
	case c.State == "retrying" && c.Attempts > 0:
		return ui.Plural(c.Attempts, "attempt")
	}
	return ""
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
