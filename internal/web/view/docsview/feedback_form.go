package docsview

import "overdue/internal/web/view/ui"

// FeedbackAnswer is what the reader has just said about a page: kept, or brought back
// because something in it was wrong.
type FeedbackAnswer struct {
	Saved   bool
	Helpful string // "yes", "no"
	Comment ui.Input
}
