package client

import (
	"context"
	"iter"
	"net/url"
	"time"
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

// Incident is a time in which a heartbeat was down.
type Incident struct {
	ID             string     `json:"id"`
	Number         int64      `json:"number" doc:"Counts from 1 per project"`
	HeartbeatID    *string    `json:"heartbeat_id" doc:"Null for read-only keys and in webhooks"`
	HeartbeatRef   string     `json:"heartbeat_ref"`
	HeartbeatName  string     `json:"heartbeat_name"`
	State          string     `json:"state" enum:"open,acknowledged,resolved"`
	Cause          string     `json:"cause" enum:"missed,failure,overran,too_short,not_started"`
	OpenedAt       time.Time  `json:"opened_at" doc:"The deadline, whenever it was noticed"`
	DetectedAt     time.Time  `json:"detected_at"`
	AcknowledgedAt *time.Time `json:"acknowledged_at"`
	AcknowledgedBy *string    `json:"acknowledged_by"`
	ResolvedAt     *time.Time `json:"resolved_at"`
	Resolution     *string    `json:"resolution" enum:"recovered,edited,paused,deleted"`
}

// IncidentDetail is one incident with all that happened and who was told.
type IncidentDetail struct {
	Incident
	Timeline   []TimelineEntry `json:"timeline" nullable:"false"`
	Deliveries []Delivery      `json:"deliveries" nullable:"false"`
}

// TimelineEntry is one thing that happened in an incident.
type TimelineEntry struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
}

// Delivery is one alert owed to one channel, and how telling it went.
type Delivery struct {
	ID            string     `json:"id" doc:"The alert id, the idempotency key in every payload"`
	ChannelID     string     `json:"channel_id"`
	Recipient     *string    `json:"recipient" doc:"The only recipient of the channel that it is for, because others already have the alert; null: all others"`
	Event         string     `json:"event"`
	State         string     `json:"state" enum:"pending,sent,failed"`
	Attempts      []Attempt  `json:"attempts" nullable:"false"`
	NextAttemptAt *time.Time `json:"next_attempt_at"`
}

// Attempt is one try at a delivery.
type Attempt struct {
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome" enum:"sent,retry,refused"`
	Status  *int      `json:"status" doc:"The provider's status code, where there is one"`
	Detail  string    `json:"detail"`
}
