package view_test

import (
	"context"
	"io"

	"github.com/a-h/templ"

	"overdue/internal/web/view"
)

func exampleManual() view.DocShell {
	return view.DocShell{
		Clock: exampleClock(), SignedIn: true,
		Nav: []view.DocNavGroup{
			{Title: "Start", Pages: []view.DocLink{{Slug: "first-heartbeat", Title: "First heartbeat"}, {Slug: "deadlines", Title: "How deadlines work"}, {Slug: "install", Title: "Install and upgrade"}}},
			{Title: "Use", Pages: []view.DocLink{{Slug: "schedules", Title: "Schedules and time zones"}, {Slug: "signals", Title: "Starts, failures and logs"}, {Slug: "channels", Title: "Channels and alerts"}}},
			{Title: "Reference", Pages: []view.DocLink{{Slug: "ping", Title: "Ping API"}, {Slug: "api", Title: "API reference"}}},
		},
	}
}

// pieces puts written and drawn parts of a page of the manual together.
func pieces(parts ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		for _, p := range parts {
			if err := p.Render(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
}

func exampleDoc() view.DocPage {
	return view.DocPage{
		DocShell: exampleManual(), Slug: "first-heartbeat", Title: "First heartbeat",
		Lede:     "Your job calls a URL when it is done. When the call does not come in time, Overdue opens an incident and alerts you.",
		Contents: []view.Heading{{ID: "what", Title: "What a heartbeat is"}, {ID: "integrations", Title: "Integrations"}, {ID: "grace", Title: "Grace period"}, {ID: "statuses", Title: "Statuses"}},
		Body: pieces(
			markup(`<h2 id="what">What a heartbeat is</h2><p>A heartbeat stands for one job that should run on a schedule: a backup, a report, a queue consumer.</p><h2 id="integrations">Integrations</h2>`),
			view.DocChooser(view.DocHeartbeatChoice{Slug: "first-heartbeat", Chosen: "b", Choices: []view.DocHeartbeat{{Key: "a", Name: "Report"}, {Key: "b", Name: "Backup"}}}),
			view.DocSnippets(backupURL),
			markup(`<h2 id="grace">Grace period</h2><p>Jobs are seldom punctual.</p>`),
			view.DocDeadline(),
			markup(`<h2 id="statuses">Statuses</h2>`),
			view.DocStatuses(),
			markup(`<p>`), view.DocStatus("running"), markup(` is a marker beside the status.</p>`),
			view.DocCode("c-send", "Terminal", "backup.sh && curl "+backupURL, backupURL),
		),
		Next:   []view.DocNext{{Slug: "deadlines", Title: "How deadlines work", About: "intervals, early and late pings"}},
		Before: view.DocLink{Slug: "install", Title: "Install"}, After: view.DocLink{Slug: "deadlines", Title: "How deadlines work"},
	}
}

func exampleSearch() view.DocSearchPage {
	m := exampleManual()
	m.Query = "grace"
	return view.DocSearchPage{DocShell: m, Results: []view.DocSearchResult{
		{Slug: "first-heartbeat", Anchor: "grace", Title: "First heartbeat", Section: "Grace period", Excerpt: []view.ExcerptPart{{Text: "Jobs are seldom punctual. The "}, {Text: "grace", Match: true}, {Text: " period is how late a ping may be."}}},
		{Slug: "deadlines", Title: "How deadlines work", Excerpt: []view.ExcerptPart{{Text: "With interval 5 min and grace 2 min, the last ping at T."}}},
	}}
}

func exampleReference() view.APIReferencePage {
	return view.APIReferencePage{
		DocShell: exampleManual(), BaseURL: "https://overdue.kestrel.example/api/v1", SpecPath: "/api/v1/openapi.json",
		Groups: []view.OperationGroup{
			{ID: "heartbeats", Title: "Heartbeats", Operations: []view.Operation{
				{
					ID: "list-heartbeats", Method: "GET", Path: "/heartbeats", Summary: "List heartbeats", ReadOnly: true,
					Parameters: []view.Parameter{{Name: "status", In: "query", Type: "string", Description: "Only this status."}},
					Responses:  []view.Response{{Status: 200, Description: "A page of heartbeats."}},
				},
				{
					ID: "create-heartbeat", Method: "POST", Path: "/heartbeats", Summary: "Create a heartbeat",
					Body:      []view.Parameter{{Name: "name", Type: "string", Required: true, Description: "1 to 100 characters."}},
					Responses: []view.Response{{Status: 201, Description: "The heartbeat, with its ping URL."}, {Status: 422, Description: "Which field is wrong, and why."}},
					Example:   "curl -fsS https://overdue.kestrel.example/api/v1/heartbeats --json '{\"name\":\"Nightly backup\"}'",
					Answer:    "{\"name\": \"Nightly backup\"}",
				},
			}},
			{ID: "incidents", Title: "Incidents", Operations: []view.Operation{{ID: "delete-channel", Method: "DELETE", Path: "/channels/{id}", Summary: "Delete a channel"}}},
		},
	}
}
