package view

import (
	"slices"
	"strings"
	"time"
)

// Preview is what the settings in the form would mean.
type Preview struct {
	Schedule string // "every 24 h", "at 03:00 every day, Europe/Berlin"; empty when it cannot be read
	// Zone is where the times of the preview are read: that of a calendar schedule,
	// or nil for the project's.
	Zone          *time.Location
	Calendar      bool // runs have fixed times, whatever the pings do
	Grace         time.Duration
	AlertAfter    int       // as many bad runs open an incident; 0 is 1
	Channels      string    // who is told: "all 7 channels"
	SingleChannel bool      // that is one channel
	From          time.Time // the ping that is imagined, which is now
	Due           time.Time
	Alert         time.Time
	EarlyFrom     time.Time     // from then on a ping counts for the run at Due; zero: only once it is due
	StartDeadline time.Time     // by then a run must have begun; zero: it need not
	MaxRunTime    time.Duration // of a run; 0: nothing limits it
	MinRunTime    time.Duration // of a run
	ExpectFirstBy time.Time     // alert when no ping has come by then; zero: never
	Next          []time.Time   // the next runs, soonest first
	Previous      []time.Time   // the runs before, latest first; only of a calendar
	ClockChanges  []string      // what changes of the clock do, in sentences
	GraceHint     string        // that the grace period is many intervals; empty if it is not
}

// readable tells whether there is anything to show. Nothing is better than the
// meaning of what was typed before.
func (p Preview) readable() bool { return p.Schedule != "" }

// isOver tells whether a calendar has no run left.
func (p Preview) isOver() bool { return p.readable() && p.Due.IsZero() }

// clock reads times where the schedule does.
func (p Preview) clock(c Clock) Clock {
	if p.Zone != nil {
		c.Zone = p.Zone
	}
	return c
}

// scheduleText is the schedule with its zone apart, which is less loud.
func (p Preview) scheduleText(c Clock) (words, zone string) {
	suffix := ", " + p.clock(c).ZoneName()
	if words, ok := strings.CutSuffix(p.Schedule, suffix); p.Calendar && ok {
		return words, suffix
	}
	return p.Schedule, ""
}

func (p Preview) scheduleWords(c Clock) string { w, _ := p.scheduleText(c); return w }
func (p Preview) zoneSuffix(c Clock) string    { _, z := p.scheduleText(c); return z }

// deadlineBar explains the settings: it does not move.
func (p Preview) deadlineBar(c Clock) Deadline {
	first := "If a ping came now"
	label := "Time line: if a ping came now, the next is due after the interval, and the alert goes out after the grace period."
	if p.Calendar {
		first = "Now"
		label = "Time line: the run is due at " + c.Minute(p.Due) + ", and the alert goes out at " + c.Minute(p.Alert) + " if no ping has come."
	}
	short := p.withoutSeconds()
	return Deadline{
		ID: "p", Label: label, ShowEarly: !p.EarlyFrom.IsZero() && p.EarlyFrom.After(p.From), ShowStartMark: !p.StartDeadline.IsZero(),
		Marks: [3]DeadlineMark{
			{Label: first, At: p.From, WithoutSeconds: short},
			{Label: "Due", At: p.Due, WithoutSeconds: short},
			{Label: "Alert", At: p.Alert, WithoutSeconds: short},
		},
	}
}

// withoutSeconds leaves out seconds, unless they are what the schedule is about.
func (p Preview) withoutSeconds() bool {
	even := p.Grace%time.Minute == 0
	if p.Calendar {
		return even && p.Due.Second() == 0 && p.Due.Nanosecond() == 0
	}
	return even && p.Due.Sub(p.From)%time.Minute == 0
}

// runText says when one is, with the offset of its zone where that can change.
func (p Preview) runText(c Clock, t time.Time) string {
	clock := c.Minute(t)
	if !p.withoutSeconds() {
		clock = c.Time(t)
	}
	return c.Date(t) + " " + clock
}

// offset is the distance from UTC, which tells the two sides of a change apart.
func (p Preview) offset(c Clock, t time.Time) string {
	if !p.Calendar || c.ZoneName() == "UTC" {
		return ""
	}
	return c.local(t).Format("-07:00")
}

// trouble is what opens an incident, in the middle of a sentence.
func (p Preview) trouble() (before, bold, after string) {
	switch {
	case p.AlertAfter > 1 && p.Grace > 0:
		return "If ", itoa(p.AlertAfter) + " in a row", " are bad or " + ExactDuration(p.Grace) + " late, "
	case p.AlertAfter > 1:
		return "If ", itoa(p.AlertAfter) + " in a row", " are bad or do not come in time, "
	case p.Grace == 0:
		return "If one ", "does not come in time", ", "
	}
	return "If one is ", ExactDuration(p.Grace), " late, "
}

// alertVerb is how the sentence ends.
func (p Preview) alertVerb() string { return word(p.SingleChannel, " is alerted.", " are alerted.") }

// runStep is one line of the story of a run.
type runStep struct {
	when     time.Time
	at, text string
}

// runSteps tells the run at Due by the clock, with every rule that is set; it is empty
// when the bar says it all.
func (p Preview) runSteps(c Clock) []runStep {
	if p.Due.IsZero() {
		return nil
	}
	var all []runStep
	add := func(t time.Time, text string) { all = append(all, runStep{t, p.clockAt(c, t), text}) }
	if !p.EarlyFrom.IsZero() {
		add(p.EarlyFrom, "From here on a ping counts for this run.")
	}
	if !p.StartDeadline.IsZero() {
		add(p.StartDeadline, "By now it must have started.")
	}
	if p.MinRunTime > 0 {
		add(p.Due.Add(p.MinRunTime), "A run that started at "+p.clockAt(c, p.Due)+" must not end before: it would be too short.")
	}
	if p.MaxRunTime > 0 {
		add(p.Due.Add(p.MaxRunTime), "A run that started at "+p.clockAt(c, p.Due)+" must have ended, or it ran too long.")
	}
	slices.SortStableFunc(all, func(a, b runStep) int { return a.when.Compare(b.when) })
	return all
}

// clockAt is the time of day, with seconds where they matter.
func (p Preview) clockAt(c Clock, t time.Time) string {
	if c.local(t).Second() == 0 || p.withoutSeconds() && !p.Calendar {
		return c.Minute(t)
	}
	return c.Time(t)
}

// note says what the list of runs takes for granted.
func (p Preview) note() string {
	if p.Calendar {
		return ""
	}
	return "If every ping arrives exactly on time. An early ping moves them earlier."
}
