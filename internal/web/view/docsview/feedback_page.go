package docsview

import (
	"time"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// FeedbackPage shows the owner what readers thought of the manual.
type FeedbackPage struct {
	layout.Shell
	Pages    []PageScore
	Comments []Comment // newest first
	Pager    ui.Pager
}

// PageScore is one page of the manual and its answers.
type PageScore struct {
	Slug, Title string
	Yes, No     int
}

// Comment is one comment.
type Comment struct {
	At          time.Time
	Slug, Title string
	Helpful     bool
	Text        string
	By          string // empty when the reader was not signed in
}
