package docsview

import "overdue/internal/web/view/ui"

// FeedbackAnswer is the answer of the reader about a page. It is saved, or shown
// again with an error.
type FeedbackAnswer struct {
	Saved   bool
	Helpful string // "yes", "no"
	Comment ui.Input
}
