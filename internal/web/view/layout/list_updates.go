package layout

import (
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"overdue/internal/web/view/ui"
)

// ListUpdates counts the changes that a list would show after a reload. Rows
// change in place, but their order and selection change only by a reload.
type ListUpdates struct {
	Path     string // the first page of the list with its filter
	Down     int    // heartbeats that are Down and not on the page
	New      int    // created since the page was loaded
	Matching int    // match the filter now and are not on the page
	Deleted  int    // deleted, but still on the page
}

// Text returns the changes in one sentence, or "" if there are none.
func (n ListUpdates) Text() string {
	var all []string
	add := func(count int, one, many string) {
		if count == 1 {
			all = append(all, "1 "+one)
		} else if count > 1 {
			all = append(all, ui.Count(count)+" "+many)
		}
	}
	add(n.Down, "more is Down", "more are Down")
	add(n.New, "new", "new")
	add(n.Matching, "more matches", "more match")
	add(n.Deleted, "deleted", "deleted")
	return strings.Join(all, ", ")
}

// ListPath returns the address of a list with a filter.
func ListPath(path string, q url.Values) string {
	return strings.TrimSuffix(path+"?"+q.Encode(), "?")
}

// UpdatesFragment returns the fragment with the bar of a list.
func UpdatesFragment(n ListUpdates) []Fragment {
	return NewFragments([]string{"news"}, func(ui.Clock, string) templ.Component { return UpdatesBar(n) })
}
