package view

import (
	"strings"
	"time"

	"github.com/a-h/templ"
)

// Heartbeat is everything that the page of one heartbeat tells about it.
type Heartbeat struct {
	Key         string // the id for those who may ping, the ref for everyone else
	PingURL     string // empty for viewers: then nothing on the page can ping
	Name        string
	Description string
	Status      string
	Editable    bool

	Schedule        string         // in words: "every 24 h"
	Interval        time.Duration  // 0 for a calendar schedule
	Zone            *time.Location // of a calendar schedule, nil for an interval
	Grace           time.Duration
	MaxRunTime      time.Duration // 0: the grace period is used
	MinRunTime      time.Duration // 0: none
	StartGrace      time.Duration // from due until a run must have begun; 0: no such clock
	AlertAfter      int           // bad runs in a row that open an incident; 0 is 1
	Early           time.Duration // how long before it is due a ping counts; below 0: as usual
	PostOnly        bool
	ManualResume    bool
	ExpectFirstBy   time.Time // alert when the first ping has not come by then; zero: never
	Tags            []string
	Channels        []string // names; empty: all of the project
	ProjectChannels int      // how many that are
	Created         time.Time
	CreatedBy       string

	LastPing, Due, Deadline time.Time
	LastStart               time.Time
	FailedAt                time.Time     // when the run ended that it is Down for; zero: none did
	LastRunTime             time.Duration // 0 when not measured
	RunningSince            time.Time
	PausedAt                time.Time
	PausedBy                string
	Incident                *OpenIncident // nil when none is open
}

// OpenIncident is the incident that a heartbeat is Down for.
type OpenIncident struct {
	ID     string
	Number int
	Cause  string
	Opened time.Time
}

// HeartbeatPage is the page of one heartbeat. The same page greets a heartbeat
// that was just saved: while it is New, the ping URL stands above everything.
type HeartbeatPage struct {
	Shell
	Heartbeat       Heartbeat
	JustCreated     bool     // just created: shown instead of its age
	FailingChannels []string // channels that it tells and that do not work
	ChannelWarning  ChannelWarning
	Explanation     Explanation
	DailyRuns       DailyRuns
	Log             EventLog
	Incidents       []IncidentLine // of the last 30 days, newest first
	IncidentCount   int            // how many those are in all
	Stats           RunStats
}

// RunStats are the figures of the last 30 days. Counts, not percentages: "24
// of 27 runs" says how much is known. Good are the runs on time and those that
// were late, as in the uptime of the API; what was not watched is in neither.
type RunStats struct {
	Good, Late, Watched          int
	UsualRunTime, SlowestRunTime time.Duration // run times; 0 when not measured
	TimeDown                     time.Duration
	NotWatched                   int
}

// isNew tells whether the job has not been wired up yet.
func (h Heartbeat) isNew() bool { return h.Status == "new" }

// path is the address of something that can be done to the heartbeat.
func (h Heartbeat) path(action string) templ.SafeURL {
	return templ.SafeURL(HeartbeatPath(h.Key) + action)
}

func (h Heartbeat) methodsText() string {
	if h.PostOnly {
		return "POST only"
	}
	return "POST, GET, HEAD"
}

// nextDueText is the next run by the clock of the schedule; empty for an interval, which
// knows none.
func (h Heartbeat) nextDueText(c Clock) string {
	if h.Zone == nil || h.Due.IsZero() {
		return ""
	}
	c.Zone = h.Zone
	words := c.ShortDateTime(h.Due)
	if c.local(h.Due).Second() != 0 {
		words = c.DateTime(h.Due)
	}
	if c.ZoneName() == "UTC" {
		return words + " UTC"
	}
	return words + " " + c.local(h.Due).Format("-07:00") + ", " + c.ZoneName()
}

// earlyText says how early a ping may be, empty where that does not matter.
func (h Heartbeat) earlyText() string {
	switch {
	case h.Zone == nil || h.Early < 0:
		return ""
	case h.Early == 0:
		return "do not count"
	}
	return "up to " + ExactDuration(h.Early) + " before"
}

// alertAfterText is empty where every bad run alerts.
func (h Heartbeat) alertAfterText() string {
	if h.AlertAfter < 2 {
		return ""
	}
	return itoa(h.AlertAfter) + " bad runs in a row"
}

// durationOr is a duration that someone set, or nothing.
func durationOr(d time.Duration, none string) string {
	if d == 0 {
		return none
	}
	return ExactDuration(d)
}

// channelsText says who gets the alerts.
func (h Heartbeat) channelsText() string {
	if len(h.Channels) == 0 {
		return "All " + Count(h.ProjectChannels) + " of the project"
	}
	return JoinWords(h.Channels)
}

// maxRunTimeText is how long a run may take, and whether anybody has set that.
func (h Heartbeat) maxRunTimeText() string {
	if h.MaxRunTime > 0 {
		return ExactDuration(h.MaxRunTime)
	}
	return "as grace (" + ExactDuration(h.Grace) + ")"
}

// untilDue is how the time between pings is said: a length, or the schedule.
func (h Heartbeat) untilDue() string {
	if h.Interval > 0 {
		return ExactDuration(h.Interval) + " later"
	}
	return "next run"
}

// shortSchedule is the schedule where there is little room: a calendar is told elsewhere on
// the page, in as many words as it takes.
func (h Heartbeat) shortSchedule() string {
	if h.Interval > 0 {
		return h.Schedule
	}
	return "by the clock"
}

// deadlinePreview is the bar of a heartbeat that is not judged: what the next ping will
// begin.
func (h Heartbeat) deadlinePreview() Deadline {
	first := DeadlineMark{Label: "First ping", Text: "any time", Note: "turns it Up"}
	if !h.isNew() {
		first = DeadlineMark{Label: "Next ping", Text: "any time", Note: word(h.ManualResume, "is only noted", "resumes it")}
	}
	return Deadline{
		ID:    "n",
		Label: "After the " + strings.ToLower(first.Label) + " the next is due " + h.Schedule + ", and the alert goes out " + ExactDuration(h.Grace) + " after that.",
		Marks: [3]DeadlineMark{
			first,
			{Label: "Due", Text: h.untilDue(), Note: h.shortSchedule()},
			{Label: "Alert", Text: ExactDuration(h.Grace) + " later", Note: "grace " + ExactDuration(h.Grace)},
		},
	}
}

// hasDeadline tells whether there is a deadline to show.
func (h Heartbeat) hasDeadline() bool {
	return h.Status != "new" && h.Status != "paused" && !h.LastPing.IsZero() && !h.Due.IsZero()
}

// HeroID is the id of the part of the page that the live stream swaps.
func HeroID(key string) string { return RowID(key) + "-hero" }

// title tells the status, so that a tab in the background can be told from others.
func (p HeartbeatPage) title() string {
	return HeartbeatTitle(p.Heartbeat.Name, p.Heartbeat.Status)
}

// incidentSummary says how many incidents there were and whether one is open.
func (p HeartbeatPage) incidentSummary() string {
	words := Count(p.IncidentCount) + " in 30 days"
	if p.Heartbeat.Incident == nil {
		return words + ", none open"
	}
	return words + ", one open"
}

// goodText is left out when nothing was watched: 0 of 0 says nothing.
func (s RunStats) goodText() string {
	if s.Watched == 0 {
		return ""
	}
	return Count(s.Good) + " of " + Plural(s.Watched, "run") + word(s.Late > 0, ", "+Count(s.Late)+" late", "")
}

func (s RunStats) usualText() string {
	if s.UsualRunTime == 0 {
		return ""
	}
	return RunTime(s.UsualRunTime) + ", slowest " + RunTime(s.SlowestRunTime)
}

func (s RunStats) notWatchedText() string {
	if s.NotWatched == 0 {
		return ""
	}
	return Plural(s.NotWatched, "run")
}

// HeartbeatTitle is the title of the page of one heartbeat; the live stream sends
// the same words.
func HeartbeatTitle(name, status string) string {
	return name + " · " + signOf(status).word + " · Overdue"
}
