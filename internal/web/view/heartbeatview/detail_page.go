package heartbeatview

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"overdue/internal/snippet"
	"overdue/internal/web/view/incidentview"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// Heartbeat has the data of one heartbeat for its page.
type Heartbeat struct {
	Key              string // id for readers who may see ping URLs, ref for all others
	PingURL          string // empty for viewers: their page must not contain anything that can ping
	Name             string
	Description      string
	Status           string
	Severity         string
	MaintenanceUntil time.Time // end of the window in progress, zero for none
	Muted            bool      // its alerts are muted
	MutedUntil       time.Time // zero if a user ends the mute
	// FlappingUntil is when its alerts no longer wait if nothing changes, zero if it does not flap.
	FlappingUntil time.Time
	SendsAll      bool // all alerts are sent while it flaps
	Editable      bool

	Schedule        string         // in words: "every 24 h"
	Interval        time.Duration  // 0 for a calendar schedule
	Zone            *time.Location // of a calendar schedule; nil for an interval
	Grace           time.Duration
	MaxRunTime      time.Duration // 0 means the grace period
	MinRunTime      time.Duration // 0 means no limit
	StartGrace      time.Duration // from the due time to the latest start of the run; 0 means no limit
	Instances       string        // which hosts must succeed, in words; empty: any
	Hosts           []Host        // by name; empty if Instances is
	AlertAfter      int           // number of consecutive failed runs that opens an incident; 0 means 1
	Early           time.Duration // how long before the due time a ping counts; negative means the default
	PostOnly        bool
	ManualResume    bool
	ExpectFirstBy   time.Time // alert if there is no first ping until then; zero means never
	Tags            []string
	Channels        []string // names; empty means all channels of the project
	ProjectChannels int      // number of channels of the project
	Policy          string   // name of the policy that decides who is notified, "" if none does
	PolicySlug      string
	DefaultPolicy   bool // the policy is the default one
	Created         time.Time
	CreatedBy       string

	LastPing, Due, Deadline time.Time
	AlertAt                 time.Time // when an incident opens; zero if a run in progress can only be tolerated
	LastStart               time.Time
	FailedAt                time.Time     // end of the failed run that opened the incident; zero if silence did
	LastRunTime             time.Duration // 0 if not measured
	RunningSince            time.Time
	PausedAt                time.Time
	PausedBy                string
	OverranSince            time.Time     // start of a run that exceeded its limit and has not ended
	LimitedSince            time.Time     // late: start of the run whose time limit replaces the deadline
	MostRunTime             time.Duration // 95 % of the runs take up to this; 0 if not measured
	FailedRuns              int           // consecutive failed runs
	Incident                *OpenIncident // nil if none is open

	SnippetSchedule snippet.Schedule // for the snippets
}

// OpenIncident is the open incident of a heartbeat.
type OpenIncident struct {
	ID     string
	Number int
	Cause  string
	Opened time.Time

	CanAcknowledge bool // the reader may, and no one has
	AcknowledgedBy string
	Acknowledged   time.Time
	Notified       []string // channels that delivered the alert
	NotifiedAt     time.Time
	Pending        []string // channels whose alert is pending
	NotDelivered   []string // channels that could not deliver the alert
}

// DetailPage is the page of one heartbeat. While the heartbeat is New, the ping
// URL comes first.
type DetailPage struct {
	layout.Shell
	Heartbeat       Heartbeat
	JustCreated     bool     // the reader has just created it
	FailingChannels []string // its channels that do not deliver
	ChannelWarning  layout.ChannelWarning
	Explanation     ui.Explanation
	DailyRuns       DailyRuns
	Chart           RunChart
	Log             EventLog
	Incidents       []incidentview.Row // of the last 30 days, newest first
	IncidentCount   int                // number of incidents in 30 days; Incidents may have fewer
	MoreIncidents   bool               // there can be more than IncidentCount
	Stats           RunStats
}

// isNew reports whether the heartbeat has had no ping yet.
func (h Heartbeat) isNew() bool { return h.Status == "new" }

// A longer description is clamped, so that the status stays on the first screen.
const (
	clampedDescription      = 280 // characters
	clampedDescriptionLines = 4
)

func (h Heartbeat) hasLongDescription() bool {
	return utf8.RuneCountInString(h.Description) > clampedDescription || strings.Count(h.Description, "\n") >= clampedDescriptionLines
}

// path returns the address of an action on the heartbeat.
func (h Heartbeat) path(action string) templ.SafeURL {
	return templ.SafeURL(paths.Heartbeat(h.Key) + action)
}

func (h Heartbeat) methodsText() string {
	if h.PostOnly {
		return "POST only"
	}
	return "POST, GET, HEAD"
}

// nextDueText returns the next run in the zone of the schedule. It is empty for an
// interval, which has no zone.
func (h Heartbeat) nextDueText(c ui.Clock) string {
	if h.Zone == nil || h.Due.IsZero() {
		return ""
	}
	c.Zone = h.Zone
	words := c.ShortDateTime(h.Due)
	if c.InZone(h.Due).Second() != 0 {
		words = c.DateTime(h.Due)
	}
	if c.ZoneName() == "UTC" {
		return words + " UTC"
	}
	return words + " " + c.InZone(h.Due).Format("-07:00") + ", " + c.ZoneName()
}

// earlyText describes how early a ping may be. It is empty for the default.
func (h Heartbeat) earlyText() string {
	switch {
	case h.Zone == nil || h.Early < 0:
		return ""
	case h.Early == 0:
		return "do not count"
	}
	return "up to " + ui.ExactDuration(h.Early) + " before"
}

// alertAfterText is empty if every failed run alerts.
func (h Heartbeat) alertAfterText() string {
	if h.AlertAfter < 2 {
		return ""
	}
	return ui.Itoa(h.AlertAfter) + " consecutive failed runs"
}

// durationOr returns the duration, or none if it is 0.
func durationOr(d time.Duration, none string) string {
	if d == 0 {
		return none
	}
	return ui.ExactDuration(d)
}

// channelsText returns the channels that receive the alerts.
func (h Heartbeat) channelsText() string {
	if h.Policy != "" {
		return ui.If(h.DefaultPolicy, "Those of the default policy "+h.Policy, "Those of the policy "+h.Policy)
	}
	if len(h.Channels) == 0 && h.ProjectChannels == 0 {
		return "None yet"
	}
	if len(h.Channels) == 0 {
		return "All " + ui.Count(h.ProjectChannels) + " of the project"
	}
	return ui.JoinWords(h.Channels)
}

// maxRunTimeText returns the maximum run time and its origin, "" if runs are not timed.
func (h Heartbeat) maxRunTimeText() string {
	if h.runLimit() == 0 {
		return ""
	}
	return ui.ExactDuration(h.runLimit()) + ui.If(h.MaxRunTime > 0, "", " (the grace period)")
}

// untilDue returns the time from one ping to the next.
func (h Heartbeat) untilDue() string {
	if h.Interval > 0 {
		return ui.ExactDuration(h.Interval) + " later"
	}
	return "next run"
}

// shortSchedule returns the schedule for the deadline bar, which has little room.
// The settings of the page have the full text.
func (h Heartbeat) shortSchedule() string {
	if h.Interval > 0 {
		return h.Schedule
	}
	return "by schedule"
}

// deadlinePreview returns the bar of a heartbeat that has no deadline now. It
// shows what happens after the next ping.
func (h Heartbeat) deadlinePreview() ui.Deadline {
	first := ui.DeadlineMark{Label: "First ping", Text: "any time", Note: "turns it Up"}
	if !h.isNew() {
		first = ui.DeadlineMark{Label: "Next ping", Text: "any time", Note: ui.If(h.ManualResume, "is only recorded", "resumes it")}
	}
	return ui.Deadline{
		ID:    "n",
		Label: "After the " + strings.ToLower(first.Label) + ", pings are due " + h.Schedule + ". If one does not arrive, the alert is sent " + ui.ExactDuration(h.Grace) + " later.",
		Marks: [3]ui.DeadlineMark{
			first,
			{Label: "Due", Text: h.untilDue(), Note: h.shortSchedule()},
			{Label: "Alert", Text: ui.ExactDuration(h.Grace) + " later", Note: "grace " + ui.ExactDuration(h.Grace)},
		},
	}
}

// hasDeadline reports whether the page can show a deadline.
func (h Heartbeat) hasDeadline() bool {
	return h.Status != "new" && h.Status != "paused" && !h.LastPing.IsZero() && !h.Due.IsZero()
}

// StatusPanelID returns the id of the status panel, for the event stream.
func StatusPanelID(key string) string { return RowID(key) + "-hero" }

// runLimit returns the maximum run time, which is the grace period if none is set. It is 0 if hosts
// count separately: their runs are not timed.
func (h Heartbeat) runLimit() time.Duration {
	if h.Instances != "" {
		return 0
	}
	if h.MaxRunTime > 0 {
		return h.MaxRunTime
	}
	return h.Grace
}

// runningSince returns the start of the run in progress, also of one that exceeded its
// limit.
func (h Heartbeat) runningSince() time.Time {
	if h.RunningSince.IsZero() && h.Status == "down" {
		return h.OverranSince
	}
	return h.RunningSince
}

// limitedRun returns the start of the run whose time limit decides: it was exceeded, or
// it replaces the deadline. Without such a run, it returns the zero time.
func (h Heartbeat) limitedRun() time.Time {
	switch h.Status {
	case "down":
		return h.OverranSince
	case "late":
		return h.LimitedSince
	}
	return time.Time{}
}

// hasRunBar reports whether the page can compare the limited run with the usual run time.
func (h Heartbeat) hasRunBar() bool {
	return !h.limitedRun().IsZero() && h.MostRunTime > 0 && h.MostRunTime < h.runLimit()
}

// notifiedText says who was notified of the open incident.
func (i OpenIncident) notifiedText(c ui.Clock) string {
	var parts []string
	if len(i.Notified) > 0 {
		parts = append(parts, "Notified at "+c.TimeOrDateTime(i.NotifiedAt)+": "+ui.JoinWords(i.Notified)+".")
	}
	if len(i.Pending) > 0 {
		parts = append(parts, "Alert pending: "+ui.JoinWords(i.Pending)+".")
	}
	if len(i.NotDelivered) > 0 {
		parts = append(parts, "Not delivered: "+ui.JoinWords(i.NotDelivered)+".")
	}
	if len(parts) == 0 {
		return "No channel was notified."
	}
	return strings.Join(parts, " ")
}

// chartPath returns the address of the page with another axis of the run chart.
func (p DetailPage) chartPath(axis string) templ.SafeURL {
	return p.Heartbeat.path(paths.Query("chart", axis) + "#runs")
}

// title contains the status, which shows in a background tab.
func (p DetailPage) title() string {
	return DetailTitle(p.Heartbeat.Name, p.Heartbeat.Status)
}

// incidentSummary returns the number of incidents and whether one is open.
func (p DetailPage) incidentSummary() string {
	words := ui.If(p.MoreIncidents, "at least ", "") + ui.Count(p.IncidentCount) + " in 30 days"
	if p.Heartbeat.Incident == nil {
		return words + ", none open"
	}
	return words + ", one open"
}

// DetailTitle returns the title of the page of one heartbeat. The event stream
// sends the same title.
func DetailTitle(name, status string) string {
	return name + " · " + ui.SignOf(status).Text + " · Overdue"
}
