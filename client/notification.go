package client

import (
	"time"
)

// Notification is the body of every webhook. Its parts have the form of the API.
type Notification struct {
	Event     string     `json:"event"`
	AlertID   string     `json:"alert_id" doc:"The same for every attempt: use it to drop duplicates"`
	At        time.Time  `json:"at"`
	Incident  *Incident  `json:"incident"`
	Heartbeat *Heartbeat `json:"heartbeat"`
	// Blackout is set for blackout.noticed.
	Blackout *BlackoutDetail `json:"blackout" doc:"The time in which Overdue was not watching"`
	// Group is set for incidents.grouped.
	Group *IncidentGroup `json:"group" doc:"Many alerts that are sent as one message"`
	Text  string         `json:"text" doc:"Text for people: what happened, then the description of the heartbeat with its line breaks"`
	URL   string         `json:"url"`

	Why            *string `json:"why" doc:"The arithmetic behind the decision, in one sentence"`
	ExitCode       *int    `json:"exit_code" doc:"Exit code that the job reported"`
	Output         *string `json:"output" doc:"The end of the output of the job, at most 2 kB"`
	AcknowledgeURL *string `json:"acknowledge_url" doc:"Address that acknowledges the incident without a sign-in; keep it secret"`
}

// IncidentGroup describes many alerts of one event that are sent as one message.
type IncidentGroup struct {
	Event     string            `json:"event" doc:"The event of each alert, such as incident.opened"`
	Cause     string            `json:"cause" doc:"The common cause of the incidents; empty for heartbeat.late"`
	Count     int               `json:"count" doc:"Number of alerts in the message"`
	Open      int               `json:"open" doc:"Number of their incidents that were open when the message was written"`
	From      time.Time         `json:"from" doc:"When the first incident opened"`
	To        time.Time         `json:"to" doc:"When the last incident opened"`
	Tags      []string          `json:"tags" doc:"Tags of at least nine of ten heartbeats"`
	Incidents []GroupedIncident `json:"incidents" doc:"The first ten, the most severe ones first"`
}

// GroupedIncident is one incident of a group. It has no id and no number if the event is about none.
type GroupedIncident struct {
	ID            string `json:"id"`
	Number        int64  `json:"number"`
	HeartbeatName string `json:"heartbeat_name"`
	Severity      string `json:"severity"`
}
