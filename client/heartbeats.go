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

// Heartbeat is one job that is expected to ping. Unknown values are null.
//
// ID and PingURL are capabilities: whoever knows one may ping. A read-only key
// sees them as null and uses Ref, which every read endpoint takes in place of
// the id.
type Heartbeat struct {
	ID          *string  `json:"id" format:"uuid" doc:"Random UUID, part of the ping URL; null for read-only keys"`
	Ref         string   `json:"ref" doc:"Stable hash of the id; works in place of it on read endpoints and cannot ping"`
	PingURL     *string  `json:"ping_url" format:"uri" doc:"Where the job sends its pings; null for read-only keys"`
	Name        string   `json:"name"`
	Slug        string   `json:"slug"`
	Description string   `json:"description"`
	Tags        []string `json:"tags" nullable:"false"`

	Interval     *int64   `json:"interval" doc:"Seconds between pings; null when the schedule is cron or oncalendar"`
	Cron         []string `json:"cron" nullable:"true" doc:"Lines of a crontab; null when the schedule is another"`
	OnCalendar   []string `json:"oncalendar" nullable:"true" doc:"Calendar expressions of systemd; null when the schedule is another"`
	Timezone     *string  `json:"timezone" doc:"IANA name of the zone of cron or oncalendar; null with an interval"`
	Schedule     string   `json:"schedule" doc:"The schedule in plain words"`
	Early        *int64   `json:"early" doc:"Seconds before its slot in which a ping counts for it; null: the smallest of the grace period, a quarter of the gap before the slot, and 5 min. No effect with an interval"`
	Grace        int64    `json:"grace" doc:"Seconds after due_at until silence becomes an incident"`
	MaxRunTime   *int64   `json:"max_run_time" doc:"Seconds a run may take from its start; null: the grace period is used"`
	MinRunTime   *int64   `json:"min_run_time" doc:"A success whose measured run time is shorter (seconds) is a bad run; null: none is too short"`
	StartGrace   *int64   `json:"start_grace" doc:"Seconds after due_at by which a run must have begun, or come; null: only the grace period counts"`
	AlertAfter   int      `json:"alert_after" doc:"The how-manieth bad run in a row opens an incident"`
	Methods      string   `json:"methods" enum:"any,post"`
	ManualResume bool     `json:"manual_resume" doc:"Paused stays paused when pinged"`
	Channels     []string `json:"channels" nullable:"true" doc:"Ids of the channels that are told; null: all of the project"`

	ExpectFirstBy *time.Time `json:"expect_first_by" doc:"A new heartbeat without a first ping by then is an incident; null: never"`

	Status      string     `json:"status" enum:"new,up,late,down,paused"`
	Running     bool       `json:"running" doc:"A start has come without its finish"`
	DueAt       *time.Time `json:"due_at" doc:"When the next ping is expected"`
	DeadlineAt  *time.Time `json:"deadline_at" doc:"When silence becomes an incident: due_at plus grace"`
	LastPingAt  *time.Time `json:"last_ping_at" doc:"Arrival of the last success or failure"`
	LastStartAt *time.Time `json:"last_start_at"`
	LastRunTime *float64   `json:"last_run_time" doc:"Seconds, with fraction"`
	PingsCount  int64      `json:"pings_count" doc:"Every ping stored since creation"`
	IncidentID  *string    `json:"incident_id" doc:"The open incident"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at" doc:"When somebody last changed its settings"`
}

// HeartbeatSettings creates or changes a heartbeat. Absent members stay as
// they are (or take their default when creating).
type HeartbeatSettings struct {
	Name         *string   `json:"name,omitempty"`
	Slug         *string   `json:"slug,omitempty"`
	Description  *string   `json:"description,omitempty"`
	Tags         *[]string `json:"tags,omitempty"`
	Interval     any       `json:"interval,omitempty"`
	Cron         *[]string `json:"cron,omitempty"`
	OnCalendar   *[]string `json:"oncalendar,omitempty"`
	Timezone     *string   `json:"timezone,omitempty"`
	Early        any       `json:"early,omitempty"`
	Grace        any       `json:"grace,omitempty"`
	MaxRunTime   any       `json:"max_run_time,omitempty"`
	MinRunTime   any       `json:"min_run_time,omitempty"`
	StartGrace   any       `json:"start_grace,omitempty"`
	AlertAfter   *int      `json:"alert_after,omitempty"`
	Methods      *string   `json:"methods,omitempty"`
	ManualResume *bool     `json:"manual_resume,omitempty"`
	Channels     *[]string `json:"channels,omitempty"`

	ExpectFirstBy *string `json:"expect_first_by,omitempty"` // RFC 3339
}

// Run is what became of one or more slots in a row. A slot is a moment at which
// a run was expected.
type Run struct {
	Slot    time.Time  `json:"slot" doc:"The first slot"`
	Until   time.Time  `json:"until" doc:"The last slot; all of a run of slots lie on one day in UTC"`
	Count   int64      `json:"count" doc:"How many slots"`
	Outcome string     `json:"outcome" enum:"on_time,late,missed,failed,too_short,overran,not_started,unknown"`
	LateBy  *int64     `json:"late_by" doc:"Seconds, of the latest; null unless late"`
	At      *time.Time `json:"at" doc:"Arrival of the newest ping that decided; null when none did"`
}

// Uptime counts the runs of the last 30 days.
type Uptime struct {
	Expected int64 `json:"expected" doc:"Runs that were expected, without those that Overdue could not watch"`
	Good     int64 `json:"good" doc:"Those of them that came on time or late"`
}

// RunPage is one page of a heartbeat's runs, newest first.
type RunPage struct {
	Page[Run]
	Uptime Uptime `json:"uptime"`
}

// Ping is one request that a job sent, as it was judged and kept.
type Ping struct {
	N         int64     `json:"n" doc:"Counts from 1 per heartbeat"`
	Kind      string    `json:"kind" enum:"success,start,fail,log,ignored"`
	At        time.Time `json:"at" doc:"When the request arrived"`
	RunTime   *float64  `json:"run_time" doc:"Seconds since the matching start, with fraction"`
	ExitCode  *int      `json:"exit_code"`
	RunID     *string   `json:"run_id"`
	Method    string    `json:"method"`
	Source    string    `json:"source" doc:"Address that the request came from"`
	UserAgent string    `json:"user_agent"`
	BodySize  int64     `json:"body_size" doc:"Bytes kept"`
	BodyURL   *string   `json:"body_url" doc:"Where to fetch the body; null when there is none"`
	Flags     []string  `json:"flags" enum:"body_truncated,body_timeout,body_aborted,run_finished,delayed" doc:"What is unusual. body_truncated: the body was longer than what is kept. body_timeout: its rest did not arrive in time. body_aborted: the connection broke off within it. run_finished: a start whose run had ended already, so it begins nothing. delayed: the request waited while the server was suspended; at is when it arrived"`
}

// Explanation is the arithmetic that led to a heartbeat's status.
type Explanation struct {
	Status         string     `json:"status" enum:"new,up,late,down,paused"`
	At             time.Time  `json:"at" doc:"The moment of this judgement"`
	LastPingAt     *time.Time `json:"last_ping_at"`
	From           *time.Time `json:"from" doc:"What the interval is counted from: the last ping, or the moment of resuming"`
	Slot           *time.Time `json:"slot" doc:"The scheduled moment that the next ping answers"`
	Interval       *int64     `json:"interval"`
	Schedule       string     `json:"schedule" doc:"In plain words"`
	Timezone       *string    `json:"timezone"`
	EarlyFor       *time.Time `json:"early_for" doc:"The slot that the last ping was early for, and counts for"`
	EarlyCredit    *int64     `json:"early_credit" doc:"Seconds by which it was early; null when it was for no slot"`
	Grace          int64      `json:"grace"`
	BlackoutCredit int64      `json:"blackout_credit" doc:"Seconds added because Overdue itself was not watching"`
	DueAt          *time.Time `json:"due_at"`
	DeadlineAt     *time.Time `json:"deadline_at"`
	RunDeadlineAt  *time.Time `json:"run_deadline_at" doc:"When the run in progress will have taken too long"`
	StartBy        *time.Time `json:"start_by" doc:"When a run must have begun; null unless start_grace says so"`
	BadRuns        int        `json:"bad_runs" doc:"Bad runs in a row so far"`
	AlertAfter     int        `json:"alert_after"`
	Hint           *string    `json:"hint" doc:"Something odd about the schedule that people may want to look at"`
	Decision       string     `json:"decision" doc:"The whole sum in one sentence"`
}
