package docsview

import (
	"github.com/a-h/templ"

	"overdue/internal/web/view/ui"
)

// DocShell is what surrounds every page of the docs.
type DocShell struct {
	ui.Clock
	Theme    string // as in [layout.Shell]
	Nav      []NavGroup
	Query    string // in the search box
	SignedIn bool   // "Open Overdue", else "Sign in"
}

// NavGroup is one heading of the side navigation.
type NavGroup struct {
	Title string
	Pages []Link
}

// Link leads to a page of the manual.
type Link struct{ Slug, Title string }

// Page is one page of the manual. The body is HTML from the manual's own
// files, which the person who builds the program has written; nothing that a
// user wrote goes into it unescaped.
type Page struct {
	DocShell
	Slug, Title, Lede string
	Contents          []Heading
	Body              templ.Component
	Next              []NextPage
	Before, After     Link // the neighbours in the order of the manual; zero at its ends
	Answer            FeedbackAnswer
}

// Heading is an entry of "On this page".
type Heading struct{ ID, Title string }

// NextPage is what to read next, and why.
type NextPage struct{ Slug, Title, About string }
