package heartbeatview

import (
	"net/url"
	"slices"

	"github.com/a-h/templ"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// ListPage is one page of the list of heartbeats.
type ListPage struct {
	layout.Shell
	Updates        layout.ListUpdates
	ChannelWarning layout.ChannelWarning
	Filter         Filter
	Counts         StatusCounts
	NextHour       *NextHour // nil hides the summary: below ten heartbeats it is of no use
	Tags           []TagCount
	TagTotal       int // number of tags of the project; Tags has only the most used
	Rows           []Row
	Pager          ui.Pager
	PingURLPrefix  string      // start of all ping URLs; empty for viewers
	Channels       []ui.Option // for the bulk action; Value is the id
	DefaultPolicy  string      // name of the default policy, "" if the project has none
	Address        string      // path and query of the page; bulk actions return to it
	PrintPath      string      // address of all matching rows on one page, for printing
}

// StatusCounts counts the heartbeats of the project by status.
type StatusCounts struct {
	All, Down, Late, New, Up, Paused int
	Running                          int // not a separate status
}

// TagCount is a tag and the number of its heartbeats.
type TagCount struct {
	Tag   string
	Count int
}

// Filter has the filters of the list, as in the query of its address.
type Filter struct {
	Status, Query, Sort string
	Tags                []string // a heartbeat matches if it has all of them
	Running             bool
	Per                 string // rows of a page; empty: the default
}

// isSet reports whether any filter is set.
func (f Filter) isSet() bool {
	return f.Status != "" || len(f.Tags) > 0 || f.Query != "" || f.Running
}

// urlWith returns the address of the list with one parameter changed. It is the first
// page, because a page key is not valid for another filter.
func (f Filter) urlWith(name, value string) templ.SafeURL {
	q := url.Values{}
	for _, v := range f.values() {
		if v.Value != "" && v.Label != name {
			q.Add(v.Label, v.Value)
		}
	}
	if value != "" {
		q.Set(name, value)
	}
	return listURL(q)
}

// toggleTag returns the address of the list with one tag added or removed.
func (f Filter) toggleTag(tag string) templ.SafeURL {
	if f.hasTag(tag) {
		f.Tags = slices.DeleteFunc(slices.Clone(f.Tags), func(t string) bool { return t == tag })
	} else {
		f.Tags = append(slices.Clone(f.Tags), tag)
	}
	return f.urlWith("", "")
}

func (f Filter) hasTag(tag string) bool { return slices.Contains(f.Tags, tag) }

// listURL returns the address of the list with a query.
func listURL(q url.Values) templ.SafeURL {
	if len(q) == 0 {
		return paths.Heartbeats
	}
	return templ.SafeURL(paths.Heartbeats + "?" + q.Encode())
}

// values returns the parameters of the address; Label is the name.
func (f Filter) values() []ui.Option {
	running := ""
	if f.Running {
		running = "1"
	}
	all := []ui.Option{
		{Value: f.Status, Label: "status"},
		{Value: f.Query, Label: "q"},
		{Value: f.Sort, Label: "sort"},
		{Value: running, Label: "running"},
		{Value: f.Per, Label: "per"},
	}
	for _, tag := range f.Tags {
		all = append(all, ui.Option{Value: tag, Label: "tag"})
	}
	return all
}

// hiddenFields returns all values except one, for a form that sets that one.
func (f Filter) hiddenFields(name string) []ui.Option {
	var kept []ui.Option
	for _, v := range f.values() {
		if v.Label != name {
			kept = append(kept, v)
		}
	}
	return kept
}

// countLink is one status count with its link.
type countLink struct {
	status, words, sign string
	n                   int
	loud                bool
}

// links returns the counts with their links. Only Down is emphasised, and only if
// it is not 0.
func (t StatusCounts) links() []countLink {
	cells := []countLink{{words: "All", n: t.All}}
	counts := map[string]int{"down": t.Down, "late": t.Late, "new": t.New, "up": t.Up, "paused": t.Paused}
	for _, s := range ui.HeartbeatStatuses {
		cells = append(cells, countLink{s, ui.SignOf(s).Text, ui.SignOf(s).Icon, counts[s], s == "down" && t.Down > 0})
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

// sortOptions lists the orders of the list. "Attention first" is Down, Late, New,
// Paused, then Up by the next due time.
var sortOptions = []ui.Option{
	{Value: "", Label: "Attention first"},
	{Value: "due", Label: "Next due"},
	{Value: "last", Label: "Last ping"},
	{Value: "name", Label: "Name"},
	{Value: "slowest", Label: "Slowest"},
}

// maxTagChips is the number of tags next to the search. A menu has the others.
const maxTagChips = 4

// chips returns the tags of the filter, then the most used tags.
func (p ListPage) chips() []TagCount {
	var chosen, others []TagCount
	for _, tag := range p.Filter.Tags {
		chosen = append(chosen, TagCount{Tag: tag, Count: p.tagCount(tag)})
	}
	for _, t := range p.Tags {
		if !p.Filter.hasTag(t.Tag) && len(chosen)+len(others) < maxTagChips {
			others = append(others, t)
		}
	}
	return append(chosen, others...)
}

// tagCount returns the number of heartbeats with a tag, or 0 if the tag is not among
// the most used.
func (p ListPage) tagCount(tag string) int {
	for _, t := range p.Tags {
		if t.Tag == tag {
			return t.Count
		}
	}
	return 0
}

// moreTags returns the tags without a chip.
func (p ListPage) moreTags() (more []TagCount) {
	shown := p.chips()
	for _, t := range p.Tags {
		if !slices.Contains(shown, t) {
			more = append(more, t)
		}
	}
	return more
}

// minSearchedTags is the number of tags from which the menu has a search field.
const minSearchedTags = 10

// moreTagsTotal counts all tags without a chip, including those not in the menu.
func (p ListPage) moreTagsTotal() int {
	return max(p.TagTotal, len(p.Tags)) - len(p.chips())
}

func (p ListPage) edits() bool { return p.User.Edits() }

// heading is the heading of the list for screen readers. The script announces it
// after a search.
func (p ListPage) heading() string {
	switch total := p.Pager.Total; {
	case !p.Filter.isSet():
		return "All heartbeats"
	case total == 1:
		return "1 matching heartbeat"
	case total == 0:
		return "No matching heartbeats"
	default:
		return ui.Count(total) + " matching heartbeats"
	}
}
