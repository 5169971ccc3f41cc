package shape

import (
	"strconv"
	"strings"
	"time"

	"overdue/client"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// PingPath is where pings go, below the base address of the server.
const PingPath = "/api/v1/hb/"

// Heartbeat is h as of now. base is the address under which people and jobs
// reach this server; an empty one leaves out all that could ping.
func Heartbeat(h monitor.Heartbeat, base string, now time.Time) client.Heartbeat {
	shown := client.Heartbeat{
		Ref: h.Ref, Name: h.Name, Slug: h.Slug, Description: h.Description, Tags: orEmpty(h.Tags),
		Interval: seconds(h.Rule.Interval), Grace: int64(h.Rule.Grace / time.Second), MaxRunTime: seconds(h.Rule.MaxRunTime),
		Schedule: words(h.Rule), MinRunTime: seconds(h.Rule.MinRunTime), StartGrace: seconds(h.Rule.StartGrace),
		AlertAfter: max(h.Rule.AlertAfter, 1), ExpectFirstBy: moment(h.Rule.ExpectFirstBy),
		Methods: string(h.Rule.Methods), ManualResume: h.Rule.ManualResume,
		Status: string(h.Shown(now)), Running: h.Running(),
		DueAt: moment(h.Due()), DeadlineAt: moment(h.Deadline()),
		LastPingAt: moment(h.LastPing), LastStartAt: moment(h.Began), PingsCount: h.Pings,
		IncidentID: text(h.Incident), CreatedAt: h.Created, UpdatedAt: h.Updated,
	}
	if h.Rule.Early >= 0 {
		early := int64(h.Rule.Early / time.Second)
		shown.Early = &early
	}
	shown.Cron, shown.OnCalendar, shown.Timezone = calendar(h.Rule.Calendar)
	if !h.AllChannels {
		shown.Channels = orEmpty(h.Channels)
	}
	if h.HasRun {
		took := h.RunTime.Seconds()
		shown.LastRunTime = &took
	}
	if base != "" {
		url := base + PingPath + h.ID
		shown.ID, shown.PingURL = &h.ID, &url
	}
	return shown
}

// words says a schedule for programs, which do not know no-break spaces.
func words(r monitor.Rule) string { return strings.ReplaceAll(r.Words(), "\u00a0", " ") }

// calendar is null for what does not apply.
func calendar(c *monitor.Calendar) (cron, onCalendar []string, zone *string) {
	switch {
	case c == nil:
		return nil, nil, nil
	case c.Kind() == monitor.Cron:
		cron = c.Lines()
	default:
		onCalendar = c.Lines()
	}
	name := c.Zone()
	return cron, onCalendar, &name
}

// Run is one stretch of slots with the same outcome.
func Run(s monitor.Stretch) client.Run {
	shown := client.Run{Slot: s.First, Until: s.Last, Count: s.Count, Outcome: string(s.Outcome), At: moment(s.At)}
	if s.Outcome == monitor.RunLate {
		late := int64((s.LateBy + time.Second - 1) / time.Second) // what is late is not late by nothing
		shown.LateBy = &late
	}
	return shown
}

// Ping is p as kept; bodies is the address that its number and "/body" are
// added to, where the body can be fetched.
func Ping(p monitor.Ping, bodies string) client.Ping {
	shown := client.Ping{
		N: p.N, Kind: string(p.Kind), At: p.At, RunID: text(p.RunID), Method: p.Method, Source: p.Source,
		UserAgent: p.UserAgent, BodySize: p.BodySize, Flags: orEmpty(p.Flags.Names()),
	}
	if p.HasRun {
		took := p.RunTime.Seconds()
		shown.RunTime = &took
	}
	if p.ExitCode != monitor.NoExitCode {
		shown.ExitCode = &p.ExitCode
	}
	if p.BodySize > 0 {
		url := bodies + strconv.FormatInt(p.N, 10) + "/body"
		shown.BodyURL = &url
	}
	return shown
}

// Incident is i. capable says whether the reader may see ids that could ping.
func Incident(i monitor.Incident, capable bool) client.Incident {
	shown := client.Incident{
		ID: i.ID, Number: i.Number, HeartbeatRef: i.HeartbeatRef, HeartbeatName: i.HeartbeatName,
		State: string(i.State()), Cause: string(i.Cause), OpenedAt: i.Opened, DetectedAt: i.Detected,
		AcknowledgedAt: moment(i.AcknowledgedAt), AcknowledgedBy: text(i.AcknowledgedBy),
		ResolvedAt: moment(i.ResolvedAt), Resolution: text(string(i.Resolution)),
	}
	if capable {
		shown.HeartbeatID = &i.HeartbeatID
	}
	return shown
}

// Delivery is one alert with its attempts.
func Delivery(d store.Delivery) client.Delivery {
	shown := client.Delivery{
		ID: d.ID, ChannelID: d.Channel, Recipient: text(d.Recipient), Event: string(d.Event), State: string(d.State), Attempts: []client.Attempt{},
	}
	if d.State == monitor.Owed {
		shown.NextAttemptAt = moment(d.Next)
	}
	for _, t := range d.Tries {
		a := client.Attempt{At: t.At, Outcome: t.Outcome, Detail: t.Detail}
		if t.Status != 0 {
			a.Status = &t.Status
		}
		shown.Attempts = append(shown.Attempts, a)
	}
	return shown
}

// Channel is c with the given settings, in which secrets are masked.
func Channel(c monitor.Channel, masked map[string]any) client.Channel {
	return client.Channel{
		ID: c.ID, Kind: c.Kind, Name: c.Name, Settings: masked, TellLate: c.TellLate, TellRecovered: c.TellRecovered,
		RemindEvery: seconds(c.RemindEvery), Failing: c.Failing, LastDeliveryAt: moment(c.LastDelivery),
		State: string(c.Health.State), FailingFor: orEmpty(c.Health.FailingFor()), Failure: text(c.Health.Reason()),
		Pending: c.Health.Pending, NextAttemptAt: moment(c.Health.Next),
	}
}

// Why is the arithmetic of h as of now; hint may be empty.
func Why(h monitor.Heartbeat, hint string, now time.Time) client.Why {
	why := client.Why{
		Status: string(h.Shown(now)), At: now, LastPingAt: moment(h.LastPing), From: moment(h.From), Slot: moment(h.Due()),
		Interval: seconds(h.Rule.Interval), Schedule: words(h.Rule), Grace: int64(h.Rule.Grace / time.Second), DueAt: moment(h.Due()),
		DeadlineAt: moment(h.Deadline()), RunDeadlineAt: moment(h.RunDeadline()), StartBy: moment(h.StartBy()),
		BadRuns: h.BadRuns(), AlertAfter: max(h.Rule.AlertAfter, 1), Hint: text(hint), Decision: h.Why(now),
	}
	_, _, why.Timezone = calendar(h.Rule.Calendar)
	if h.Slot.After(h.From) {
		credit := int64(h.Slot.Sub(h.From) / time.Second)
		why.EarlyFor, why.EarlyCredit = moment(h.Slot), &credit
	}
	return why
}

// moment is null for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// seconds is null for 0.
func seconds(d time.Duration) *int64 {
	if d == 0 {
		return nil
	}
	n := int64(d / time.Second)
	return &n
}

// text is null for an empty one.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// orEmpty makes a list that is shown as [] rather than null.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
