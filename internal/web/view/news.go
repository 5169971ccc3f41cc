package view

import (
	"net/url"
	"strings"

	"github.com/a-h/templ"
)

// ListUpdates is what a list would show if it were loaded again. Rows change in place;
// their order and what is on the page change only then.
type ListUpdates struct {
	Path     string // of the list as it is narrowed, from its beginning
	Down     int    // went Down and are not on the page
	New      int    // were created since
	Matching int    // match the filter since
	Deleted  int    // are on the page and were deleted
}

// Text say it in one sentence, empty when there is nothing to say.
func (n ListUpdates) Text() string {
	var all []string
	add := func(count int, one, many string) {
		if count == 1 {
			all = append(all, "1 "+one)
		} else if count > 1 {
			all = append(all, Count(count)+" "+many)
		}
	}
	add(n.Down, "more is Down", "more are Down")
	add(n.New, "new", "new")
	add(n.Matching, "more matches", "more match")
	add(n.Deleted, "deleted", "deleted")
	return strings.Join(all, ", ")
}

// ListPath is the address of a list, narrowed by a query.
func ListPath(path string, q url.Values) string {
	return strings.TrimSuffix(path+"?"+q.Encode(), "?")
}

// updatesFragment is the part of a list that holds its news.
func updatesFragment(n ListUpdates) []Fragment {
	return newFragments([]string{"news"}, func(Clock, string) templ.Component { return newsBar(n) })
}

// Fragments is the part of the page that changes while it is open.
func (p IncidentsPage) Fragments() []Fragment { return updatesFragment(p.Updates) }

// Fragments is the part of the page that changes while it is open.
func (p EmptyListPage) Fragments() []Fragment { return updatesFragment(p.Updates) }
