package layout

import (
	"strings"

	"overdue/internal/web/view/paths"
)

// ErrorPage describes what went wrong and what to do next. Without App it needs no
// session and no database.
type ErrorPage struct {
	SignedOutShell
	App       *Shell // of a signed-in person, who keeps the sidebar; otherwise nil
	Path      string // requested path; it decides where the page leads
	Status    int    // 403, 404, 500, 503 …
	Detail    string // a sentence about this case; replaces the general one
	RequestID string // identifies the request in the log; only for errors of the server
	SignedIn  bool
}

// errorText is the general text of an error.
type errorText struct{ title, text, next string }

// errorTexts says for each HTTP status what happened and what to do.
var errorTexts = map[int]errorText{
	400: {"Invalid request", "The request is not valid.", "Go back and try again from the page."},
	403: {"You do not have access", "Your role in this project does not allow this.", "Ask an owner or an admin of the project."},
	404: {"Page not found", "The page does not exist, or its content was deleted.", ""},
	405: {"Method not allowed", "This address does not accept this kind of request.", "Go back and try again from the page."},
	408: {"The form did not arrive", "The connection was too slow or was interrupted.", "Check your connection, then send the form again."},
	409: {"Edit conflict", "Another person changed this while your page was open.", "Open it again, then repeat the changes that are still needed."},
	413: {"The form is too large", "It has more text than the server accepts.", "Shorten it, then send it again."},
	415: {"Unsupported form", "The encoding of the form is not supported.", "Open the page in a browser and send the form from there."},
	422: {"Invalid request", "The request is not valid.", "Go back and try again from the page."},
	429: {"Too many attempts", "Sign-in is blocked for a while to protect passwords.", "Wait 15 minutes, then try again."},
	500: {"Server error", "The error was logged. Pings and alerts do not depend on this page.", "Try again. If the error persists, give the request ID below to the operator."},
	503: {"Overdue is unavailable", "The database is unavailable, or the server is stopping. Clients are asked to repeat their pings.", "Try again in a minute."},
}

// errorText returns the text of the page. An unknown status has the text of a
// server error.
func (p ErrorPage) errorText() errorText {
	known, ok := errorTexts[p.Status]
	if !ok {
		known = errorTexts[500]
	}
	if p.Detail != "" {
		known.text = p.Detail
	}
	return known
}

// lede describes what happened and what to do. A detail with two sentences already says
// both. A reader who is not signed in cannot search a list.
func (p ErrorPage) lede() string {
	known := p.errorText()
	if strings.Contains(p.Detail, ". ") || p.Status == 404 && !p.SignedIn && !p.inDocs() {
		return known.text
	}
	if p.Status == 404 {
		known.next = p.returnSection().missing
	}
	return known.text + " " + known.next
}

// errorSection is a part of the site that an error page leads back to.
type errorSection struct{ name, path, missing string }

// errorSections lists the parts of the site. The list of heartbeats, the first, is
// the default.
var errorSections = []errorSection{
	{"Heartbeats", paths.Heartbeats, "Search the list of heartbeats."},
	{"Incidents", paths.Incidents, "Search the list of incidents by heartbeat or number."},
	{"Channels", paths.Channels, "See the list of channels."},
	{"Docs", paths.Docs, "Search the docs, or start at their first page."},
	{"Team", paths.Team, "See the members of the project."},
}

// section returns the part of the site that the requested path belongs to. known is
// false for a path outside of them.
func (p ErrorPage) section() (_ errorSection, known bool) {
	for _, s := range errorSections {
		if p.Path == s.path || strings.HasPrefix(p.Path, s.path+"/") {
			return s, true
		}
	}
	return errorSections[0], false
}

// returnSection returns the section that the button of the page opens.
func (p ErrorPage) returnSection() errorSection {
	s, _ := p.section()
	return s
}

// currentNavItem returns the item of the sidebar that is marked as current, or "" for none.
func (p ErrorPage) currentNavItem() string {
	s, known := p.section()
	if !known {
		return ""
	}
	return s.name
}

// inDocs reports whether the requested path belongs to the docs, which everyone
// can read.
func (p ErrorPage) inDocs() bool { return p.returnSection().path == paths.Docs }

// pageTitle returns the title of the document.
func (p ErrorPage) pageTitle() string {
	return PageTitle(p.errorText().title, p.App.Project.Name, 0)
}
