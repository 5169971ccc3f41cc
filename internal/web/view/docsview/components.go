package docsview

import (
	"github.com/a-h/templ"

	"overdue/internal/snippet"
	"overdue/internal/web/view/ui"
)

// Snippets shows the ways to send a ping. Like the other components in this file, it
// is a part of the manual that is generated: it always matches the application.
func Snippets(pingURL string) templ.Component {
	return ui.SnippetTabs(snippet.Examples(pingURL), pingURL)
}

// HeartbeatChoice has the heartbeats whose ping URL the examples of a page can
// contain.
type HeartbeatChoice struct {
	Slug    string // of the page
	Chosen  string // key of the selected heartbeat
	Choices []HeartbeatOption
}

// HeartbeatOption is a heartbeat that the reader may select.
type HeartbeatOption struct{ Key, Name string }

// HeartbeatChooser selects the ping URL of the examples. For readers who are not
// signed in, the choice is the zero value.
func HeartbeatChooser(c HeartbeatChoice) templ.Component { return heartbeatChooser(c) }

// ExampleDeadline is the deadline bar of the manual: an interval of 24h and a grace
// period of 10m.
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

// Code is a code block. The id must be unique on the page.
func Code(id, name, text, url string) templ.Component { return ui.CodeBlock(id, name, text, url) }
