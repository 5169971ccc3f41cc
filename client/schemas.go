package client

import "time"

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

// Incident is a time in which a heartbeat was down.
type Incident struct {
	ID             string     `json:"id"`
	Number         int64      `json:"number" doc:"Counts from 1 per project"`
	HeartbeatID    *string    `json:"heartbeat_id" doc:"Null for read-only keys and in webhooks"`
	HeartbeatRef   string     `json:"heartbeat_ref"`
	HeartbeatName  string     `json:"heartbeat_name"`
	State          string     `json:"state" enum:"open,acknowledged,resolved"`
	Cause          string     `json:"cause" enum:"missed,failure,overran,too_short,not_started"`
	OpenedAt       time.Time  `json:"opened_at" doc:"The deadline, whenever it was noticed"`
	DetectedAt     time.Time  `json:"detected_at"`
	AcknowledgedAt *time.Time `json:"acknowledged_at"`
	AcknowledgedBy *string    `json:"acknowledged_by"`
	ResolvedAt     *time.Time `json:"resolved_at"`
	Resolution     *string    `json:"resolution" enum:"recovered,edited,paused,deleted"`
}

// IncidentDetail is one incident with all that happened and who was told.
type IncidentDetail struct {
	Incident
	Timeline   []TimelineEntry `json:"timeline" nullable:"false"`
	Deliveries []Delivery      `json:"deliveries" nullable:"false"`
}

// TimelineEntry is one thing that happened in an incident.
type TimelineEntry struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
}

// Delivery is one alert owed to one channel, and how telling it went.
type Delivery struct {
	ID            string     `json:"id" doc:"The alert id, the idempotency key in every payload"`
	ChannelID     string     `json:"channel_id"`
	Recipient     *string    `json:"recipient" doc:"The only recipient of the channel that it is for, because others already have the alert; null: all others"`
	Event         string     `json:"event"`
	State         string     `json:"state" enum:"pending,sent,failed"`
	Attempts      []Attempt  `json:"attempts" nullable:"false"`
	NextAttemptAt *time.Time `json:"next_attempt_at"`
}

// Attempt is one try at a delivery.
type Attempt struct {
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome" enum:"sent,retry,refused"`
	Status  *int      `json:"status" doc:"The provider's status code, where there is one"`
	Detail  string    `json:"detail"`
}

// Channel is a way to tell people.
type Channel struct {
	ID               string         `json:"id"`
	Kind             string         `json:"kind"`
	Name             string         `json:"name"`
	Settings         map[string]any `json:"settings" doc:"As the kind describes them; secrets are answered as ••••"`
	NotifyOnLate     bool           `json:"notify_on_late" doc:"Also tell when a heartbeat is late"`
	NotifyOnRecovery bool           `json:"notify_on_recovery"`
	RemindEvery      *int64         `json:"remind_every" doc:"Seconds between reminders while an incident is open and not acknowledged; null: never"`
	Failing          bool           `json:"failing" doc:"Alerts do not get through, to the channel or to one of its recipients"`
	LastDeliveryAt   *time.Time     `json:"last_delivery_at"`
	State            string         `json:"state" enum:"untested,working,retrying,failing" doc:"retrying: the last attempt failed. failing: an alert has failed 3 times, for 5 minutes, or permanently"`
	FailingFor       []string       `json:"failing_for" nullable:"false" doc:"The recipients that do not get alerts, if others of the channel do"`
	Failure          *string        `json:"failure" doc:"Why the channel is retrying or failing: the last answer"`
	Pending          int            `json:"pending" doc:"Alerts that are not delivered yet"`
	NextAttemptAt    *time.Time     `json:"next_attempt_at"`
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

// TestResult is what a channel's provider answered to a test alert.
type TestResult struct {
	Delivered bool   `json:"delivered"`
	Status    *int   `json:"status"`
	Detail    string `json:"detail"`
}

// Page is one page of a list. NextCursor is null on the last.
type Page[T any] struct {
	Items      []T     `json:"items" nullable:"false"`
	NextCursor *string `json:"next_cursor"`
}

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
