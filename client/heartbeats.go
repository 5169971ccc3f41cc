package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// HeartbeatQuery filters and sorts the list of heartbeats. An empty member does not filter.
type HeartbeatQuery struct {
	Status string   // new, up, late, down or paused
	Tags   []string // a heartbeat matches if it has all of them
	Q      string   // text to search for
	Sort   string
	PageQuery
}

func (q HeartbeatQuery) values() url.Values {
	v := q.PageQuery.values()
	setNonEmpty(v, "status", q.Status)
	for _, tag := range q.Tags {
		v.Add("tag", tag)
	}
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

// AllHeartbeats iterates over all heartbeats, page by page. It ends after the first error.
func (c *Client) AllHeartbeats(ctx context.Context, q HeartbeatQuery) iter.Seq2[Heartbeat, error] {
	return iteratePages[Heartbeat](ctx, c, "/heartbeats", q.values())
}

// Heartbeat returns a heartbeat by id or ref.
func (c *Client) Heartbeat(ctx context.Context, id string) (Heartbeat, error) {
	return fetchValue[Heartbeat](ctx, c, call{method: "GET", path: heartbeatPath(id)})
}

// HeartbeatBySlug returns a heartbeat by slug.
func (c *Client) HeartbeatBySlug(ctx context.Context, slug string) (Heartbeat, error) {
	return fetchValue[Heartbeat](ctx, c, call{method: "GET", path: slugPath(slug)})
}

// CreateHeartbeat creates a heartbeat. Name and schedule are required.
func (c *Client) CreateHeartbeat(ctx context.Context, s HeartbeatSettings) (Heartbeat, error) {
	return fetchValue[Heartbeat](ctx, c, call{method: "POST", path: "/heartbeats", body: s})
}

// PutHeartbeat creates the heartbeat with the slug, or changes it; created reports which.
// It is idempotent.
func (c *Client) PutHeartbeat(ctx context.Context, slug string, s HeartbeatSettings) (h Heartbeat, created bool, err error) {
	h, status, err := fetch[Heartbeat](ctx, c, call{
		method: "PUT", path: slugPath(slug), body: s,
	})
	return h, status == http.StatusCreated, err
}

// ChangeHeartbeat changes the given settings and keeps the others.
func (c *Client) ChangeHeartbeat(ctx context.Context, id string, s HeartbeatSettings) (Heartbeat, error) {
	return fetchValue[Heartbeat](ctx, c, call{method: "PATCH", path: heartbeatPath(id), body: s})
}

// DeleteHeartbeat deletes a heartbeat and its history.
func (c *Client) DeleteHeartbeat(ctx context.Context, id string) error {
	_, err := c.send(ctx, call{method: "DELETE", path: heartbeatPath(id)})
	return err
}

// PauseHeartbeat stops the monitoring of a heartbeat.
func (c *Client) PauseHeartbeat(ctx context.Context, id string) (Heartbeat, error) {
	return fetchValue[Heartbeat](ctx, c, call{method: "POST", path: heartbeatPath(id) + "/pause"})
}

// ResumeHeartbeat starts the monitoring of a heartbeat again, counted from now.
func (c *Client) ResumeHeartbeat(ctx context.Context, id string) (Heartbeat, error) {
	return fetchValue[Heartbeat](ctx, c, call{method: "POST", path: heartbeatPath(id) + "/resume"})
}

// QuietPeriod says how long something is quiet. For is a number of seconds or a text such as "2h",
// Until a time, and at most one of them is set.
type QuietPeriod struct {
	For   any        `json:"for,omitempty"`
	Until *time.Time `json:"until,omitempty"`
}

// MuteHeartbeat mutes the alerts of a heartbeat for a period, or until it is unmuted.
func (c *Client) MuteHeartbeat(ctx context.Context, id string, q QuietPeriod) (Heartbeat, error) {
	return fetchValue[Heartbeat](ctx, c, call{method: "POST", path: heartbeatPath(id) + "/mute", body: q})
}

// UnmuteHeartbeat sends the alerts of a heartbeat again.
func (c *Client) UnmuteHeartbeat(ctx context.Context, id string) (Heartbeat, error) {
	return fetchValue[Heartbeat](ctx, c, call{method: "POST", path: heartbeatPath(id) + "/unmute"})
}

// ExplainHeartbeat explains the status of a heartbeat.
func (c *Client) ExplainHeartbeat(ctx context.Context, id string) (Explanation, error) {
	return fetchValue[Explanation](ctx, c, call{method: "GET", path: heartbeatPath(id) + "/why"})
}

// RunQuery selects the runs to list. A zero Since selects all.
type RunQuery struct {
	Since time.Time
	PageQuery
}

// Runs returns one page of the outcomes of a heartbeat's slots, newest first.
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

// AllPings iterates over all stored pings of a heartbeat, newest first.
func (c *Client) AllPings(ctx context.Context, id string, q PageQuery) iter.Seq2[Ping, error] {
	return iteratePages[Ping](ctx, c, heartbeatPath(id)+"/pings", q.values())
}

// PingBody returns the body of ping n, exactly as stored.
func (c *Client) PingBody(ctx context.Context, id string, n int64) ([]byte, error) {
	got, err := c.send(ctx, call{
		method: "GET", path: heartbeatPath(id) + "/pings/" + strconv.FormatInt(n, 10) + "/body",
	})
	return got.body, err
}

// Heartbeat is a job that is expected to ping. Unknown values are null.
//
// ID and PingURL are secrets: they give the right to ping. For a read-only key they are
// null; it uses Ref, which every read endpoint accepts in place of the id.
type Heartbeat struct {
	ID          *string  `json:"id" format:"uuid" doc:"Random UUID, part of the ping URL; null for a read-only key"`
	Ref         string   `json:"ref" doc:"Stable hash of the id; read endpoints accept it in place of the id. It does not give the right to ping"`
	PingURL     *string  `json:"ping_url" format:"uri" doc:"Address to which the job sends its pings; null for a read-only key"`
	Name        string   `json:"name"`
	Slug        string   `json:"slug"`
	Description string   `json:"description"`
	Tags        []string `json:"tags" nullable:"false"`

	Interval   *int64   `json:"interval" doc:"Seconds between pings; null if the schedule is cron or oncalendar"`
	Cron       []string `json:"cron" nullable:"true" doc:"Cron expressions; null for another schedule"`
	OnCalendar []string `json:"oncalendar" nullable:"true" doc:"Calendar expressions of systemd; null for another schedule"`
	Timezone   *string  `json:"timezone" doc:"IANA name of the zone of cron or oncalendar; null for an interval"`
	Schedule   string   `json:"schedule" doc:"Description of the schedule"`
	Early      *int64   `json:"early" doc:"Seconds before a slot in which a ping counts for it; null: the smallest of the grace period, a quarter of the gap before the slot, and 5 min. No effect with an interval"`
	Grace      int64    `json:"grace" doc:"Seconds after due_at until a missing ping opens an incident"`
	MaxRunTime *int64   `json:"max_run_time" doc:"Maximum seconds from the start to the finish of a run; null: the grace period"`
	MinRunTime *int64   `json:"min_run_time" doc:"Minimum seconds from the start to the success of a run; a shorter run has failed; null: no minimum"`
	StartGrace *int64   `json:"start_grace" doc:"Seconds after due_at by which a run must start or ping; null: only the grace period applies"`
	AlertAfter int      `json:"alert_after" doc:"Number of consecutive failed runs that opens an incident"`
	Instances  string   `json:"instances" doc:"Which of the hosts that ping must succeed: any, each, or a minimum number"`
	Severity   string   `json:"severity" enum:"critical,warning,info" doc:"How urgent its alerts are"`
	// FlappingAlerts is what happens to its alerts while it flaps.
	FlappingAlerts string   `json:"flapping_alerts" enum:"hold,send" doc:"Alerts while it flaps: hold (until it has been stable for 30 min) or send"`
	Methods        string   `json:"methods" enum:"any,post"`
	ManualResume   bool     `json:"manual_resume" doc:"A ping does not resume a paused heartbeat"`
	Channels       []string `json:"channels" nullable:"true" doc:"Ids of the channels that receive alerts; null: it names none"`
	Policy         *string  `json:"policy" doc:"Slug of the escalation policy that it names; null: the default policy of the project, or all channels if it has none"`

	ExpectFirstBy *time.Time `json:"expect_first_by" doc:"Time by which a new heartbeat must receive its first ping; null: none"`

	Status      string     `json:"status" enum:"new,up,late,down,paused"`
	Running     bool       `json:"running" doc:"A run has started and not finished"`
	DueAt       *time.Time `json:"due_at" doc:"When the next ping is due"`
	DeadlineAt  *time.Time `json:"deadline_at" doc:"When a missing ping opens an incident: due_at plus grace"`
	LastPingAt  *time.Time `json:"last_ping_at" doc:"Arrival of the last success or failure"`
	LastStartAt *time.Time `json:"last_start_at"`
	LastRunTime *float64   `json:"last_run_time" doc:"Seconds, with fraction"`
	Hosts       []Host     `json:"hosts" nullable:"false" doc:"Hosts that count separately, by name; empty if instances is any"`
	PingsCount  int64      `json:"pings_count" doc:"Number of pings since creation"`
	IncidentID  *string    `json:"incident_id" doc:"Id of the open incident"`
	Muted       bool       `json:"muted" doc:"Its alerts are muted; it is evaluated as always"`
	MutedUntil  *time.Time `json:"muted_until" doc:"When the mute ends; null if it is not muted, or until it is unmuted"`
	// FlappingSince and FlappingUntil are null unless its alerts wait because it flaps.
	FlappingSince *time.Time `json:"flapping_since" doc:"Since when it flaps: more than 6 changes in 30 min; null if it does not"`
	FlappingUntil *time.Time `json:"flapping_until" doc:"When its alerts are sent again if nothing changes; null if it does not flap"`
	// MaintenanceUntil is null unless it is in maintenance.
	MaintenanceUntil *time.Time `json:"maintenance_until" doc:"End of the maintenance window in progress; null if none is. Runs that are due before are excused"`
	CreatedAt        time.Time  `json:"created_at"`
	UpdatedAt        time.Time  `json:"updated_at" doc:"Time of the last change of its settings"`
}

// Host is one of the hosts of a heartbeat whose instances is not any.
type Host struct {
	Name          string     `json:"name"`
	State         string     `json:"state" enum:"ok,missing,failed" doc:"ok: its newest success is within the interval and the grace period. missing: it is older. failed: its newest report was a failure"`
	LastReportAt  time.Time  `json:"last_report_at" doc:"Arrival of its newest success or failure"`
	LastSuccessAt *time.Time `json:"last_success_at"`
}

// ForgetHost removes a host of a heartbeat. A later ping of the host adds it again.
func (c *Client) ForgetHost(ctx context.Context, id, host string) (Heartbeat, error) {
	return fetchValue[Heartbeat](ctx, c, call{method: "POST", path: heartbeatPath(id) + "/forget-host", body: map[string]string{"host": host}})
}

// HeartbeatSettings creates or changes a heartbeat. A missing member keeps its value, or
// gets its default in a new heartbeat.
type HeartbeatSettings struct {
	Name           *string   `json:"name,omitempty"`
	Slug           *string   `json:"slug,omitempty"`
	Description    *string   `json:"description,omitempty"`
	Tags           *[]string `json:"tags,omitempty"`
	Interval       any       `json:"interval,omitempty"`
	Cron           *[]string `json:"cron,omitempty"`
	OnCalendar     *[]string `json:"oncalendar,omitempty"`
	Timezone       *string   `json:"timezone,omitempty"`
	Early          any       `json:"early,omitempty"`
	Grace          any       `json:"grace,omitempty"`
	MaxRunTime     any       `json:"max_run_time,omitempty"`
	MinRunTime     any       `json:"min_run_time,omitempty"`
	StartGrace     any       `json:"start_grace,omitempty"`
	AlertAfter     *int      `json:"alert_after,omitempty"`
	Instances      *string   `json:"instances,omitempty"`
	Severity       *string   `json:"severity,omitempty"`
	FlappingAlerts *string   `json:"flapping_alerts,omitempty"`
	Methods        *string   `json:"methods,omitempty"`
	ManualResume   *bool     `json:"manual_resume,omitempty"`
	Channels       *[]string `json:"channels,omitempty"`
	Policy         *string   `json:"policy,omitempty"`

	ExpectFirstBy *string `json:"expect_first_by,omitempty"` // RFC 3339
}

// Run is the outcome of one or more consecutive slots. A slot is a time at which a run was
// expected.
type Run struct {
	Slot    time.Time  `json:"slot" doc:"The first slot"`
	Until   time.Time  `json:"until" doc:"The last slot; all slots of an item are on the same day in UTC"`
	Count   int64      `json:"count" doc:"Number of slots"`
	Outcome string     `json:"outcome" enum:"on_time,late,missed,failed,too_short,overran,not_started,unknown,excused"`
	LateBy  *int64     `json:"late_by" doc:"Seconds by which the latest run was late; null for other outcomes"`
	At      *time.Time `json:"at" doc:"Arrival of the newest ping that decided the outcome; null if there was none"`
}

// Uptime counts the runs of the last 30 days.
type Uptime struct {
	Expected int64 `json:"expected" doc:"Expected runs, without the unknown ones: Overdue was not watching"`
	Good     int64 `json:"good" doc:"Runs that were on time or late"`
}

// RunPage is one page of a heartbeat's runs, newest first.
type RunPage struct {
	Page[Run]
	Uptime Uptime `json:"uptime"`
}

// Ping is a request of a job, as evaluated and stored.
type Ping struct {
	N         int64     `json:"n" doc:"Number of the ping, from 1 for each heartbeat"`
	Kind      string    `json:"kind" enum:"success,start,fail,log,ignored"`
	At        time.Time `json:"at" doc:"When the request arrived"`
	RunTime   *float64  `json:"run_time" doc:"Seconds since the matching start, with fraction"`
	ExitCode  *int      `json:"exit_code"`
	RunID     *string   `json:"run_id"`
	Method    string    `json:"method"`
	Source    string    `json:"source" doc:"Address of the client"`
	Host      *string   `json:"host" doc:"Name of the host that the job sent; null: none"`
	UserAgent string    `json:"user_agent"`
	BodySize  int64     `json:"body_size" doc:"Stored bytes"`
	BodyURL   *string   `json:"body_url" doc:"Address of the body; null if there is none"`
	Flags     []string  `json:"flags" enum:"body_truncated,body_timeout,body_aborted,run_finished,delayed" doc:"Unusual facts. body_truncated: the body was longer than the stored part. body_timeout: the rest of the body did not arrive in time. body_aborted: the connection closed within the body. run_finished: a start of a run that had already finished, which starts nothing. delayed: the request waited while the server was suspended; at is when it arrived"`
}

// Explanation is the arithmetic that led to the status of a heartbeat.
type Explanation struct {
	Status         string     `json:"status" enum:"new,up,late,down,paused"`
	At             time.Time  `json:"at" doc:"Time of this evaluation"`
	LastPingAt     *time.Time `json:"last_ping_at"`
	From           *time.Time `json:"from" doc:"Start of the interval: the last ping, or the time of resuming"`
	Slot           *time.Time `json:"slot" doc:"Slot of the next ping"`
	Interval       *int64     `json:"interval"`
	Schedule       string     `json:"schedule" doc:"Description of the schedule"`
	Timezone       *string    `json:"timezone"`
	EarlyFor       *time.Time `json:"early_for" doc:"The slot that the last, early ping counts for"`
	EarlyCredit    *int64     `json:"early_credit" doc:"Seconds by which the last ping was early; null if it was not early"`
	Grace          int64      `json:"grace"`
	BlackoutCredit int64      `json:"blackout_credit" doc:"Seconds added to the deadline because Overdue itself was not watching"`
	Blackout       *int64     `json:"blackout" doc:"Number of the blackout from whose end the wait counts; null for none"`
	DueAt          *time.Time `json:"due_at"`
	DeadlineAt     *time.Time `json:"deadline_at"`
	RunDeadlineAt  *time.Time `json:"run_deadline_at" doc:"When the active run exceeds its maximum run time"`
	StartBy        *time.Time `json:"start_by" doc:"When a run must have started; null without start_grace"`
	FailedRuns     int        `json:"failed_runs" doc:"Number of consecutive failed runs"`
	AlertAfter     int        `json:"alert_after"`
	Hint           *string    `json:"hint" doc:"Possible mistake in the schedule"`
	Decision       string     `json:"decision" doc:"The arithmetic in one sentence"`
}
