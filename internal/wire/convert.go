package wire

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"overdue/client"
	"overdue/internal/monitor"
	"overdue/internal/pingurl"
	"overdue/internal/store"
)

// Heartbeat converts h at now. base is the external address of this server. If it is empty, the
// result has no id and no ping URL.
func Heartbeat(h monitor.Heartbeat, base string, now time.Time) client.Heartbeat {
	shown := client.Heartbeat{
		Ref: h.Ref, Name: h.Name, Slug: h.Slug, Description: h.Description, Tags: emptyIfNil(h.Tags),
		Interval: secondsOrNil(h.Rule.Interval), Grace: int64(h.Rule.Grace / time.Second), MaxRunTime: secondsOrNil(h.Rule.MaxRunTime),
		Schedule: describeSchedule(h.Rule), MinRunTime: secondsOrNil(h.Rule.MinRunTime), StartGrace: secondsOrNil(h.Rule.StartGrace),
		AlertAfter: max(h.Rule.AlertAfter, 1), ExpectFirstBy: timeOrNil(h.Rule.ExpectFirstBy),
		Instances: h.Rule.Instances.String(), Hosts: hosts(h, now), Severity: string(h.Severity), FlappingAlerts: string(cmp.Or(h.FlappingAlerts, monitor.FlappingHold)), Methods: string(h.Rule.Methods), ManualResume: h.Rule.ManualResume,
		Status: string(h.StatusAt(now)), Running: h.Running(),
		DueAt: timeOrNil(h.Due()), DeadlineAt: timeOrNil(h.Deadline()),
		LastPingAt: timeOrNil(h.LastPing), LastStartAt: timeOrNil(h.LastStart), PingsCount: h.PingCount,
		IncidentID: stringOrNil(h.OpenIncident), CreatedAt: h.Created, UpdatedAt: h.Updated,
	}
	if shown.Muted = h.Muted(now); shown.Muted && !h.MutedUntil.Equal(monitor.MutedUntilUnmuted) {
		shown.MutedUntil = &h.MutedUntil
	}
	if h.Flaps(now) {
		shown.FlappingSince, shown.FlappingUntil = timeOrNil(h.Flapping.Since), timeOrNil(h.Flapping.Until())
	}
	if w, open := h.InMaintenance(now); open {
		shown.MaintenanceUntil = &w.To
	}
	if h.Rule.Early >= 0 {
		early := int64(h.Rule.Early / time.Second)
		shown.Early = &early
	}
	shown.Cron, shown.OnCalendar, shown.Timezone = calendarFields(h.Rule.Calendar)
	if !h.AllChannels {
		shown.Channels = emptyIfNil(h.Channels)
	}
	shown.Policy = stringOrNil(h.Policy)
	if h.HasRunTime {
		took := h.LastRunTime.Seconds()
		shown.LastRunTime = &took
	}
	if base != "" {
		url := pingurl.For(base, h.ID)
		shown.ID, shown.PingURL = &h.ID, &url
	}
	return shown
}

// hosts converts the hosts of h.
func hosts(h monitor.Heartbeat, now time.Time) []client.Host {
	all := make([]client.Host, len(h.Hosts))
	for i, s := range h.Hosts {
		all[i] = client.Host{Name: s.Name, State: string(h.HostStatus(s, now)), LastReportAt: s.At, LastSuccessAt: timeOrNil(s.Success)}
	}
	return all
}

// describeSchedule describes a schedule without no-break spaces, for programs.
func describeSchedule(r monitor.Rule) string { return strings.ReplaceAll(r.Describe(), "\u00a0", " ") }

// calendarFields returns nil for the fields that do not apply.
func calendarFields(c *monitor.Calendar) (cron, onCalendar []string, zone *string) {
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

// Run converts a span of the run history.
func Run(s monitor.Span) client.Run {
	shown := client.Run{Slot: s.First, Until: s.Last, Count: s.Count, Outcome: string(s.Outcome), At: timeOrNil(s.LastPing)}
	if s.Outcome == monitor.RunLate {
		late := int64((s.LateBy + time.Second - 1) / time.Second) // what is late is not late by nothing
		shown.LateBy = &late
	}
	return shown
}

// Ping converts p. bodies is the URL prefix of its body: the number and "/body" are added to it.
func Ping(p monitor.Ping, bodies string) client.Ping {
	shown := client.Ping{
		N: p.Number, Kind: string(p.Kind), At: p.At, RunID: stringOrNil(p.RunID), Method: p.Method, Source: p.Source, Host: stringOrNil(p.Host),
		UserAgent: p.UserAgent, BodySize: p.BodySize, Flags: emptyIfNil(p.Flags.Names()),
	}
	if p.HasRunTime {
		took := p.RunTime.Seconds()
		shown.RunTime = &took
	}
	if p.ExitCode != monitor.NoExitCode {
		shown.ExitCode = &p.ExitCode
	}
	if p.BodySize > 0 {
		url := bodies + strconv.FormatInt(p.Number, 10) + "/body"
		shown.BodyURL = &url
	}
	return shown
}

// Incident converts i. withIDs adds the heartbeat id, which allows pings.
func Incident(i monitor.Incident, capable bool) client.Incident {
	shown := client.Incident{
		ID: i.ID, Number: i.Number, HeartbeatRef: i.HeartbeatRef, HeartbeatName: i.HeartbeatName, Severity: string(i.Severity),
		State: string(i.State()), Cause: string(i.Cause), Host: stringOrNil(i.Host), OpenedAt: i.OpenedAt, DetectedAt: i.DetectedAt,
		AcknowledgedAt: timeOrNil(i.AcknowledgedAt), AcknowledgedBy: stringOrNil(i.AcknowledgedBy),
		ResolvedAt: timeOrNil(i.ResolvedAt), Resolution: stringOrNil(string(i.Resolution)),
	}
	if i.Group > 0 {
		shown.Group = &i.Group
	}
	if i.State() == monitor.StateOpen {
		shown.SnoozedUntil = timeOrNil(i.SnoozedUntil)
	}
	if capable {
		shown.HeartbeatID = &i.HeartbeatID
	}
	return shown
}

// Notification returns the parts of a webhook's body that describe an incident and its heartbeat.
func Notification(h monitor.Heartbeat, i monitor.Incident, now time.Time) client.Notification {
	heartbeat, incident := Heartbeat(h, "", now), Incident(i, false)
	return client.Notification{Heartbeat: &heartbeat, Incident: &incident}
}

// Blackout converts a blackout, with the counts of the heartbeats that it affected. detail is its
// cause in one sentence, and optional.
func Blackout(b monitor.Blackout, counts map[monitor.BlackoutEffectKind]int, detail string) client.Blackout {
	return client.Blackout{
		Number: b.Key, From: b.From, To: b.To, Seconds: b.Length().Seconds(), Cause: string(b.Cause), Detail: stringOrNil(detail),
		Unknown: counts[monitor.BlackoutUnknown], Moved: counts[monitor.BlackoutMoved],
	}
}

// BlackoutDetail is [Blackout] with the heartbeats that it affected. capable adds their ids, which
// allow pings.
func BlackoutDetail(b monitor.Blackout, counts map[monitor.BlackoutEffectKind]int, detail string, affected []store.AffectedHeartbeat, capable bool) client.BlackoutDetail {
	shown := client.BlackoutDetail{Blackout: Blackout(b, counts, detail), Heartbeats: []client.BlackoutEffect{}}
	for _, a := range affected {
		e := client.BlackoutEffect{HeartbeatRef: a.Ref, HeartbeatName: a.Name, Effect: string(a.Kind), DueAt: timeOrNil(a.Due), NextAt: timeOrNil(a.Next)}
		if capable {
			e.HeartbeatID = &a.ID
		}
		shown.Heartbeats = append(shown.Heartbeats, e)
	}
	return shown
}

// Delivery converts an alert with its attempts.
func Delivery(d store.Delivery) client.Delivery {
	shown := client.Delivery{
		ID: d.ID, ChannelID: d.Channel, Recipient: stringOrNil(d.Recipient), Event: string(d.Event), State: string(d.State), Attempts: []client.Attempt{},
		GroupedIn: stringOrNil(d.Carrier),
	}
	if d.State == monitor.AlertPending && d.Carrier == "" {
		shown.NextAttemptAt = timeOrNil(d.NextAttempt)
	}
	for _, t := range d.AttemptLog {
		a := client.Attempt{At: t.At, Outcome: t.Outcome, Detail: t.Detail}
		if t.Status != 0 {
			a.Status = &t.Status
		}
		shown.Attempts = append(shown.Attempts, a)
	}
	return shown
}

// Channel converts c with the given settings, in which secrets are masked.
func Channel(c monitor.Channel, masked map[string]any) client.Channel {
	return client.Channel{
		ID: c.ID, Kind: c.Kind, Name: c.Name, Settings: masked, Target: c.Target, NotifyOnLate: c.NotifyOnLate, NotifyOnRecovery: c.NotifyOnRecovery,
		RemindEvery: secondsOrNil(c.RemindEvery), Failing: c.Failing, LastDeliveryAt: timeOrNil(c.LastDelivery),
		State: string(c.Health.State), FailingFor: emptyIfNil(c.Health.FailingFor()), Failure: stringOrNil(c.Health.Reason()),
		Pending: c.Health.Pending, NextAttemptAt: timeOrNil(c.Health.NextAttempt),
		PausedUntil: timeOrNil(c.PausedUntil),
	}
}

// Node converts a node.
func Node(n store.Node) client.Node {
	shown := client.Node{
		ID: n.ID, Host: n.Host, Version: n.Version, Status: "dead", StartedAt: timeOrNil(n.Started), SeenAt: n.Seen,
		LastCommitAt: timeOrNil(n.LastCommit), WatermarkLag: n.WatermarkLag().Seconds(),
	}
	if n.Alive {
		shown.Status = "running"
	}
	if n.SkewKnown {
		shown.ClockSkew, shown.RoundTrip = new(n.Skew.Seconds()), new(n.RoundTrip.Seconds())
	}
	return shown
}

// Why converts the calculation of the status of h at now. hint is optional.
func Why(h monitor.Heartbeat, hint string, now time.Time) client.Explanation {
	why := client.Explanation{
		Status: string(h.StatusAt(now)), At: now, LastPingAt: timeOrNil(h.LastPing), From: timeOrNil(h.CountedFrom), Slot: timeOrNil(h.Due()),
		Interval: secondsOrNil(h.Rule.Interval), Schedule: describeSchedule(h.Rule), Grace: int64(h.Rule.Grace / time.Second), DueAt: timeOrNil(h.Due()),
		DeadlineAt: timeOrNil(h.Deadline()), RunDeadlineAt: timeOrNil(h.RunDeadline()), StartBy: timeOrNil(h.StartDeadline()),
		FailedRuns: h.ConsecutiveFailures(), AlertAfter: max(h.Rule.AlertAfter, 1), Hint: stringOrNil(hint), Decision: h.Why(now),
	}
	_, _, why.Timezone = calendarFields(h.Rule.Calendar)
	why.BlackoutCredit = int64(h.Blackout.Credit.Round(time.Second) / time.Second)
	if b, unwatched := h.CountsFromBlackout(); unwatched {
		why.Blackout = new(b.Key)
	}
	if h.EarlySlot.After(h.CountedFrom) {
		credit := int64(h.EarlySlot.Sub(h.CountedFrom) / time.Second)
		why.EarlyFor, why.EarlyCredit = timeOrNil(h.EarlySlot), &credit
	}
	return why
}

// timeOrNil returns nil for the zero time.
func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// secondsOrNil returns nil for 0.
func secondsOrNil(d time.Duration) *int64 {
	if d == 0 {
		return nil
	}
	n := int64(d / time.Second)
	return &n
}

// stringOrNil returns nil for "".
func stringOrNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// emptyIfNil returns a list that is encoded as [] instead of null.
func emptyIfNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// Policy converts an escalation policy.
func Policy(p monitor.Policy, heartbeats, naming int) client.Policy {
	shown := client.Policy{HeartbeatsCount: heartbeats, NamedByCount: naming, ID: p.ID, Name: p.Name, Slug: p.Slug, Default: p.Default, Steps: []client.PolicyStep{}, CreatedAt: p.Created}
	for _, s := range p.Steps {
		shown.Steps = append(shown.Steps, client.PolicyStep{
			After: int64(s.After / time.Second), Channels: emptyIfNil(s.Channels), RepeatEvery: secondsOrNil(s.RepeatEvery),
		})
	}
	return shown
}

// Notifications converts who would be notified of an incident.
func Notifications(plan []monitor.Notification, rule monitor.NotifyRule) client.Notifications {
	shown := client.Notifications{Rule: string(rule.Kind), Why: rule.Why, Notifications: []client.PlannedNotification{}}
	if rule.Policy != nil {
		shown.Policy = &rule.Policy.Slug
	}
	for _, n := range plan {
		shown.Notifications = append(shown.Notifications, client.PlannedNotification{
			After: int64(n.After / time.Second), ChannelID: n.Channel.ID, ChannelName: n.Channel.Name, Event: string(n.Event),
			RepeatEvery: secondsOrNil(n.RepeatEvery()), Why: n.Why,
		})
	}
	return shown
}
