package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// HeartbeatQuery filters and sorts the list of heartbeats. Empty members do not
// filter.
type HeartbeatQuery struct {
	Status string // new, up, late, down or paused
	Tag    string
	Q      string // text to look for
	Sort   string
	PageQuery
}

func (q HeartbeatQuery) values() url.Values {
	v := q.PageQuery.values()
	setNonEmpty(v, "status", q.Status)
	setNonEmpty(v, "tag", q.Tag)
	setNonEmpty(v, "q", q.Q)
	setNonEmpty(v, "sort", q.Sort)
	return v
}

func slugPath(slug string) string { return "/heartbeats/by-slug/" + url.PathEscape(slug) }

func heartbeatPath(id string) string { return "/heartbeats/" + url.PathEscape(id) }

// Heartbeats returns one page of heartbeats.
func (c *Client) Heartbeats(ctx context.Context, q HeartbeatQuery) (Page[Heartbeat], error) {
	return fetchPage[Heartbeat](ctx, c, "/heartbeats", q.values())
}

// AllHeartbeats walks all heartbeats, page after page. An error is the last
// thing that it yields.
func (c *Client) AllHeartbeats(ctx context.Context, q HeartbeatQuery) iter.Seq2[Heartbeat, error] {
	return iteratePages[Heartbeat](ctx, c, "/heartbeats", q.values())
}

// Heartbeat returns one heartbeat, by id or ref.
func (c *Client) Heartbeat(ctx context.Context, id string) (Heartbeat, error) {
	return fetchValue[Heartbeat](ctx, c, call{method: "GET", path: heartbeatPath(id)})
}

// HeartbeatBySlug returns the heartbeat with the given slug.
func (c *Client) HeartbeatBySlug(ctx context.Context, slug string) (Heartbeat, error) {
	return fetchValue[Heartbeat](ctx, c, call{method: "GET", path: slugPath(slug)})
}

// CreateHeartbeat makes a new heartbeat. Name and a schedule are required.
func (c *Client) CreateHeartbeat(ctx context.Context, s HeartbeatSettings) (Heartbeat, error) {
	return fetchValue[Heartbeat](ctx, c, call{method: "POST", path: "/heartbeats", body: s})
}

// PutHeartbeat creates the heartbeat with this slug, or changes it if there is
// one; created tells which. Calling it twice is calling it once.
func (c *Client) PutHeartbeat(ctx context.Context, slug string, s HeartbeatSettings) (h Heartbeat, created bool, err error) {
	h, status, err := fetch[Heartbeat](ctx, c, call{
		method: "PUT", path: slugPath(slug), body: s,
	})
	return h, status == http.StatusCreated, err
}

// ChangeHeartbeat changes the given settings and leaves the others.
func (c *Client) ChangeHeartbeat(ctx context.Context, id string, s HeartbeatSettings) (Heartbeat, error) {
	return fetchValue[Heartbeat](ctx, c, call{method: "PATCH", path: heartbeatPath(id), body: s})
}

// DeleteHeartbeat removes a heartbeat and its history.
func (c *Client) DeleteHeartbeat(ctx context.Context, id string) error {
	_, err := c.send(ctx, call{method: "DELETE", path: heartbeatPath(id)})
	return err
}

// PauseHeartbeat stops the heartbeat from being judged.
func (c *Client) PauseHeartbeat(ctx context.Context, id string) (Heartbeat, error) {
	return fetchValue[Heartbeat](ctx, c, call{method: "POST", path: heartbeatPath(id) + "/pause"})
}

// ResumeHeartbeat lets the heartbeat be judged again, from now on.
func (c *Client) ResumeHeartbeat(ctx context.Context, id string) (Heartbeat, error) {
	return fetchValue[Heartbeat](ctx, c, call{method: "POST", path: heartbeatPath(id) + "/resume"})
}

// ExplainHeartbeat returns the arithmetic behind the heartbeat's status.
func (c *Client) ExplainHeartbeat(ctx context.Context, id string) (Explanation, error) {
	return fetchValue[Explanation](ctx, c, call{method: "GET", path: heartbeatPath(id) + "/why"})
}

// RunQuery says which runs are listed. A zero Since does not bound them.
type RunQuery struct {
	Since time.Time
	PageQuery
}

// Runs returns one page of what became of a heartbeat's slots, newest first.
func (c *Client) Runs(ctx context.Context, id string, q RunQuery) (RunPage, error) {
	v := q.PageQuery.values()
	if !q.Since.IsZero() {
		v.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	return fetchValue[RunPage](ctx, c, call{method: "GET", path: heartbeatPath(id) + "/runs", query: v})
}

// Pings returns one page of a heartbeat's pings, newest first.
func (c *Client) Pings(ctx context.Context, id string, q PageQuery) (Page[Ping], error) {
	return fetchPage[Ping](ctx, c, heartbeatPath(id)+"/pings", q.values())
}

// AllPings walks all pings that are kept, newest first.
func (c *Client) AllPings(ctx context.Context, id string, q PageQuery) iter.Seq2[Ping, error] {
	return iteratePages[Ping](ctx, c, heartbeatPath(id)+"/pings", q.values())
}

// PingBody returns the body of ping n, byte for byte as it was kept.
func (c *Client) PingBody(ctx context.Context, id string, n int64) ([]byte, error) {
	got, err := c.send(ctx, call{
		method: "GET", path: heartbeatPath(id) + "/pings/" + strconv.FormatInt(n, 10) + "/body",
	})
	return got.body, err
}
