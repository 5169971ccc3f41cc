package layout

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/a-h/templ"

	"overdue/internal/web/view/ui"
)

// Shell has the data of the frame around every page of a signed-in person.
type Shell struct {
	ui.Clock
	Theme    string // "light" or "dark" as chosen; empty follows the system
	LivePath string // path of the event stream; empty for a page without updates
	Toast    string // the result of the last action, one short sentence
	UndoPath string // path of the form that undoes it, with its fields as the query; empty if that is not possible

	Project  Project   // the open project
	Projects []Project // all projects of the person, including this one
	User     User

	Down            int // heartbeats of the project that are Down
	Unresolved      int // incidents not resolved
	FailingChannels int // channels that do not deliver

	Version string // of the program, such as "1.0.0"
}

// Project is one entry of the project menu.
type Project struct {
	ID, Name   string
	Heartbeats int
}

// User is the signed-in person. Role is their role in the open project: owner,
// admin, member or viewer.
type User struct {
	Name, Email, Role string
}

// Edits reports whether the role may change heartbeats, incidents and channels.
func (u User) Edits() bool { return u.Role != "viewer" }

// Administers reports whether the role may change members, keys and settings.
func (u User) Administers() bool { return u.Role == "owner" || u.Role == "admin" }

// undoAction returns the path of the form that undoes the last action.
func (s Shell) undoAction() string {
	path, _, _ := strings.Cut(s.UndoPath, "?")
	return path
}

// undoFields returns the hidden fields of that form: name and value. They are not in
// the address, because those of a bulk action on 200 heartbeats are longer than the
// maximum length of a URL.
func (s Shell) undoFields() (fields []ui.Option) {
	_, query, _ := strings.Cut(s.UndoPath, "?")
	values, _ := url.ParseQuery(query)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[name] {
			fields = append(fields, ui.Option{Label: name, Value: value})
		}
	}
	return fields
}

// initials returns the first letters of the first and the last name.
func (u User) initials() string {
	words := strings.Fields(u.Name)
	if len(words) > 2 {
		words = []string{words[0], words[len(words)-1]}
	}
	var s strings.Builder
	for _, w := range words {
		r, _ := utf8.DecodeRuneInString(w)
		s.WriteRune(r)
	}
	return strings.ToUpper(s.String())
}

// PageTitle returns the title of a page. On the list of heartbeats it begins with
// the number that are Down, which shows in a background tab. The event stream
// sends the same title.
func PageTitle(page, project string, down int) string {
	title := page + " · " + project + " · Overdue"
	if down > 0 {
		return "(" + strconv.Itoa(down) + " down) " + title
	}
	return title
}

// navGap adds a gap between pages about jobs and pages about the project.
func navGap(name string) templ.Attributes {
	if name == "Team" {
		return templ.Attributes{"class": "nav-gap"}
	}
	return nil
}
