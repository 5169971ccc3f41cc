package view

import (
	"net/url"
	"strings"

	"github.com/a-h/templ"
)

// News is what a list would show if it were loaded again. Rows change in place;
// their order and what is on the page change only then.
type News struct {
	Address string // of the list as it is narrowed, from its beginning
	Down    int    // went Down and are not on the page
	New     int    // were created since
	More    int    // match the filter since
	Gone    int    // are on the page and were deleted
}

// Words say it in one sentence, empty when there is nothing to say.
func (n News) Words() string {
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
	add(n.More, "more matches", "more match")
	add(n.Gone, "deleted", "deleted")
	return strings.Join(all, ", ")
}

// ListAddress is the address of a list, narrowed by a query.
func ListAddress(path string, q url.Values) string {
	return strings.TrimSuffix(path+"?"+q.Encode(), "?")
}

// newsParts is the part of a list that holds its news.
func newsParts(n News) []Living {
	return livingParts([]string{"news"}, func(Clock, string) templ.Component { return newsBar(n) })
}

// Living is the part of the page that changes while it is open.
func (p IncidentsPage) Living() []Living { return newsParts(p.News) }

// Living is the part of the page that changes while it is open.
func (p EmptyPage) Living() []Living { return newsParts(p.News) }
