package client

import (
	"time"
)

// Notification is the body of every webhook. It follows the API's shapes.
type Notification struct {
	Event     string     `json:"event"`
	AlertID   string     `json:"alert_id" doc:"The same on every attempt: drop what you have seen"`
	At        time.Time  `json:"at"`
	Incident  *Incident  `json:"incident"`
	Heartbeat *Heartbeat `json:"heartbeat"`
	Text      string     `json:"text" doc:"For people: what happened, then the description of the heartbeat with its line breaks"`
	URL       string     `json:"url"`

	Why            *string `json:"why" doc:"The arithmetic behind the decision, in one sentence"`
	ExitCode       *int    `json:"exit_code" doc:"Exit code that the job reported"`
	Output         *string `json:"output" doc:"The end of what the job wrote, at most 2 kB"`
	AcknowledgeURL *string `json:"acknowledge_url" doc:"Acknowledges the incident without a sign-in; keep it secret"`
}
