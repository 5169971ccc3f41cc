package docsview

import (
	"time"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// FeedbackPage shows the owner the feedback about the manual.
type FeedbackPage struct {
	layout.Shell
	Pages    []PageScore
	Comments []Comment // newest first
	Pager    ui.Pager
}

// PageScore counts the answers about one page of the manual.
type PageScore struct {
	Slug, Title string
	Yes, No     int
}

// Comment is one comment of a reader.
type Comment struct {
	At          time.Time
	Slug, Title string
	Helpful     bool
	Text        string
	By          string // empty if the reader was not signed in
}
