package docsview

import (
	"github.com/a-h/templ"

	"overdue/internal/snippet"
	"overdue/internal/web/view/ui"
)

// Snippets are the ways to ping. Like the other Doc… functions below it is a
// part of the manual that is drawn and not written, so that it never differs
// from the application.
func Snippets(pingURL string) templ.Component {
	return ui.SnippetTabs(snippet.Examples(pingURL), pingURL)
}

// HeartbeatChoice lets a reader who is signed in choose whose ping URL the examples
// of the page hold.
type HeartbeatChoice struct {
	Slug    string // of the page
	Chosen  string // key of the heartbeat whose URL is filled in
	Choices []HeartbeatOption
}

// HeartbeatOption is a heartbeat that may be chosen.
type HeartbeatOption struct{ Key, Name string }

// HeartbeatChooser says whose ping URL is filled in. The zero DocHeartbeatChoice is that of
// somebody who is not signed in.
func HeartbeatChooser(c HeartbeatChoice) templ.Component { return heartbeatChooser(c) }

// ExampleDeadline is the bar of the example in the manual: an interval of 24h and
// a grace period of 10m.
func ExampleDeadline() templ.Component {
	return ui.DeadlineBar(ui.Clock{}, ui.Deadline{
		ID:    "doc",
		Label: "Last ping Tuesday 03:00:04, due Wednesday 03:00:04, alert Wednesday 03:10:04.",
		Marks: [3]ui.DeadlineMark{
			{Label: "Last ping", Text: "03:00:04", Note: "Tuesday"},
			{Label: "Due", Text: "03:00:04", Note: "Wednesday"},
			{Label: "Alert", Text: "03:10:04", Note: "Wednesday"},
		},
	})
}

// Code is a figure of code. The id must be unique on the page.
func Code(id, name, text, url string) templ.Component { return ui.CodeBlock(id, name, text, url) }
