package web

import (
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/live"
	"overdue/internal/web/present"
	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// justSavedQuery is the query of the page after a heartbeat was created.
const justSavedQuery = "?saved=1"

// detailParameters are the parameters of the page of a heartbeat that its stream needs.
var detailParameters = []string{"kind", "before", "run", "day", "chart"}

// detailQuery returns the part of the event log that a query selects: the events before
// an event, from the end of a run on, or of a day. Invalid values select all events.
func (req *request) detailQuery() manage.HeartbeatDetailQuery {
	q := req.r.URL.Query()
	query := manage.HeartbeatDetailQuery{Kind: q.Get("kind")}
	if n, err := strconv.ParseInt(q.Get("before"), 10, 64); err == nil && n > 0 {
		query.Before = n
	} else if n, err := strconv.ParseInt(q.Get("run"), 10, 64); err == nil && n > 0 && n < math.MaxInt64 {
		query.Before = n + 1
	}
	if day, err := time.Parse(time.DateOnly, q.Get("day")); err == nil {
		noon := time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, present.Zone(req.clock))
		query.Since, query.Until = present.StartOfDay(noon), present.StartOfDay(noon.AddDate(0, 0, 1))
	}
	return query
}

// showHeartbeat shows the page of one heartbeat.
func showHeartbeat(req *request) error {
	q := req.r.URL.Query()
	query := req.detailQuery()
	d, err := req.site.Service.HeartbeatDetail(req.ctx(), req.actor, req.r.PathValue("key"), query)
	if err != nil {
		return err
	}
	page := req.heartbeatPage(d, query)
	parts, err := req.fragmentRefs(page.Fragments())
	if err != nil {
		return err
	}
	parts = append(parts, live.FragmentRef{Key: d.Ref, Digest: live.Digest(heroState(page.Heartbeat))})
	page.Shell = req.shell(live.StreamURL("/live/heartbeats/"+d.Ref, selectValues(q, detailParameters...), parts))
	page.JustCreated = q.Get("saved") != ""
	return req.render(heartbeatview.Detail(page))
}

// heartbeatPage returns the page without its shell.
func (req *request) heartbeatPage(d manage.HeartbeatDetail, q manage.HeartbeatDetailQuery) heartbeatview.DetailPage {
	all := present.Runs(d.HeartbeatHistory, req.now)
	page := heartbeatview.DetailPage{
		Heartbeat:   req.heartbeat(d.HeartbeatHistory, d.OpenIncident),
		Explanation: req.explanation(d.Heartbeat), DailyRuns: present.DailyRuns(all, req.clock),
		Log: req.eventLog(d, q), IncidentCount: d.IncidentCount, MoreIncidents: d.IncidentCount >= manage.MaxLimit, Stats: present.RunStats(all, d.Outages, req.now),
	}
	page.Chart = present.RunChart(d.HeartbeatHistory, present.ChartAxis(req.r.URL.Query().Get("chart")), page.Stats, req.clock)
	if n := len(page.Log.Events); n > 0 && q.Kind == "" {
		page.Chart.NewestPing, page.Chart.OldestPing = int64(page.Log.Events[0].Number), int64(page.Log.Events[n-1].Number)
	}
	page.DailyRuns.PagePath, page.DailyRuns.OpenDay = page.Chart.PagePath, q.Since
	page.Heartbeat.MostRunTime = page.Stats.MostRunTime
	if page.Heartbeat.Incident != nil {
		page.Heartbeat.Incident.CanAcknowledge = d.OpenIncident.AcknowledgedAt.IsZero() && req.actor.May(auth.ChangeIncidents)
		present.AddNotified(page.Heartbeat.Incident, d.Deliveries, d.Channels)
	}
	if since := page.Heartbeat.LimitedSince; page.Heartbeat.Status == string(monitor.Late) && !since.IsZero() {
		page.Explanation.RunStarted, page.Explanation.RunLimit = since, page.Chart.Limit
	}
	if since := page.Heartbeat.OverranSince; d.DownCause == monitor.CauseOverran && !since.IsZero() {
		page.Explanation.RunStarted, page.Explanation.RunLimit = since, page.Chart.Limit
	}
	page.Explanation.ZoneHint = d.ScheduleHint
	if d.StatusAt(req.now) == monitor.Down && present.IsFailure(d.DownCause) {
		page.Explanation.FailedAt, page.Heartbeat.FailedAt = d.LastPing, d.LastPing
		for _, p := range d.HeartbeatHistory.Pings {
			if p.At.Equal(d.LastPing) {
				page.Explanation.ExitStatus = max(p.ExitCode, 0)
			}
		}
	}
	page.ChannelWarning = req.channelWarning(len(d.Channels))
	page.Heartbeat.CreatedBy, page.Heartbeat.ProjectChannels = d.CreatedBy, len(d.Channels)
	page.Heartbeat.Channels = present.ChannelNames(d.Heartbeat, d.Channels)
	if p := d.NotifyRule.Policy; p != nil {
		page.Heartbeat.Policy, page.Heartbeat.PolicySlug, page.Heartbeat.DefaultPolicy = p.Name, p.Slug, d.NotifyRule.Kind == monitor.NotifyDefaultPolicy
	}
	page.Clock = req.clock
	for _, i := range d.Incidents {
		page.Incidents = append(page.Incidents, present.IncidentLine(i, manage.AlertCounts{}))
	}
	page.FailingChannels = present.FailingChannelNames(d.FailingChannels)
	return page
}

// heartbeat returns the heartbeat of the page, without what only the page knows.
func (req *request) heartbeat(w manage.HeartbeatHistory, open *monitor.Incident) heartbeatview.Heartbeat {
	h := heartbeatview.Heartbeat{
		Key: present.HeartbeatKey(w.Heartbeat), Name: w.Name, Description: w.Description, Status: string(w.StatusAt(req.now)),
		Editable: req.actor.May(auth.ChangeHeartbeats),
		Schedule: w.Rule.Describe(), Interval: w.Rule.Interval, Zone: present.RuleZone(w.Rule), Grace: w.Rule.Grace,
		MaxRunTime: w.Rule.MaxRunTime, MinRunTime: w.Rule.MinRunTime, StartGrace: w.Rule.StartGrace, AlertAfter: w.Rule.AlertAfter,
		Early: w.Rule.Early, ExpectFirstBy: w.Rule.ExpectFirstBy,
		PostOnly: w.Rule.Methods == monitor.PostOnly, ManualResume: w.Rule.ManualResume, Severity: string(w.Severity), Tags: w.Tags, Created: w.Created,
		LastPing: w.LastPing, Due: w.Due(), Deadline: w.Deadline(), AlertAt: w.AlertTime(), LastRunTime: w.LastRunTime, RunningSince: present.RunningSince(w.Heartbeat),
		PausedAt: w.PausedAt, PausedBy: w.PausedBy, LastStart: w.LastStart, FailedRuns: w.ConsecutiveFailures(),
		OverranSince: present.OverranSince(w.Heartbeat), SnippetSchedule: present.SnippetSchedule(w.Rule),
	}
	if w.Rule.Instances != monitor.AnyHost {
		h.Instances = w.Rule.Instances.Describe()
	}
	for _, s := range w.Hosts {
		h.Hosts = append(h.Hosts, heartbeatview.Host{Name: s.Name, State: string(w.HostStatus(s, req.now)), LastSuccess: s.Success})
	}
	h.Muted, h.MutedUntil = present.Mute(w.Heartbeat, req.now)
	h.MaintenanceUntil = present.MaintenanceUntil(w.Heartbeat, req.now)
	h.FlappingUntil, h.SendsAll = present.FlappingUntil(w.Heartbeat, req.now), w.FlappingAlerts == monitor.FlappingSend
	if limit := w.RunDeadline(); !limit.IsZero() && limit.Equal(h.AlertAt) {
		h.LimitedSince = present.RunningSince(w.Heartbeat)
	}
	if w.ID != "" && req.actor.SeesPingURLs() {
		h.PingURL = req.site.pingBase() + w.ID
	}
	if open != nil {
		h.Incident = &heartbeatview.OpenIncident{ID: open.ID, Number: int(open.Number), Cause: string(open.Cause), Opened: open.OpenedAt, AcknowledgedBy: open.AcknowledgedBy, Acknowledged: open.AcknowledgedAt}
	}
	return h
}

// explanation returns the calculation of the status. It omits the sentence if the
// sum says the same.
func (req *request) explanation(h monitor.Heartbeat) ui.Explanation {
	status := h.StatusAt(req.now)
	w := ui.Explanation{
		Status: string(status), LastPing: h.LastPing, Interval: h.Rule.Interval, Calendar: h.Rule.Calendar != nil,
		Due: h.Due(), Grace: h.Rule.Grace, NotWatched: h.Blackout.Credit, Alert: h.Deadline(), StartDeadline: h.StartDeadline(),
	}
	if !w.Alert.IsZero() {
		w.AlertingRun = w.Alert.Add(-w.Grace - w.NotWatched)
	}
	if b, unwatched := h.CountsFromBlackout(); unwatched {
		w.WatchedFrom = b.To
	}
	// Only the latest span knows which ping decided it.
	if tail := h.History.Latest; !w.LastPing.IsZero() && tail.LastPing.Equal(w.LastPing) {
		w.CountedFor = tail.Last
	}
	// A run in progress changes nothing while the heartbeat is Up.
	plain := (status == monitor.Up || !h.Running()) && h.Rule.Instances == monitor.AnyHost
	counted := h.CountedFrom.Equal(h.LastPing) && plain && h.ConsecutiveFailures() == 0 && !h.EarlySlot.After(h.CountedFrom) && h.Rule.AlertAfter <= 1 && h.StartDeadline().IsZero() && (h.DownCause == "" || h.DownCause == monitor.CauseMissed)
	if !h.ExpectsPings() || !counted {
		w.Decision = h.Why(req.now)
	}
	return w
}

// eventLog returns the event log of the page.
func (req *request) eventLog(d manage.HeartbeatDetail, q manage.HeartbeatDetailQuery) heartbeatview.EventLog {
	base := paths.Heartbeat(present.HeartbeatKey(d.Heartbeat))
	l := heartbeatview.EventLog{Kind: q.Kind, Total: d.EventCount, PagePath: base, ExpandFirst: true, IsOlderPage: q.Before > 0, Day: q.Since}
	keep := req.site.Service.Retention()
	l.Kept, l.KeptCount = keep.PingsText(), keep.PingsPerHeartbeat
	for _, p := range d.Log {
		e := heartbeatview.Event{
			Number: int(p.Number), Kind: string(p.Kind), At: p.At, RunTime: p.RunTime, ExitStatus: max(p.ExitCode, 0), Exited: p.ExitCode != monitor.NoExitCode,
			EndsRun: p.Kind == monitor.PingSuccess || p.Kind == monitor.PingFail,
			Method:  p.Method, Source: p.Source, Host: p.Host, UserAgent: p.UserAgent, Marks: present.PingFlagTexts(p.Flags), Body: present.PrintableText(p.Body), Truncated: int64(len(p.Body)) < p.BodySize,
			BodyPath: base + "/pings/" + strconv.FormatInt(p.Number, 10) + "/body",
		}
		if p.HasRunTime {
			e.Started = p.At.Add(-p.RunTime)
		}
		l.Events = append(l.Events, e)
	}
	if d.NextBefore > 0 {
		older := url.Values{"before": {strconv.FormatInt(d.NextBefore, 10)}}
		if q.Kind != "" {
			older.Set("kind", q.Kind)
		}
		if !q.Since.IsZero() {
			older.Set("day", q.Since.Format(time.DateOnly))
		}
		l.OlderPath = base + "?" + older.Encode() + "#log"
	}
	if q.Kind == "" {
		present.AddBlackouts(&l, d.Blackouts, monitor.Earlier(q.Until, present.LogEnd(d.HeartbeatHistory.Pings, q.Before)))
	}
	return l
}

// downloadBody sends the whole body of a ping as a download. It is never displayed,
// because it holds untrusted input.
func downloadBody(req *request) error {
	n, err := strconv.ParseInt(req.r.PathValue("n"), 10, 64)
	if err != nil {
		return monitor.Faultf(monitor.NotFound, "", "No such ping.")
	}
	p, err := req.site.Service.Ping(req.ctx(), req.actor, req.r.PathValue("key"), n)
	if err != nil {
		return err
	}
	h := req.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="ping-`+strconv.FormatInt(n, 10)+`.txt"`)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	req.w.WriteHeader(http.StatusOK)
	_, _ = req.w.Write(p.Body) // fails if the browser disconnected
	return nil
}

// downloadEvents sends the event log of a heartbeat as a CSV file.
func downloadEvents(req *request) error {
	h, err := req.site.Service.Heartbeat(req.ctx(), req.actor, req.r.PathValue("key"))
	if err != nil {
		return err
	}
	f := req.csvFile(h.Slug+"-events", present.EventHeader)
	more, err := req.site.Service.ExportEvents(req.ctx(), req.actor, h.Ref, req.detailQuery(), func(part []monitor.Ping) error {
		rows := make([][]string, 0, len(part))
		for _, p := range part {
			rows = append(rows, present.EventRow(p))
		}
		return f.WriteRows(rows)
	})
	return f.Finish(req.ctx(), more, err)
}
