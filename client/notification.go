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
	Text     string          `json:"text" doc:"Text for people: what happened, then the description of the heartbeat with its line breaks"`
	URL      string          `json:"url"`

	Why            *string `json:"why" doc:"The arithmetic behind the decision, in one sentence"`
	ExitCode       *int    `json:"exit_code" doc:"Exit code that the job reported"`
	Output         *string `json:"output" doc:"The end of the output of the job, at most 2 kB"`
	AcknowledgeURL *string `json:"acknowledge_url" doc:"Address that acknowledges the incident without a sign-in; keep it secret"`
}
