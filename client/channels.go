package client

import (
	"context"
	"iter"
	"net/url"
)

// ChannelSettings creates or changes a channel. Absent members stay as they are
// (or take their default when creating). A secret that is sent back as it was
// answered, "••••", stays as it is.
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

// AllChannels walks all channels, page after page. An error is the last thing
// that it yields.
func (c *Client) AllChannels(ctx context.Context, q PageQuery) iter.Seq2[Channel, error] {
	return iteratePages[Channel](ctx, c, "/channels", q.values())
}

// Channel returns one channel.
func (c *Client) Channel(ctx context.Context, id string) (Channel, error) {
	return fetchValue[Channel](ctx, c, call{method: "GET", path: channelPath(id)})
}

// CreateChannel makes a new channel. A secret that the server makes is in this
// answer and in no other.
func (c *Client) CreateChannel(ctx context.Context, s ChannelSettings) (Channel, error) {
	return fetchValue[Channel](ctx, c, call{method: "POST", path: "/channels", body: s})
}

// ChangeChannel changes the given settings and leaves the others.
func (c *Client) ChangeChannel(ctx context.Context, id string, s ChannelSettings) (Channel, error) {
	return fetchValue[Channel](ctx, c, call{method: "PATCH", path: channelPath(id), body: s})
}

// DeleteChannel removes a channel.
func (c *Client) DeleteChannel(ctx context.Context, id string) error {
	_, err := c.send(ctx, call{method: "DELETE", path: channelPath(id)})
	return err
}

// TestChannel sends a test alert now and returns what the provider said. A
// provider that refuses is a result, not an error.
func (c *Client) TestChannel(ctx context.Context, id string) (TestResult, error) {
	return fetchValue[TestResult](ctx, c, call{method: "POST", path: channelPath(id) + "/test"})
}
