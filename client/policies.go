package client

import (
	"context"
	"encoding/json"
	"fmt"
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

	// IfMatch is the ETag of the policy that the change is based on. If another change was made since,
	// the change fails with status 412. Empty: any.
	IfMatch string `json:"-"`
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
	return c.fetchPolicy(ctx, call{method: "GET", path: policyPath(name)})
}

// CreatePolicy creates a policy.
func (c *Client) CreatePolicy(ctx context.Context, s PolicySettings) (Policy, error) {
	return c.fetchPolicy(ctx, call{method: "POST", path: "/policies", body: s})
}

// ChangePolicy changes the given settings and keeps the others. Open incidents keep their steps.
func (c *Client) ChangePolicy(ctx context.Context, name string, s PolicySettings) (Policy, error) {
	return c.fetchPolicy(ctx, call{method: "PATCH", path: policyPath(name), body: s, match: s.IfMatch})
}

// fetchPolicy makes a call that returns one policy.
func (c *Client) fetchPolicy(ctx context.Context, a call) (p Policy, err error) {
	got, err := c.send(ctx, a)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(got.body, &p); err != nil {
		return p, fmt.Errorf("response to %s %s: not the JSON of this API: %w", a.method, a.path, err)
	}
	p.ETag = got.etag
	return p, nil
}

// DeletePolicy deletes a policy. If heartbeats name it, it fails with status 409 unless replace is set:
// then they use the default policy or, without one, notify all channels of the project.
func (c *Client) DeletePolicy(ctx context.Context, name string, replace bool) error {
	query := url.Values{}
	if replace {
		query.Set("replace", "true")
	}
	_, err := c.send(ctx, call{method: "DELETE", path: policyPath(name), query: query})
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
	Default   bool         `json:"default" doc:"The policy applies to the heartbeats that name no channels and no policy"`
	Steps     []PolicyStep `json:"steps" nullable:"false"`
	CreatedAt time.Time    `json:"created_at"`

	HeartbeatsCount int `json:"heartbeats_count" doc:"Number of heartbeats that it applies to"`
	NamedByCount    int `json:"named_by_count" doc:"Number of heartbeats that name it"`

	// ETag is the version of the settings, for PolicySettings.IfMatch. Lists do not set it.
	ETag string `json:"-"`
}

// PolicyStep is one step of a policy.
type PolicyStep struct {
	After       int64    `json:"after" doc:"Seconds since the opening of the incident, without acknowledgement. 0 in the first step"`
	Channels    []string `json:"channels" nullable:"false" doc:"Ids. Deleted channels are skipped"`
	RepeatEvery *int64   `json:"repeat_every" doc:"Seconds between reminders after the last step; null: none"`
}

// Notifications are who would be notified of an incident, and when.
type Notifications struct {
	Rule   string  `json:"rule" enum:"channels,policy,default_policy,all_channels" doc:"What decides: the channels or the policy that the heartbeat names, the default policy, or all channels of the project"`
	Policy *string `json:"policy" doc:"Slug of the policy that decides; null: no policy does"`
	Why    string  `json:"why" doc:"Why this rule applies"`

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
