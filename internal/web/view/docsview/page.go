package docsview

import (
	"github.com/a-h/templ"

	"overdue/internal/web/view/ui"
)

// DocShell has the data of the frame around every page of the docs.
type DocShell struct {
	ui.Clock
	Theme    string // as in [layout.Shell]
	Nav      []NavGroup
	Query    string // content of the search field
	SignedIn bool   // shows "Open Overdue" instead of "Sign in"
}

// NavGroup is a group of links in the side navigation.
type NavGroup struct {
	Title string
	Pages []Link
}

// Link is a link to a page of the manual.
type Link struct{ Slug, Title string }

// Page is one page of the manual. The body is HTML from the files of the manual,
// which are part of the program. Text from users is escaped.
type Page struct {
	DocShell
	Slug, Title, Lede string
	Contents          []Heading
	Body              templ.Component
	Next              []NextPage
	Before, After     Link // neighbours in the order of the manual; zero at its ends
	Answer            FeedbackAnswer
}

// Heading is an entry of "On this page".
type Heading struct{ ID, Title string }

// NextPage is a link of "What to read next", with its reason.
type NextPage struct{ Slug, Title, About string }
