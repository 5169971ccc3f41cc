package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// justSavedQuery is the query that Save leads to, so that the page greets a new
// heartbeat.
const justSavedQuery = "?saved=1"

// detailQuery is which part of the log an address asks for.
func detailQuery(q url.Values) manage.HeartbeatDetailQuery {
	before, err := strconv.ParseInt(q.Get("before"), 10, 64)
	if err != nil || before < 0 {
		before = 0 // an address that somebody mended shows the newest
	}
	return manage.HeartbeatDetailQuery{Kind: q.Get("kind"), Before: before}
}

// showHeartbeat is the page of one heartbeat.
func showHeartbeat(v *request) error {
	q := v.r.URL.Query()
	query := detailQuery(q)
	d, err := v.site.Service.HeartbeatDetail(v.ctx(), v.actor, v.r.PathValue("key"), query)
	if err != nil {
		return err
	}
	page := v.heartbeatPage(d, query)
	parts, err := v.fragmentRefs(page.Fragments())
	if err != nil {
		return err
	}
	parts = append(parts, FragmentRef{d.Ref, Digest(heroState(page.Heartbeat))})
	page.Shell = v.shell(StreamURL("/live/heartbeats/"+d.Ref, selectValues(q, "kind", "before"), parts))
	page.JustCreated = q.Get("saved") != ""
	return v.render(view.HeartbeatDetail(page))
}

// heartbeatPage is what the page tells, but for what surrounds it.
func (v *request) heartbeatPage(d manage.HeartbeatDetail, q manage.HeartbeatDetailQuery) view.HeartbeatPage {
	all := Runs(d.HeartbeatHistory, v.now)
	page := view.HeartbeatPage{
		Heartbeat:   v.heartbeat(d.HeartbeatHistory, d.OpenIncident),
		Explanation: v.why(d.Heartbeat), DailyRuns: Month(all, d.Rule.MaxRunTime, v.clock),
		Log: v.eventLog(d, q), IncidentCount: d.IncidentCount, Stats: MonthStats(all, d.Outages, v.now),
	}
	page.Explanation.ZoneHint = d.ScheduleHint
	if d.StatusAt(v.now) == monitor.Down && IsFailure(d.DownCause) {
		page.Explanation.FailedAt, page.Heartbeat.FailedAt = d.LastPing, d.LastPing
		for _, p := range d.HeartbeatHistory.Pings {
			if p.At.Equal(d.LastPing) {
				page.Explanation.ExitStatus = max(p.ExitCode, 0)
			}
		}
	}
	page.ChannelWarning = v.alertGap(len(d.Channels))
	page.Heartbeat.CreatedBy, page.Heartbeat.ProjectChannels = d.CreatedBy, len(d.Channels)
	page.Heartbeat.Channels = ChannelNames(d.Heartbeat, d.Channels)
	page.Clock = v.clock
	for _, i := range d.Incidents {
		page.Incidents = append(page.Incidents, IncidentLine(i, manage.AlertCounts{}))
	}
	page.FailingChannels = FailingChannelNames(d.FailingChannels)
	return page
}

// heartbeat is what the page tells about it, but for what only the page knows.
func (v *request) heartbeat(w manage.HeartbeatHistory, open *monitor.Incident) view.Heartbeat {
	h := view.Heartbeat{
		Key: HeartbeatKey(w.Heartbeat), Name: w.Name, Description: w.Description, Status: string(w.StatusAt(v.now)),
		Editable: v.actor.May(auth.ChangeHeartbeats),
		Schedule: w.Rule.Describe(), Interval: w.Rule.Interval, Zone: RuleZone(w.Rule), Grace: w.Rule.Grace,
		MaxRunTime: w.Rule.MaxRunTime, MinRunTime: w.Rule.MinRunTime, StartGrace: w.Rule.StartGrace, AlertAfter: w.Rule.AlertAfter,
		Early: w.Rule.Early, ExpectFirstBy: w.Rule.ExpectFirstBy,
		PostOnly: w.Rule.Methods == monitor.PostOnly, ManualResume: w.Rule.ManualResume, Tags: w.Tags, Created: w.Created,
		LastPing: w.LastPing, Due: w.Due(), Deadline: w.Deadline(), LastRunTime: w.LastRunTime, RunningSince: RunningSince(w.Heartbeat),
		PausedAt: w.PausedAt, PausedBy: w.PausedBy, LastStart: w.LastStart,
	}
	if w.ID != "" && v.actor.SeesPingURLs() {
		h.PingURL = v.site.pingBase() + w.ID
	}
	if open != nil {
		h.Incident = &view.OpenIncident{ID: open.ID, Number: int(open.Number), Cause: string(open.Cause), Opened: open.OpenedAt}
	}
	return h
}

// RuleZone is where the slots of a rule are read, nil for an interval.
func RuleZone(r monitor.Rule) *time.Location {
	if r.Calendar == nil {
		return nil
	}
	zone, err := time.LoadLocation(r.Calendar.CanonicalZone())
	if err != nil {
		return time.UTC // the calendar was read with it, so this is a machine in trouble
	}
	return zone
}

// ChannelNames names the channels that a heartbeat tells, none for all.
func ChannelNames(h monitor.Heartbeat, channels []monitor.Channel) []string {
	if h.AllChannels {
		return nil
	}
	var names []string
	for _, c := range channels {
		if h.RoutesTo(c) {
			names = append(names, c.Name)
		}
	}
	return names
}

// why is the arithmetic as of now. The sentence is left out where the sum says
// the same.
func (v *request) why(h monitor.Heartbeat) view.Explanation {
	status := h.StatusAt(v.now)
	w := view.Explanation{
		Status: string(status), LastPing: h.LastPing, Interval: h.Rule.Interval, Calendar: h.Rule.Calendar != nil,
		Due: h.Due(), Grace: h.Rule.Grace, Alert: h.Deadline(), StartDeadline: h.StartDeadline(),
	}
	if !w.Alert.IsZero() {
		w.AlertingRun = w.Alert.Add(-w.Grace)
	}
	// Only the newest stretch knows which ping decided it.
	if tail := h.History.Latest; !w.LastPing.IsZero() && tail.LastPing.Equal(w.LastPing) {
		w.CountedFor = tail.Last
	}
	// A run in progress changes nothing while the heartbeat is Up.
	plain := status == monitor.Up || !h.Running()
	counted := h.CountedFrom.Equal(h.LastPing) && plain && h.ConsecutiveFailures() == 0 && !h.EarlySlot.After(h.CountedFrom) && h.Rule.AlertAfter <= 1 && h.StartDeadline().IsZero() && (h.DownCause == "" || h.DownCause == monitor.CauseMissed)
	if !h.ExpectsPings() || !counted {
		w.Decision = h.Why(v.now)
	}
	return w
}

// pingFlagTexts say what the flags of a ping mean.
var pingFlagTexts = map[string]string{
	"body_truncated": "body truncated", "body_timeout": "body truncated: it took too long", "body_aborted": "connection lost during the body",
	"run_finished": "its run had already finished", "delayed": "received while the server was suspended",
}

// PingFlagTexts returns the texts of the flags that are set.
func PingFlagTexts(f monitor.PingFlags) []string {
	var texts []string
	for _, name := range f.Names() {
		texts = append(texts, pingFlagTexts[name])
	}
	return texts
}

// eventLog is the event log as the page shows it.
func (v *request) eventLog(d manage.HeartbeatDetail, q manage.HeartbeatDetailQuery) view.EventLog {
	base := view.HeartbeatPath(HeartbeatKey(d.Heartbeat))
	l := view.EventLog{Kind: q.Kind, Total: d.EventCount, PagePath: base, ExpandFirst: true, IsOlderPage: q.Before > 0}
	for _, p := range d.Log {
		e := view.Event{
			Number: int(p.Number), Kind: string(p.Kind), At: p.At, RunTime: p.RunTime, ExitStatus: max(p.ExitCode, 0),
			Method: p.Method, Source: p.Source, UserAgent: p.UserAgent, Marks: PingFlagTexts(p.Flags), Body: PrintableText(p.Body), Truncated: int64(len(p.Body)) < p.BodySize,
			BodyPath: base + "/pings/" + strconv.FormatInt(p.Number, 10) + "/body",
		}
		l.Events = append(l.Events, e)
	}
	if d.NextBefore > 0 {
		older := url.Values{"before": {strconv.FormatInt(d.NextBefore, 10)}}
		if q.Kind != "" {
			older.Set("kind", q.Kind)
		}
		l.OlderPath = base + "?" + older.Encode() + "#log"
	}
	return l
}

// downloadBody gives out the whole body of a ping, to be kept and not to be shown:
// it holds whatever a stranger sent.
func downloadBody(v *request) error {
	n, err := strconv.ParseInt(v.r.PathValue("n"), 10, 64)
	if err != nil {
		return monitor.Faultf(monitor.NotFound, "", "There is no such ping.")
	}
	p, err := v.site.Service.Ping(v.ctx(), v.actor, v.r.PathValue("key"), n)
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="ping-`+strconv.FormatInt(n, 10)+`.txt"`)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	v.w.WriteHeader(http.StatusOK)
	_, _ = v.w.Write(p.Body) // who left early need not be told
	return nil
}

// PrintableText is a body as a page can show it.
func PrintableText(body []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, strings.ReplaceAll(strings.ToValidUTF8(string(body), "\uFFFD"), "\r\n", "\n"))
}
