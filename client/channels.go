package client

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// ChannelSettings creates or changes a channel. A missing member keeps its value, or gets
// its default in a new channel. A masked secret, "••••", keeps its value.
type ChannelSettings struct {
	Kind             *string        `json:"kind,omitempty"`
	Name             *string        `json:"name,omitempty"`
	Settings         map[string]any `json:"settings,omitempty"`
	NotifyOnLate     *bool          `json:"notify_on_late,omitempty"`
	NotifyOnRecovery *bool          `json:"notify_on_recovery,omitempty"`
	RemindEvery      any            `json:"remind_every,omitempty"`
}

func channelPath(id string) string { return "/channels/" + url.PathEscape(id) }

// Channels returns one page of channels.
func (c *Client) Channels(ctx context.Context, q PageQuery) (Page[Channel], error) {
	return fetchPage[Channel](ctx, c, "/channels", q.values())
}

// AllChannels iterates over all channels, page by page. It ends after the first error.
func (c *Client) AllChannels(ctx context.Context, q PageQuery) iter.Seq2[Channel, error] {
	return iteratePages[Channel](ctx, c, "/channels", q.values())
}

// Channel returns one channel.
func (c *Client) Channel(ctx context.Context, id string) (Channel, error) {
	return fetchValue[Channel](ctx, c, call{method: "GET", path: channelPath(id)})
}

// CreateChannel creates a channel. Only this result contains a generated secret.
func (c *Client) CreateChannel(ctx context.Context, s ChannelSettings) (Channel, error) {
	return fetchValue[Channel](ctx, c, call{method: "POST", path: "/channels", body: s})
}

// ChangeChannel changes the given settings and keeps the others.
func (c *Client) ChangeChannel(ctx context.Context, id string, s ChannelSettings) (Channel, error) {
	return fetchValue[Channel](ctx, c, call{method: "PATCH", path: channelPath(id), body: s})
}

// DeleteChannel deletes a channel.
func (c *Client) DeleteChannel(ctx context.Context, id string) error {
	_, err := c.send(ctx, call{method: "DELETE", path: channelPath(id)})
	return err
}

// TestChannel sends a test alert and returns the answer of the provider. An error of the
// provider is a result, not an error of the call.
func (c *Client) TestChannel(ctx context.Context, id string) (TestResult, error) {
	return fetchValue[TestResult](ctx, c, call{method: "POST", path: channelPath(id) + "/test"})
}

// RetryChannel makes the pending alerts of a channel due now, and does not wait for the result.
func (c *Client) RetryChannel(ctx context.Context, id string) (Channel, error) {
	return fetchValue[Channel](ctx, c, call{method: "POST", path: channelPath(id) + "/retry"})
}

// Channel is a way to notify people.
type Channel struct {
	ID               string         `json:"id"`
	Kind             string         `json:"kind"`
	Name             string         `json:"name"`
	Settings         map[string]any `json:"settings" doc:"Settings of the kind; secrets are masked as ••••"`
	Target           string         `json:"target" doc:"Where alerts go: the recipients, the host of the requests, or the name of the program. Without secrets"`
	NotifyOnLate     bool           `json:"notify_on_late" doc:"Also notify when a heartbeat is late"`
	NotifyOnRecovery bool           `json:"notify_on_recovery"`
	RemindEvery      *int64         `json:"remind_every" doc:"Seconds between reminders while an incident is open and not acknowledged; null: no reminders"`
	Failing          bool           `json:"failing" doc:"Alerts are not being delivered to the channel or to one of its recipients"`
	LastDeliveryAt   *time.Time     `json:"last_delivery_at"`
	State            string         `json:"state" enum:"untested,working,retrying,failing" doc:"retrying: the last attempt failed. failing: an alert has failed 3 times, for 5 minutes, or permanently"`
	FailingFor       []string       `json:"failing_for" nullable:"false" doc:"The recipients that do not receive alerts, if others of the channel do"`
	Failure          *string        `json:"failure" doc:"Why the channel is retrying or failing: the last error"`
	Pending          int            `json:"pending" doc:"Number of pending alerts"`
	NextAttemptAt    *time.Time     `json:"next_attempt_at"`
	PausedUntil      *time.Time     `json:"paused_until" doc:"The receiver asked with Retry-After for no attempts before this time. It can be in the past; null: it did not ask"`
}

// TestResult is the answer of a channel's provider to a test alert.
type TestResult struct {
	Delivered bool   `json:"delivered"`
	Status    *int   `json:"status"`
	Detail    string `json:"detail"`
}
