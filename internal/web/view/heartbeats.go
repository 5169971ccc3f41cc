package view

import (
	"net/url"

	"github.com/a-h/templ"
)

// HeartbeatsPage is the list of a project, one page of it.
type HeartbeatsPage struct {
	Shell
	Updates        ListUpdates
	ChannelWarning ChannelWarning
	Filter         Filter
	Counts         StatusCounts
	NextHour       *NextHour // nil leaves out the band: below ten heartbeats it says nothing
	Tags           []TagCount
	TagTotal       int // tags of the project, where Tags holds only the most used
	Rows           []Row
	Pager          Pager
	PingURLPrefix  string   // what the id is appended to for a ping URL; empty for viewers
	Channels       []Option // for the bulk action; Value is the id
}

// StatusCounts counts the heartbeats of the project by status.
type StatusCounts struct {
	All, Down, Late, New, Up, Paused int
	Running                          int // beside the status, not one of them
}

// TagCount is a tag and how many heartbeats carry it.
type TagCount struct {
	Tag   string
	Count int
}

// Filter is what the list is narrowed to, as in the query of its address.
type Filter struct {
	Status, Tag, Query, Sort string
	Running                  bool
}

// isSet tells whether the list is narrowed at all.
func (f Filter) isSet() bool {
	return f.Status != "" || f.Tag != "" || f.Query != "" || f.Running
}

// with is the address of the list with one value changed. The page starts over,
// since a key of the old list means nothing in the new one.
func (f Filter) with(name, value string) templ.SafeURL {
	q := url.Values{}
	for _, v := range f.values() {
		if v.Value != "" {
			q.Set(v.Label, v.Value)
		}
	}
	q.Set(name, value)
	if value == "" {
		q.Del(name)
	}
	if len(q) == 0 {
		return HeartbeatsPath
	}
	return templ.SafeURL(HeartbeatsPath + "?" + q.Encode())
}

// values are the filter as it stands in the address; Label is the parameter.
func (f Filter) values() []Option {
	running := ""
	if f.Running {
		running = "1"
	}
	return []Option{{f.Status, "status"}, {f.Tag, "tag"}, {f.Query, "q"}, {f.Sort, "sort"}, {running, "running"}}
}

// hiddenFields are the values that a form beside the given control must carry along.
func (f Filter) hiddenFields(name string) []Option {
	var kept []Option
	for _, v := range f.values() {
		if v.Label != name {
			kept = append(kept, v)
		}
	}
	return kept
}

// countLink is one number of the tally.
type countLink struct {
	status, words, sign string
	n                   int
	loud                bool
}

// links are the numbers with their links. Only Down is loud, and only when there
// is any.
func (t StatusCounts) links() []countLink {
	cells := []countLink{{words: "All", n: t.All}}
	counts := map[string]int{"down": t.Down, "late": t.Late, "new": t.New, "up": t.Up, "paused": t.Paused}
	for _, s := range heartbeatStatuses {
		cells = append(cells, countLink{s, signOf(s).word, signOf(s).icon, counts[s], s == "down" && t.Down > 0})
	}
	return cells
}

func (t countLink) attrs() templ.Attributes {
	a := templ.Attributes{}
	if t.status != "" {
		a["data-status"] = t.status
	}
	if t.loud {
		a["class"] = "loud"
	}
	return a
}

// sortOptions are the orders of the list; attention first is Down, Late, New,
// Paused, Up by next due.
var sortOptions = []Option{
	{"", "Attention first"},
	{"due", "Next due"},
	{"last", "Last ping"},
	{"name", "Name"},
	{"slowest", "Slowest"},
}

// maxTagChips is how many tags stand beside the search; the rest is in a menu.
const maxTagChips = 4

func (p HeartbeatsPage) chips() []TagCount { return p.Tags[:min(maxTagChips, len(p.Tags))] }

// moreTags are the tags that have no chip of their own.
func (p HeartbeatsPage) moreTags() []TagCount {
	return p.Tags[min(maxTagChips, len(p.Tags)):]
}

// moreTagsTotal counts all tags that have no chip, also those not in the menu.
func (p HeartbeatsPage) moreTagsTotal() int {
	return max(p.TagTotal, len(p.Tags)) - len(p.chips())
}

func (p HeartbeatsPage) edits() bool { return p.User.Edits() }

// heading is the heading of the list for those who cannot see its filters.
func (p HeartbeatsPage) heading() string {
	if p.Filter.isSet() {
		return "Heartbeats found"
	}
	return "All heartbeats"
}
