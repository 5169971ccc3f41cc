package view

import (
	"github.com/a-h/templ"

	"overdue/internal/snippet"
)

// DocShell is what surrounds every page of the docs.
type DocShell struct {
	Clock
	Theme    string // as in [Shell]
	Nav      []DocNavGroup
	Query    string // in the search box
	SignedIn bool   // "Open Overdue", else "Sign in"
}

// DocNavGroup is one heading of the side navigation.
type DocNavGroup struct {
	Title string
	Pages []DocLink
}

// DocLink leads to a page of the manual.
type DocLink struct{ Slug, Title string }

// DocPage is one page of the manual. The body is HTML from the manual's own
// files, which the person who builds the program has written; nothing that a
// user wrote goes into it unescaped.
type DocPage struct {
	DocShell
	Slug, Title, Lede string
	Contents          []Heading
	Body              templ.Component
	Next              []DocNext
	Before, After     DocLink // the neighbours in the order of the manual; zero at its ends
	Answer            DocFeedback
}

// DocFeedback is what the reader has just said about a page: kept, or brought back
// because something in it was wrong.
type DocFeedback struct {
	Saved   bool
	Helpful string // "yes", "no"
	Comment Input
}

// Heading is an entry of "On this page".
type Heading struct{ ID, Title string }

// DocNext is what to read next, and why.
type DocNext struct{ Slug, Title, About string }

// DocSearchPage is the result of a search in the docs.
type DocSearchPage struct {
	DocShell
	Results []DocSearchResult
}

// DocSearchResult is one place that was found. The excerpt is plain text, in pieces.
type DocSearchResult struct {
	Slug, Anchor, Title, Section string
	Excerpt                      []ExcerptPart
}

// ExcerptPart is a part of an excerpt; Found tells that it is what was looked for.
type ExcerptPart struct {
	Text  string
	Match bool
}

func (h DocSearchResult) path() templ.SafeURL {
	if h.Anchor == "" {
		return templ.SafeURL(DocPath(h.Slug))
	}
	return templ.SafeURL(DocPath(h.Slug) + "#" + h.Anchor)
}

// DocSnippets are the ways to ping. Like the other Doc… functions below it is a
// part of the manual that is drawn and not written, so that it never differs
// from the application.
func DocSnippets(pingURL string) templ.Component {
	return snippetTabs(snippet.Examples(pingURL), pingURL)
}

// DocHeartbeatChoice lets a reader who is signed in choose whose ping URL the examples
// of the page hold.
type DocHeartbeatChoice struct {
	Slug    string // of the page
	Chosen  string // key of the heartbeat whose URL is filled in
	Choices []DocHeartbeat
}

// DocHeartbeat is a heartbeat that may be chosen.
type DocHeartbeat struct{ Key, Name string }

// DocChooser says whose ping URL is filled in. The zero DocHeartbeatChoice is that of
// somebody who is not signed in.
func DocChooser(c DocHeartbeatChoice) templ.Component { return docChooser(c) }

// DocDeadline is the bar of the example in the manual: an interval of 24h and
// a grace period of 10m.
func DocDeadline() templ.Component {
	return deadline(Clock{}, Deadline{
		ID:    "doc",
		Label: "Last ping Tuesday 03:00:04, due Wednesday 03:00:04, alert Wednesday 03:10:04.",
		Marks: [3]DeadlineMark{
			{Label: "Last ping", Text: "03:00:04", Note: "Tuesday"},
			{Label: "Due", Text: "03:00:04", Note: "Wednesday"},
			{Label: "Alert", Text: "03:10:04", Note: "Wednesday"},
		},
	})
}

// DocStatus is a status with its sign, for a sentence or a table.
func DocStatus(name string) templ.Component { return status(name) }

// DocCode is a figure of code. The id must be unique on the page.
func DocCode(id, name, text, url string) templ.Component { return code(id, name, text, url) }

// DocStatuses is the table of statuses.
func DocStatuses() templ.Component { return statusTable(statusMeanings) }

// statusMeaning is one line of the table of statuses.
type statusMeaning struct{ status, meaning, happens string }

// statusMeanings tell the statuses of a heartbeat as the product defines them.
var statusMeanings = []statusMeaning{
	{"new", "No ping since it was created", "Nothing, until the first ping"},
	{"up", "The last ping came in time", "Overdue counts down to the next"},
	{"late", "The interval is over, the grace period is not", "Shown, not alerted, unless a channel asks for it"},
	{"down", "The grace period is over, the job failed, or it ran too long", "An incident opens and alerts go out"},
	{"paused", "Someone paused it", "Not judged. The next ping resumes it"},
}
