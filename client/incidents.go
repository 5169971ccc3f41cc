package client

import (
	"context"
	"iter"
	"net/url"
)

// IncidentQuery filters the list of incidents. Empty members do not filter.
type IncidentQuery struct {
	State     string // open, acknowledged or resolved
	Heartbeat string // id or ref
	PageQuery
}

func (q IncidentQuery) values() url.Values {
	v := q.PageQuery.values()
	setNonEmpty(v, "state", q.State)
	setNonEmpty(v, "heartbeat", q.Heartbeat)
	return v
}

func incidentPath(id string) string { return "/incidents/" + url.PathEscape(id) }

// Incidents returns one page of incidents.
func (c *Client) Incidents(ctx context.Context, q IncidentQuery) (Page[Incident], error) {
	return fetchPage[Incident](ctx, c, "/incidents", q.values())
}

// AllIncidents walks all incidents, page after page. An error is the last thing
// that it yields.
func (c *Client) AllIncidents(ctx context.Context, q IncidentQuery) iter.Seq2[Incident, error] {
	return iteratePages[Incident](ctx, c, "/incidents", q.values())
}

// Incident returns one incident with its timeline and deliveries.
func (c *Client) Incident(ctx context.Context, id string) (IncidentDetail, error) {
	return fetchValue[IncidentDetail](ctx, c, call{method: "GET", path: incidentPath(id)})
}

// AcknowledgeIncident says that somebody is on it, which stops reminders.
func (c *Client) AcknowledgeIncident(ctx context.Context, id string) (IncidentDetail, error) {
	return fetchValue[IncidentDetail](ctx, c, call{method: "POST", path: incidentPath(id) + "/acknowledge"})
}

// NoteRequest is a note to write on an incident.
type NoteRequest struct {
	Text string `json:"text"`
}

// AddNote writes a note on the incident's timeline.
func (c *Client) AddNote(ctx context.Context, id, text string) (IncidentDetail, error) {
	return fetchValue[IncidentDetail](ctx, c, call{
		method: "POST", path: incidentPath(id) + "/notes", body: NoteRequest{Text: text},
	})
}
