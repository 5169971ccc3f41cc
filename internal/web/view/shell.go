package view

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/a-h/templ"
)

// Shell is what surrounds every page of someone who is signed in.
type Shell struct {
	Clock
	Theme    string // "light" or "dark" as chosen; empty follows the system
	LivePath string // path of the page's event stream; empty for a page at rest
	Toast    string // what the click that led here has done, one short sentence
	UndoPath string // path of the form that takes it back; empty when nothing can

	Project  Project   // the one being looked at
	Projects []Project // all that the person belongs to, this one included
	User     User

	Down            int // heartbeats of the project that are Down
	Unresolved      int // incidents not resolved
	FailingChannels int // channels that are failing

	Version string // of the program, such as "1.0.0"
}

// Project is one entry of the switcher.
type Project struct {
	ID, Name   string
	Heartbeats int
}

// User is the person signed in, with the role in this project: owner, admin,
// member or viewer.
type User struct {
	Name, Email, Role string
}

// Edits tells whether the role may change anything.
func (u User) Edits() bool { return u.Role != "viewer" }

// Administers tells whether the role may change members, keys and settings.
func (u User) Administers() bool { return u.Role == "owner" || u.Role == "admin" }

// initials are the first letters of the first and the last name.
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

// capital writes a lower-case word of the product, such as a role, as a label.
func capital(word string) string {
	r, size := utf8.DecodeRuneInString(word)
	if size == 0 {
		return ""
	}
	return strings.ToUpper(string(r)) + word[size:]
}

// Capitalize begins a text with a capital.
func Capitalize(text string) string { return capital(text) }

// PageTitle is the title of a page of the project. The number of heartbeats
// Down leads it on the list, so that a background tab tells; the live stream
// sends the same words.
func PageTitle(page, project string, down int) string {
	title := page + " · " + project + " · Overdue"
	if down > 0 {
		return "(" + strconv.Itoa(down) + " down) " + title
	}
	return title
}

// themes are the three choices, with the icon and the words of each.
var themes = []struct{ value, icon, words string }{
	{"auto", "auto", "Match the system"},
	{"light", "sun", "Light"},
	{"dark", "moon", "Dark"},
}

// themeAttr is the value of data-theme; only the two known themes reach the
// page, since the value comes from a cookie.
func themeAttr(theme string) string {
	if theme == "light" || theme == "dark" {
		return theme
	}
	return ""
}

func themePressed(theme, value string) string {
	chosen := themeAttr(theme)
	if chosen == "" {
		chosen = "auto"
	}
	return strconv.FormatBool(chosen == value)
}

// current is the value of aria-current, which must be absent when false.
func current(is bool, value string) templ.Attributes {
	if !is {
		return nil
	}
	return templ.Attributes{"aria-current": value}
}

// themeAttrs are the theme as it is drawn by the server, so that nothing flashes.
func themeAttrs(theme string) templ.Attributes {
	if t := themeAttr(theme); t != "" {
		return templ.Attributes{"data-theme": t}
	}
	return nil
}

// navGap sets the pages about the project apart from the pages about jobs.
func navGap(name string) templ.Attributes {
	if name == "Team" {
		return templ.Attributes{"class": "nav-gap"}
	}
	return nil
}
