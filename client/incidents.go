package client

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// IncidentQuery filters the list of incidents. An empty member does not filter.
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

// AllIncidents iterates over all incidents, page by page. It ends after the first error.
func (c *Client) AllIncidents(ctx context.Context, q IncidentQuery) iter.Seq2[Incident, error] {
	return iteratePages[Incident](ctx, c, "/incidents", q.values())
}

// Incident returns an incident with its timeline and deliveries.
func (c *Client) Incident(ctx context.Context, id string) (IncidentDetail, error) {
	return fetchValue[IncidentDetail](ctx, c, call{method: "GET", path: incidentPath(id)})
}

// AcknowledgeIncident acknowledges an incident, which stops its reminders.
func (c *Client) AcknowledgeIncident(ctx context.Context, id string) (IncidentDetail, error) {
	return fetchValue[IncidentDetail](ctx, c, call{method: "POST", path: incidentPath(id) + "/acknowledge"})
}

// SnoozeIncident sends no reminders of an incident for a period.
func (c *Client) SnoozeIncident(ctx context.Context, id string, q QuietPeriod) (IncidentDetail, error) {
	return fetchValue[IncidentDetail](ctx, c, call{method: "POST", path: incidentPath(id) + "/snooze", body: q})
}

// UnsnoozeIncident ends the snooze of an incident.
func (c *Client) UnsnoozeIncident(ctx context.Context, id string) (IncidentDetail, error) {
	return fetchValue[IncidentDetail](ctx, c, call{method: "POST", path: incidentPath(id) + "/unsnooze"})
}

// NoteRequest adds a note to an incident.
type NoteRequest struct {
	Text string `json:"text"`
}

// AddNote adds a note to the timeline of an incident.
func (c *Client) AddNote(ctx context.Context, id, text string) (IncidentDetail, error) {
	return fetchValue[IncidentDetail](ctx, c, call{
		method: "POST", path: incidentPath(id) + "/notes", body: NoteRequest{Text: text},
	})
}

// Incident is a period in which a heartbeat was down.
type Incident struct {
	ID             string     `json:"id"`
	Number         int64      `json:"number" doc:"Number of the incident, from 1 for each project"`
	HeartbeatID    *string    `json:"heartbeat_id" doc:"Null for read-only keys and in webhooks"`
	HeartbeatRef   string     `json:"heartbeat_ref"`
	HeartbeatName  string     `json:"heartbeat_name"`
	Severity       string     `json:"severity" enum:"critical,warning,info" doc:"Current severity of the heartbeat"`
	State          string     `json:"state" enum:"open,acknowledged,resolved"`
	Cause          string     `json:"cause" enum:"missed,failure,overran,too_short,not_started"`
	Host           *string    `json:"host" doc:"Host of the failed run, or of the newest run before the incident: the name that the job sent, or the address of the client; null if unknown"`
	OpenedAt       time.Time  `json:"opened_at" doc:"The deadline, even if it was detected later"`
	DetectedAt     time.Time  `json:"detected_at"`
	AcknowledgedAt *time.Time `json:"acknowledged_at"`
	AcknowledgedBy *string    `json:"acknowledged_by"`
	Group          *int64     `json:"group" doc:"Number of its group of incidents; null: in none"`
	SnoozedUntil   *time.Time `json:"snoozed_until" doc:"End of the last snooze of an open incident, which can have passed; null: none"`
	ResolvedAt     *time.Time `json:"resolved_at"`
	Resolution     *string    `json:"resolution" enum:"recovered,edited,paused,deleted,repaired"`
}

// IncidentDetail is an incident with its timeline and deliveries.
type IncidentDetail struct {
	Incident
	Timeline   []TimelineEntry `json:"timeline" nullable:"false"`
	Deliveries []Delivery      `json:"deliveries" nullable:"false"`
}

// TimelineEntry is one event of an incident.
type TimelineEntry struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
}

// Delivery is an alert for one channel, with its attempts.
type Delivery struct {
	ID            string     `json:"id" doc:"Id of the alert, the idempotency key in every payload"`
	ChannelID     string     `json:"channel_id"`
	Recipient     *string    `json:"recipient" doc:"The only recipient of the channel that this delivery is for, because the others already have the alert; null: all others"`
	Event         string     `json:"event"`
	State         string     `json:"state" enum:"pending,sent,failed"`
	Attempts      []Attempt  `json:"attempts" nullable:"false"`
	NextAttemptAt *time.Time `json:"next_attempt_at"`
	// GroupedIn is set if the alert is sent in a message with others.
	GroupedIn *string `json:"grouped_in" doc:"Id of the alert whose message carries this one, because many incidents opened or ended together; its attempts are those of the message. null: sent alone"`
}

// Attempt is one delivery attempt.
type Attempt struct {
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome" enum:"sent,retry,refused"`
	Status  *int      `json:"status" doc:"Status code of the provider, if any"`
	Detail  string    `json:"detail"`
}
