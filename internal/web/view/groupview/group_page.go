package groupview

import (
	"net/url"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"overdue/internal/web/view/incidentview"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// Page is the page of a group of incidents.
type Page struct {
	layout.Shell
	Number                       int64
	Factor                       Factor // that all incidents share
	State                        string
	Open, Acknowledged, Resolved int // incidents
	First, Last                  time.Time
	AcknowledgedBy               string
	AcknowledgesUntil            time.Time // incidents that join until then are acknowledged; zero: none are
	Opened                       []int     // incidents that opened in equal parts of the time from First to Last
	Factors                      []Factor
	Causes                       []Cause
	Channels                     []Channel
	Filter                       Filter
	Rows                         []incidentview.Row
	Pager                        ui.Pager
	CanAct                       bool
}

// Factor is something that incidents have in common, and the number of those that do.
type Factor struct {
	Kind, Value string // host, source or tag
	Count       int
}

// Cause is a cause and the number of incidents with it.
type Cause struct {
	Name  string
	Count int
}

// Channel counts the alerts of a channel about the opening of the incidents.
type Channel struct {
	Name                                            string
	Alone, Grouped, Messages, Held, Pending, Failed int
}

// Filter has the filters of the incidents.
type Filter struct{ State, Query, Tag, Host string }

// Total returns the number of incidents.
func (p Page) Total() int { return p.Open + p.Acknowledged + p.Resolved }

// Title says how many incidents opened, what they share, and in which time.
func (p Page) Title() string {
	text := ui.Plural(p.Total(), "incident") + " " + p.Factor.where() + " opened "
	span := (p.Last.Sub(p.First) + time.Second - 1).Truncate(time.Second) // rounded up, so that it contains all
	return text + "within " + ui.ExactDuration(max(span, time.Second))
}

// where says that incidents share a factor.
func (f Factor) where() string {
	switch f.Kind {
	case "host":
		return "on " + f.Value
	case "source":
		return "from " + f.Value
	}
	return "with tag " + f.Value
}

// label names the kind of a factor.
func (f Factor) label() string {
	return map[string]string{"host": "Host", "source": "Source address", "tag": "Tag"}[f.Kind]
}

// link returns the address of the incidents of the group that have a factor.
func (p Page) link(f Factor) templ.SafeURL {
	name := "host"
	if f.Kind == "tag" {
		name = "tag"
	}
	return templ.URL(paths.IncidentGroup(p.Number) + paths.Query(name, f.Value))
}

// path returns the address of a form.
func (p Page) path(suffix string) templ.SafeURL {
	return templ.URL(paths.IncidentGroup(p.Number) + suffix)
}

// view is a filter by state with its number of incidents.
type view struct {
	state, text string
	count       int
}

// views returns the filters by state.
func (p Page) views() []view {
	return []view{{"", "All", p.Total()}, {"open", "Open", p.Open}, {"acknowledged", "Acknowledged", p.Acknowledged}, {"resolved", "Resolved", p.Resolved}}
}

// viewLink returns the address of a filter by state.
func (p Page) viewLink(state string) templ.SafeURL {
	q := url.Values{}
	for name, value := range map[string]string{"state": state, "q": p.Filter.Query, "tag": p.Filter.Tag, "host": p.Filter.Host} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return templ.URL(paths.IncidentGroup(p.Number) + "?" + q.Encode())
}

// acknowledgement says who acknowledged the group, and what happens to incidents that join it.
func (p Page) acknowledgement() string {
	if p.AcknowledgedBy == "" {
		return ""
	}
	text := "Acknowledged by " + p.AcknowledgedBy + "."
	if !p.AcknowledgesUntil.IsZero() {
		text += " Incidents that join the group are acknowledged too, until " + p.ShortDateTime(p.AcknowledgesUntil) + "."
	}
	return text
}

// histogram describes the openings for people who do not see the bars.
func (p Page) histogram() string {
	return ui.Plural(p.Total(), "incident") + " opened from " + p.DateTime(p.First) + " to " + p.DateTime(p.Last) + "."
}

// bar is one bar of the histogram, in the units of its view box: 10 wide, 40 high.
type bar struct{ x, y, height string }

// bars returns the bars of the histogram.
func (p Page) bars() (bars []bar) {
	highest := 1
	for _, n := range p.Opened {
		highest = max(highest, n)
	}
	for at, n := range p.Opened {
		if n == 0 {
			continue
		}
		height := max(1, n*40/highest)
		bars = append(bars, bar{strconv.Itoa(at*10 + 1), strconv.Itoa(40 - height), strconv.Itoa(height)})
	}
	return bars
}

// sent returns the alerts of all channels: their number, and the messages that carried them.
func (p Page) sent() string {
	alerts, messages := 0, 0
	for _, c := range p.Channels {
		alerts, messages = alerts+c.total(), messages+c.Alone+c.Messages
	}
	return ui.Plural(alerts, "alert") + ", sent in " + ui.Plural(messages, "message")
}

// total returns the number of alerts of the channel.
func (c Channel) total() int { return c.Alone + c.Grouped + c.Held + c.Pending + c.Failed }

// grouped returns the alerts in messages about several incidents.
func (c Channel) grouped() string {
	if c.Messages == 0 {
		return ui.Count(c.Grouped)
	}
	return ui.Count(c.Grouped) + " in " + ui.Plural(c.Messages, "message")
}

// kindWord names what all incidents of a group share.
func kindWord(f Factor) string {
	return map[string]string{"host": "host", "source": "source address", "tag": "tag"}[f.Kind]
}

// where says which incidents a filter selects.
func (f Filter) where() string {
	switch {
	case f.Tag != "":
		return "with tag " + f.Tag
	case f.Host != "":
		return "on " + f.Host
	}
	return ""
}
