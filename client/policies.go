package client

import (
	"context"
	"net/url"
	"time"
)

func policyPath(name string) string { return "/policies/" + url.PathEscape(name) }

// PolicySettings creates or changes an escalation policy. A missing member keeps its value, or gets its
// default in a new policy.
type PolicySettings struct {
	Name    *string              `json:"name,omitempty"`
	Slug    *string              `json:"slug,omitempty"`
	Default *bool                `json:"default,omitempty"`
	Steps   []PolicyStepSettings `json:"steps,omitempty"`
}

// PolicyStepSettings is one step of a policy. Durations are seconds or texts such as "15m".
type PolicyStepSettings struct {
	After       any      `json:"after"`
	Channels    []string `json:"channels"`
	RepeatEvery any      `json:"repeat_every,omitempty"`
}

// Policies lists the escalation policies of the project, by slug.
func (c *Client) Policies(ctx context.Context) (Page[Policy], error) {
	return fetchPage[Policy](ctx, c, "/policies", nil)
}

// Policy returns the policy with a slug or an id.
func (c *Client) Policy(ctx context.Context, name string) (Policy, error) {
	return fetchValue[Policy](ctx, c, call{method: "GET", path: policyPath(name)})
}

// CreatePolicy creates a policy.
func (c *Client) CreatePolicy(ctx context.Context, s PolicySettings) (Policy, error) {
	return fetchValue[Policy](ctx, c, call{method: "POST", path: "/policies", body: s})
}

// ChangePolicy changes the given settings and keeps the others. Open incidents keep their steps.
func (c *Client) ChangePolicy(ctx context.Context, name string, s PolicySettings) (Policy, error) {
	return fetchValue[Policy](ctx, c, call{method: "PATCH", path: policyPath(name), body: s})
}

// DeletePolicy deletes a policy.
func (c *Client) DeletePolicy(ctx context.Context, name string) error {
	_, err := c.send(ctx, call{method: "DELETE", path: policyPath(name)})
	return err
}

// HeartbeatNotifications returns who would be notified of an incident of the heartbeat that opens now,
// and when, while no one acknowledges it.
func (c *Client) HeartbeatNotifications(ctx context.Context, id string) (Notifications, error) {
	return fetchValue[Notifications](ctx, c, call{method: "GET", path: heartbeatPath(id) + "/notifications"})
}

// Policy is an escalation policy: who is notified of an incident, and when, while no one acknowledges it.
type Policy struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Slug      string       `json:"slug"`
	Default   bool         `json:"default" doc:"The policy applies to the heartbeats that name no channels. Other policies have no effect"`
	Steps     []PolicyStep `json:"steps" nullable:"false"`
	CreatedAt time.Time    `json:"created_at"`
}

// PolicyStep is one step of a policy.
type PolicyStep struct {
	After       int64    `json:"after" doc:"Seconds since the opening of the incident, without acknowledgement. 0 in the first step"`
	Channels    []string `json:"channels" nullable:"false" doc:"Ids. Deleted channels are skipped"`
	RepeatEvery *int64   `json:"repeat_every" doc:"Seconds between reminders after the last step; null: none"`
}

// Notifications are who would be notified of an incident, and when.
type Notifications struct {
	Notifications []PlannedNotification `json:"notifications" nullable:"false" doc:"In the order of time; repeated reminders are listed once"`
}

// PlannedNotification is one notification of a channel.
type PlannedNotification struct {
	After       int64  `json:"after" doc:"Seconds since the opening of the incident, without acknowledgement"`
	ChannelID   string `json:"channel_id"`
	ChannelName string `json:"channel_name"`
	Event       string `json:"event" enum:"incident.opened,incident.reminder"`
	RepeatEvery *int64 `json:"repeat_every" doc:"Seconds until the next reminder; null: it is sent once"`
	Why         string `json:"why" doc:"Why the channel is notified"`
}
