package view

import "time"

// FeedbackPage shows the owner what readers thought of the manual.
type FeedbackPage struct {
	Shell
	Pages    []DocPageFeedback
	Comments []DocComment // newest first
	Pager    Pager
}

// DocPageFeedback is one page of the manual and its answers.
type DocPageFeedback struct {
	Slug, Title string
	Yes, No     int
}

// DocComment is one comment.
type DocComment struct {
	At          time.Time
	Slug, Title string
	Helpful     bool
	Text        string
	By          string // empty when the reader was not signed in
}
