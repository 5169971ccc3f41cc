package view_test

import (
	"context"
	"io"

	"github.com/a-h/templ"

	"overdue/internal/web/view/docsview"
)

func exampleDocs() docsview.DocShell {
	return docsview.DocShell{
		Clock: exampleClock(), SignedIn: true,
		Nav: []docsview.NavGroup{
			{Title: "Start", Pages: []docsview.Link{{Slug: "first-heartbeat", Title: "First heartbeat"}, {Slug: "deadlines", Title: "How deadlines work"}, {Slug: "install", Title: "Install and upgrade"}}},
			{Title: "Use", Pages: []docsview.Link{{Slug: "schedules", Title: "Schedules and time zones"}, {Slug: "signals", Title: "Starts, failures and logs"}, {Slug: "channels", Title: "Channels and alerts"}}},
			{Title: "Reference", Pages: []docsview.Link{{Slug: "ping", Title: "Ping API"}, {Slug: "api", Title: "API reference"}}},
		},
	}
}

// joinComponents joins written and generated parts of a manual page.
func joinComponents(parts ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		for _, p := range parts {
			if err := p.Render(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
}

func exampleDoc() docsview.Page {
	return docsview.Page{
		DocShell: exampleDocs(), Slug: "first-heartbeat", Title: "First heartbeat",
		Lede:     "Your job calls a URL when it is done. When the call does not come in time, Overdue opens an incident and alerts you.",
		Contents: []docsview.Heading{{ID: "what", Title: "What a heartbeat is"}, {ID: "integrations", Title: "Integrations"}, {ID: "grace", Title: "Grace period"}, {ID: "statuses", Title: "Statuses"}},
		Body: joinComponents(
			markup(`<h2 id="what">What a heartbeat is</h2><p>A heartbeat stands for one job that should run on a schedule: a backup, a report, a queue consumer.</p><h2 id="integrations">Integrations</h2>`),
			docsview.HeartbeatChooser(docsview.HeartbeatChoice{Slug: "first-heartbeat", Chosen: "b", Choices: []docsview.HeartbeatOption{{Key: "a", Name: "Report"}, {Key: "b", Name: "Backup"}}}),
			docsview.Snippets(backupURL),
			markup(`<h2 id="grace">Grace period</h2><p>Jobs are seldom punctual.</p>`),
			docsview.ExampleDeadline(),
			markup(`<h2 id="statuses">Statuses</h2>`),
			docsview.StatusTable(),
			markup(`<p>`), docsview.Status("running"), markup(` is shown next to the status.</p>`),
			docsview.Code("c-send", "Terminal", "backup.sh && curl "+backupURL, backupURL),
		),
		Next:   []docsview.NextPage{{Slug: "deadlines", Title: "How deadlines work", About: "intervals, early and late pings"}},
		Before: docsview.Link{Slug: "install", Title: "Install"}, After: docsview.Link{Slug: "deadlines", Title: "How deadlines work"},
	}
}

func exampleSearch() docsview.SearchPage {
	m := exampleDocs()
	m.Query = "grace"
	return docsview.SearchPage{DocShell: m, Results: []docsview.SearchResult{
		{Slug: "first-heartbeat", Anchor: "grace", Title: "First heartbeat", Section: "Grace period", Excerpt: []docsview.ExcerptPart{{Text: "Jobs are seldom punctual. The "}, {Text: "grace", Match: true}, {Text: " period is how late a ping may be."}}},
		{Slug: "deadlines", Title: "How deadlines work", Excerpt: []docsview.ExcerptPart{{Text: "With interval 5 min and grace 2 min, the last ping at T."}}},
	}}
}

func exampleReference() docsview.APIReferencePage {
	return docsview.APIReferencePage{
		DocShell: exampleDocs(), BaseURL: "https://overdue.kestrel.example/api/v1", SpecPath: "/api/v1/openapi.json",
		Groups: []docsview.OperationGroup{
			{ID: "heartbeats", Title: "Heartbeats", Operations: []docsview.Operation{
				{
					ID: "list-heartbeats", Method: "GET", Path: "/heartbeats", Summary: "List heartbeats", ReadOnly: true,
					Parameters: []docsview.Parameter{{Name: "status", In: "query", Type: "string", Description: "Only this status."}},
					Responses:  []docsview.Response{{Status: 200, Description: "A page of heartbeats."}},
				},
				{
					ID: "create-heartbeat", Method: "POST", Path: "/heartbeats", Summary: "Create a heartbeat",
					Body:      []docsview.Parameter{{Name: "name", Type: "string", Required: true, Description: "1 to 100 characters."}},
					Responses: []docsview.Response{{Status: 201, Description: "The heartbeat, with its ping URL."}, {Status: 422, Description: "Which field is wrong, and why."}},
					Example:   "curl -fsS https://overdue.kestrel.example/api/v1/heartbeats --json '{\"name\":\"Nightly backup\"}'",
					Answer:    "{\"name\": \"Nightly backup\"}",
				},
			}},
			{ID: "incidents", Title: "Incidents", Operations: []docsview.Operation{{ID: "delete-channel", Method: "DELETE", Path: "/channels/{id}", Summary: "Delete a channel"}}},
		},
	}
}
