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

// justSaved is the query that Save leads to, so that the page greets a new
// heartbeat.
const justSaved = "?saved=1"

// detailQuery is which part of the log an address asks for.
func detailQuery(q url.Values) manage.DetailQuery {
	before, err := strconv.ParseInt(q.Get("before"), 10, 64)
	if err != nil || before < 0 {
		before = 0 // an address that somebody mended shows the newest
	}
	return manage.DetailQuery{Kind: q.Get("kind"), Before: before}
}

// showHeartbeat is the page of one heartbeat.
func showHeartbeat(v *visit) error {
	q := v.r.URL.Query()
	query := detailQuery(q)
	d, err := v.site.Desk.Detail(v.ctx(), v.actor, v.r.PathValue("key"), query)
	if err != nil {
		return err
	}
	page := v.heartbeatPage(d, query)
	parts, err := v.marked(page.Living())
	if err != nil {
		return err
	}
	parts = append(parts, shown{d.Ref, mark(heroFacts(page.Heartbeat))})
	page.Shell = v.shell(liveAt("/live/heartbeats/"+d.Ref, only(q, "kind", "before"), parts))
	page.Saved = q.Get("saved") != ""
	return v.show(view.HeartbeatDetail(page))
}

// heartbeatPage is what the page tells, but for what surrounds it.
func (v *visit) heartbeatPage(d manage.Detail, q manage.DetailQuery) view.HeartbeatPage {
	all := runs(d.Watched, v.now)
	page := view.HeartbeatPage{
		Heartbeat: v.heartbeat(d.Watched, d.Open),
		Why:       v.why(d.Heartbeat), Month: month(all, d.Rule.MaxRunTime, v.clock),
		Log: v.log(d, q), Opened: d.Opened, Stats: stats(all, d.Outages, v.now),
	}
	page.Why.Hint = d.Hint
	if d.Shown(v.now) == monitor.Down && failed(d.Cause) {
		page.Why.Failed, page.Heartbeat.Failed = d.LastPing, d.LastPing
		for _, p := range d.Watched.Pings {
			if p.At.Equal(d.LastPing) {
				page.Why.Exit = max(p.ExitCode, 0)
			}
		}
	}
	page.Untold = v.untold(len(d.Channels))
	page.Heartbeat.CreatedBy, page.Heartbeat.AllChannels = d.CreatedBy, len(d.Channels)
	page.Heartbeat.Channels = namesOf(d.Heartbeat, d.Channels)
	page.Clock = v.clock
	for _, i := range d.Incidents {
		page.Incidents = append(page.Incidents, line(i, manage.Alerts{}))
	}
	page.Failing = failingNames(d.NotDelivering)
	return page
}

// heartbeat is what the page tells about it, but for what only the page knows.
func (v *visit) heartbeat(w manage.Watched, open *monitor.Incident) view.Heartbeat {
	h := view.Heartbeat{
		Key: keyOf(w.Heartbeat), Name: w.Name, Description: w.Description, Status: string(w.Shown(v.now)),
		Editable: v.actor.May(auth.ChangeHeartbeats),
		Schedule: w.Rule.Words(), Interval: w.Rule.Interval, Zone: zoneOf(w.Rule), Grace: w.Rule.Grace,
		MaxRunTime: w.Rule.MaxRunTime, MinRunTime: w.Rule.MinRunTime, StartGrace: w.Rule.StartGrace, AlertAfter: w.Rule.AlertAfter,
		Early: w.Rule.Early, FirstPing: w.Rule.ExpectFirstBy,
		PostOnly: w.Rule.Methods == monitor.PostOnly, StaysPaused: w.Rule.ManualResume, Tags: w.Tags, Created: w.Created,
		LastPing: w.LastPing, Due: w.Due(), Deadline: w.Deadline(), LastTook: w.RunTime, RunningSince: runningSince(w.Heartbeat),
		PausedAt: w.PausedAt, PausedBy: w.PausedBy, LastStart: w.Began,
	}
	if w.ID != "" && v.actor.SeesPingURLs() {
		h.PingURL = v.site.pingBase() + w.ID
	}
	if open != nil {
		h.Incident = &view.OpenIncident{ID: open.ID, Number: int(open.Number), Cause: string(open.Cause), Opened: open.Opened}
	}
	return h
}

// zoneOf is where the slots of a rule are read, nil for an interval.
func zoneOf(r monitor.Rule) *time.Location {
	if r.Calendar == nil {
		return nil
	}
	zone, err := time.LoadLocation(r.Calendar.ZoneToday())
	if err != nil {
		return time.UTC // the calendar was read with it, so this is a machine in trouble
	}
	return zone
}

// namesOf names the channels that a heartbeat tells, none for all.
func namesOf(h monitor.Heartbeat, channels []monitor.Channel) []string {
	if h.AllChannels {
		return nil
	}
	var names []string
	for _, c := range channels {
		if h.Told(c) {
			names = append(names, c.Name)
		}
	}
	return names
}

// why is the arithmetic as of now. The sentence is left out where the sum says
// the same.
func (v *visit) why(h monitor.Heartbeat) view.Why {
	status := h.Shown(v.now)
	w := view.Why{
		Status: string(status), LastPing: h.LastPing, Interval: h.Rule.Interval, Calendar: h.Rule.Calendar != nil,
		Due: h.Due(), Grace: h.Rule.Grace, Alert: h.Deadline(), StartBy: h.StartBy(),
	}
	if !w.Alert.IsZero() {
		w.Chance = w.Alert.Add(-w.Grace)
	}
	// Only the newest stretch knows which ping decided it.
	if tail := h.Ledger.Tail; !w.LastPing.IsZero() && tail.At.Equal(w.LastPing) {
		w.Counted = tail.Last
	}
	// A run in progress changes nothing while the heartbeat is Up.
	plain := status == monitor.Up || !h.Running()
	counted := h.From.Equal(h.LastPing) && plain && h.BadRuns() == 0 && !h.Slot.After(h.From) && h.Rule.AlertAfter <= 1 && h.StartBy().IsZero() && (h.Cause == "" || h.Cause == monitor.Missed)
	if !h.Judged() || !counted {
		w.Decision = h.Why(v.now)
	}
	return w
}

// markTexts say what the flags of a ping mean.
var markTexts = map[string]string{
	"body_truncated": "body truncated", "body_timeout": "body truncated: it took too long", "body_aborted": "connection lost during the body",
	"run_finished": "its run had already finished", "delayed": "received while the server was suspended",
}

// marks returns the texts of the flags that are set.
func marks(f monitor.PingFlags) []string {
	var texts []string
	for _, name := range f.Names() {
		texts = append(texts, markTexts[name])
	}
	return texts
}

// log is the event log as the page shows it.
func (v *visit) log(d manage.Detail, q manage.DetailQuery) view.Log {
	base := view.HeartbeatPath(keyOf(d.Heartbeat))
	l := view.Log{Kind: q.Kind, Total: d.Events, Base: base, OpenFirst: true, Past: q.Before > 0}
	for _, p := range d.Log {
		e := view.Event{
			N: int(p.N), Kind: string(p.Kind), At: p.At, Took: p.RunTime, Exit: max(p.ExitCode, 0),
			Method: p.Method, Source: p.Source, Agent: p.UserAgent, Marks: marks(p.Flags), Body: legible(p.Body), Cut: int64(len(p.Body)) < p.BodySize,
			BodyPath: base + "/pings/" + strconv.FormatInt(p.N, 10) + "/body",
		}
		l.Events = append(l.Events, e)
	}
	if d.Older > 0 {
		older := url.Values{"before": {strconv.FormatInt(d.Older, 10)}}
		if q.Kind != "" {
			older.Set("kind", q.Kind)
		}
		l.Older = base + "?" + older.Encode() + "#log"
	}
	return l
}

// sendBody gives out the whole body of a ping, to be kept and not to be shown:
// it holds whatever a stranger sent.
func sendBody(v *visit) error {
	n, err := strconv.ParseInt(v.r.PathValue("n"), 10, 64)
	if err != nil {
		return monitor.Wrong(monitor.Missing, "", "There is no such ping.")
	}
	p, err := v.site.Desk.Ping(v.ctx(), v.actor, v.r.PathValue("key"), n)
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

// legible is a body as a page can show it.
func legible(body []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, strings.ReplaceAll(strings.ToValidUTF8(string(body), "\uFFFD"), "\r\n", "\n"))
}
