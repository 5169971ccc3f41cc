package heartbeatview

import (
	"slices"
	"strings"
	"time"

	"overdue/internal/web/view/ui"
)

// Preview shows the effect of the settings in the form.
type Preview struct {
	Schedule string // "every 24 h", "at 03:00 every day, Europe/Berlin"; empty if not valid
	// Zone is the time zone of the preview: the zone of a calendar schedule, or nil
	// for the zone of the project.
	Zone          *time.Location
	Calendar      bool // cron or OnCalendar
	Grace         time.Duration
	AlertAfter    int       // consecutive failed runs that open an incident; 0 means 1
	Channels      string    // which channels receive the alert: "all 7 channels"
	SingleChannel bool      // Channels names one channel
	From          time.Time // time of the assumed last ping: now
	Due           time.Time
	Alert         time.Time
	EarlyFrom     time.Time     // earliest ping that counts for the run at Due; zero means Due
	StartDeadline time.Time     // latest start of the run; zero means no limit
	MaxRunTime    time.Duration // 0 means no limit
	MinRunTime    time.Duration // 0 means no limit
	ExpectFirstBy time.Time     // alert if there is no ping until then; zero means never
	Next          []time.Time   // next runs, soonest first
	Previous      []time.Time   // previous runs, latest first; only of a calendar
	ClockChanges  []string      // effects of daylight-saving changes, one sentence each
	GraceHint     string        // warns that the grace period is many intervals; otherwise empty
}

// readable reports whether the schedule is valid. If not, the preview is empty: it
// must not show the meaning of an earlier input.
func (p Preview) readable() bool { return p.Schedule != "" }

// isOver reports whether a calendar has no future run.
func (p Preview) isOver() bool { return p.readable() && p.Due.IsZero() }

// clock returns c in the zone of the schedule.
func (p Preview) clock(c ui.Clock) ui.Clock {
	if p.Zone != nil {
		c.Zone = p.Zone
	}
	return c
}

// scheduleText returns the schedule and its zone apart. The page shows the zone
// less prominently.
func (p Preview) scheduleText(c ui.Clock) (words, zone string) {
	suffix := ", " + p.clock(c).ZoneName()
	if words, ok := strings.CutSuffix(p.Schedule, suffix); p.Calendar && ok {
		return words, suffix
	}
	return p.Schedule, ""
}

func (p Preview) scheduleWords(c ui.Clock) string { w, _ := p.scheduleText(c); return w }

func (p Preview) zoneSuffix(c ui.Clock) string { _, z := p.scheduleText(c); return z }

// deadlineBar returns the bar of the settings. It has no needle.
func (p Preview) deadlineBar(c ui.Clock) ui.Deadline {
	first := "If pinged now"
	label := "Timeline: after a ping now, the next is due after the interval, and the alert is sent after the grace period."
	if p.Calendar {
		first = "Now"
		label = "Timeline: the run is due at " + c.Minute(p.Due) + ", and the alert is sent at " + c.Minute(p.Alert) + " if no ping arrives."
	}
	short := p.withoutSeconds()
	return ui.Deadline{
		ID: "p", Label: label, ShowEarly: !p.EarlyFrom.IsZero() && p.EarlyFrom.After(p.From), ShowStartMark: !p.StartDeadline.IsZero(),
		Marks: [3]ui.DeadlineMark{
			{Label: first, At: p.From, WithoutSeconds: short},
			{Label: "Due", At: p.Due, WithoutSeconds: short},
			{Label: "Alert", At: p.Alert, WithoutSeconds: short},
		},
	}
}

// withoutSeconds reports whether all times fall on full minutes.
func (p Preview) withoutSeconds() bool {
	even := p.Grace%time.Minute == 0
	if p.Calendar {
		return even && p.Due.Second() == 0 && p.Due.Nanosecond() == 0
	}
	return even && p.Due.Sub(p.From)%time.Minute == 0
}

// runText returns the time of a run.
func (p Preview) runText(c ui.Clock, t time.Time) string {
	clock := c.Minute(t)
	if !p.withoutSeconds() {
		clock = c.Time(t)
	}
	return c.Date(t) + " " + clock
}

// offset returns the offset from UTC, which differs before and after a
// daylight-saving change. It is empty for an interval and in UTC.
func (p Preview) offset(c ui.Clock, t time.Time) string {
	if !p.Calendar || c.ZoneName() == "UTC" {
		return ""
	}
	return c.InZone(t).Format("-07:00")
}

// alertCondition returns the condition that opens an incident, as parts of a sentence.
func (p Preview) alertCondition() (before, bold, after string) {
	switch {
	case p.AlertAfter > 1 && p.Grace > 0:
		return "If ", ui.Itoa(p.AlertAfter) + " consecutive runs", " fail or are " + ui.ExactDuration(p.Grace) + " late, "
	case p.AlertAfter > 1:
		return "If ", ui.Itoa(p.AlertAfter) + " consecutive runs", " fail or are late, "
	case p.Grace == 0:
		return "If one ", "does not arrive in time", ", "
	}
	return "If one is ", ui.ExactDuration(p.Grace), " late, "
}

// alertVerb returns the end of the sentence.
func (p Preview) alertVerb() string { return ui.If(p.SingleChannel, " is alerted.", " are alerted.") }

// runStep is one event in the course of a run.
type runStep struct {
	when     time.Time
	at, text string
}

// runSteps returns the events of the run at Due, one for each rule that is set. It
// is empty if the deadline bar shows everything.
func (p Preview) runSteps(c ui.Clock) []runStep {
	if p.Due.IsZero() {
		return nil
	}
	var all []runStep
	add := func(t time.Time, text string) { all = append(all, runStep{t, p.clockAt(c, t), text}) }
	if !p.EarlyFrom.IsZero() {
		add(p.EarlyFrom, "A ping counts for this run from now on.")
	}
	if !p.StartDeadline.IsZero() {
		add(p.StartDeadline, "The run must have started.")
	}
	if p.MinRunTime > 0 {
		add(p.Due.Add(p.MinRunTime), "A run that started at "+p.clockAt(c, p.Due)+" and ends earlier is too short.")
	}
	if p.MaxRunTime > 0 {
		add(p.Due.Add(p.MaxRunTime), "A run that started at "+p.clockAt(c, p.Due)+" and ends later ran too long.")
	}
	slices.SortStableFunc(all, func(a, b runStep) int { return a.when.Compare(b.when) })
	return all
}

// clockAt returns the time of day, with seconds if they matter.
func (p Preview) clockAt(c ui.Clock, t time.Time) string {
	if c.InZone(t).Second() == 0 || p.withoutSeconds() && !p.Calendar {
		return c.Minute(t)
	}
	return c.Time(t)
}

// note returns the assumption behind the list of runs.
func (p Preview) note() string {
	if p.Calendar {
		return ""
	}
	return "Assumes that every ping arrives exactly on time. The interval counts from the last ping."
}
