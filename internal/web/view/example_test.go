package view_test

import (
	"time"
	_ "time/tzdata" // Berlin, also on a machine without zone files

	"github.com/a-h/templ"

	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// The example is a freight company on a Tuesday evening. The tests and the gallery
// render every page with it.

const (
	backupID  = "fdc21dc3-1307-4610-80fe-b809fc4c10c1"
	backupURL = "https://overdue.kestrel.example/api/v1/hb/" + backupID
	pingBase  = "https://overdue.kestrel.example/api/v1/hb/"
)

// utc parses a time of the example; a mistake shows as the zero time.
func utc(s string) time.Time {
	t, _ := time.Parse(time.RFC3339, s)
	return t
}

// runs parses a strip: one letter per outcome.
func runs(letters string) heartbeatview.RunStrip {
	outcomes := map[rune]string{
		'.': heartbeatview.OutcomeOnTime, 'l': heartbeatview.OutcomeLate, 'f': heartbeatview.OutcomeFailed, 'm': heartbeatview.OutcomeMissed,
		'u': heartbeatview.OutcomeUnknown, '+': heartbeatview.OutcomeUpcoming, 'r': heartbeatview.OutcomeRunning,
	}
	var s heartbeatview.RunStrip
	for _, l := range letters {
		s = append(s, outcomes[l])
	}
	return s
}

// sparklineOf returns run times from seconds.
func sparklineOf(seconds ...int) heartbeatview.DurationSparkline {
	var s heartbeatview.DurationSparkline
	for _, n := range seconds {
		s = append(s, time.Duration(n)*time.Second)
	}
	return s
}

// berlin is the zone of the project.
func berlin() *time.Location {
	z, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return time.UTC
	}
	return z
}

func exampleClock() ui.Clock {
	return ui.Clock{Now: utc("2025-10-14T20:09:04Z"), Zone: berlin()}
}

func exampleShell() layout.Shell {
	production := layout.Project{ID: "p1", Name: "Production", Heartbeats: 1284}
	return layout.Shell{
		Clock:   exampleClock(),
		Project: production,
		Projects: []layout.Project{
			production, {ID: "p2", Name: "Staging", Heartbeats: 86}, {ID: "p3", Name: "Warehouse devices", Heartbeats: 412},
		},
		User: layout.User{Name: "Mara Lindqvist", Email: "mara@kestrel.example", Role: "owner"},
		Down: 2, Unresolved: 2, FailingChannels: 1, Version: "1.0.0",
	}
}

// viewerShell is the same project for a viewer.
func viewerShell() layout.Shell {
	s := exampleShell()
	s.User = layout.User{Name: "Jonas Becker", Email: "jonas@kestrel.example", Role: "viewer"}
	return s
}

func exampleSignedOut() layout.SignedOutShell {
	return layout.SignedOutShell{Clock: exampleClock(), Version: "1.0.0"}
}

func exampleHeartbeats() heartbeatview.ListPage {
	s := exampleShell()
	s.LivePath = "/live/heartbeats"
	return heartbeatview.ListPage{
		Shell:    s,
		Counts:   heartbeatview.StatusCounts{All: 1284, Down: 2, Late: 3, New: 2, Up: 1274, Paused: 3, Running: 11},
		NextHour: exampleHour(),
		Tags: []heartbeatview.TagCount{
			{Tag: "billing", Count: 64},
			{Tag: "backup", Count: 118},
			{Tag: "customs", Count: 41},
			{Tag: "edge", Count: 230},
			{Tag: "carriers", Count: 37},
			{Tag: "containers", Count: 22},
			{Tag: "finance", Count: 58},
			{Tag: "kubernetes", Count: 94},
			{Tag: "mail", Count: 16},
			{Tag: "reports", Count: 71},
			{Tag: "search", Count: 12},
			{Tag: "warehouse", Count: 133},
		},
		TagTotal:      28,
		Rows:          exampleRows(),
		Pager:         ui.Pager{First: 1, Last: 25, Total: 1284, Next: "/heartbeats?after=q7m4x9t2"},
		PingURLPrefix: pingBase,
		PrintPath:     "/heartbeats?per=all",
		Channels:      []ui.Option{{Value: "c1", Label: "#ops-alerts"}, {Value: "c2", Label: "On-call email"}},
	}
}

func examplePrint() heartbeatview.PrintPage {
	l := exampleHeartbeats()
	for i := range l.Rows {
		l.Rows[i].Editable = false
	}
	return heartbeatview.PrintPage{
		Shell: exampleShell(), Filter: heartbeatview.Filter{Status: "down", Tags: []string{"billing"}, Query: "night", Running: true},
		Rows: l.Rows, Total: 1284, Address: "https://overdue.kestrel.example/heartbeats?per=all", ListPath: "/heartbeats",
	}
}

func exampleEmpty() heartbeatview.EmptyListPage {
	s := exampleShell()
	s.Project = layout.Project{ID: "p4", Name: "Cold storage"}
	s.Down, s.Unresolved, s.FailingChannels = 0, 0, 0
	return heartbeatview.EmptyListPage{Shell: s, PingURLPrefix: pingBase, Interval: ui.Input{Value: "24h"}, Grace: ui.Input{Value: "30m"}}
}

func zones() []string {
	return []string{"Europe/Berlin", "Europe/London", "UTC", "America/New_York", "Asia/Tokyo"}
}

func exampleForm() heartbeatview.FormPage {
	c := exampleClock()
	var next []time.Time
	for i := range 5 {
		next = append(next, c.Now.Add(time.Duration(i+1)*24*time.Hour))
	}
	p := heartbeatview.FormPage{
		Shell: exampleShell(),
		Form: heartbeatview.FormValues{
			Name: ui.Input{Value: "Nightly database backup"}, Schedule: "interval",
			Interval: ui.Input{Value: "24h"}, Grace: ui.Input{Value: "30m"},
			CronZone: ui.Input{Value: "Europe/Berlin"}, OnCalendarZone: ui.Input{Value: "Europe/Berlin"}, Tags: ui.Input{Value: "backup, db"},
		},
		Preview: heartbeatview.Preview{
			Schedule: "every 24\u00a0h", Grace: 30 * time.Minute, Channels: "all 7 channels",
			From: c.Now, Due: next[0], Alert: next[0].Add(30 * time.Minute), Next: next,
		},
		Zones: zones(),
	}
	for i, ch := range exampleChannels() {
		p.Channels = append(p.Channels, heartbeatview.ChannelOption{ID: ch.ID, Name: ch.Name, Kind: ch.Kind.Label, Selected: i < 2})
	}
	return p
}

// exampleCron is the same heartbeat with a cron schedule.
func exampleCron() heartbeatview.FormPage {
	p := exampleForm()
	p.Form.Schedule, p.Form.ScheduleText = "cron", "at 03:00 every day, Europe/Berlin"
	p.Form.Cron.Value = "0 3 * * *"
	first := utc("2025-10-15T01:00:00Z")
	p.Preview.Schedule, p.Preview.Zone, p.Preview.Calendar = p.Form.ScheduleText, berlin(), true
	p.Preview.Due, p.Preview.Alert, p.Preview.EarlyFrom = first, first.Add(30*time.Minute), first.Add(-5*time.Minute)
	for i := range p.Preview.Next {
		p.Preview.Next[i] = first.AddDate(0, 0, i)
		p.Preview.Previous = append(p.Preview.Previous, first.AddDate(0, 0, -1-i))
	}
	p.Preview.ClockChanges = []string{"The clock goes back on Sunday 26 October 2025. Runs keep their local time, and their UTC time changes."}
	return p
}

// exampleAdvanced is a calendar with every rule set.
func exampleAdvanced() heartbeatview.FormPage {
	p := exampleCron()
	p.Form.Schedule, p.Form.OnCalendar.Value = "oncalendar", "Mon..Fri 03:00\nSat,Sun 04:00"
	p.Form.MaxRunTime.Value, p.Form.MinRunTime.Value, p.Form.StartGrace.Value = "45m", "2m", "10m"
	p.Form.AlertAfter.Value, p.Form.Early.Value, p.Form.ExpectFirstBy.Value = "3", "5m", "2025-10-16T12:00"
	p.Form.PostOnly = true
	due := p.Preview.Due
	p.Preview.StartDeadline, p.Preview.MaxRunTime, p.Preview.MinRunTime = due.Add(10*time.Minute), 45*time.Minute, 2*time.Minute
	p.Preview.AlertAfter, p.Preview.ExpectFirstBy, p.Preview.Alert = 3, utc("2025-10-16T10:00:00Z"), due.AddDate(0, 0, 2).Add(30*time.Minute)
	return p
}

// exampleFinished is a calendar without future runs.
func exampleFinished() heartbeatview.FormPage {
	p := exampleCron()
	p.Form.Cron.Error = "Line 2: hour 25 is out of range: hours go from 0 to 23."
	p.Preview.Due, p.Preview.Next = time.Time{}, nil
	return p
}

// exampleErrors is the form with errors.
func exampleErrors() heartbeatview.FormPage {
	p := exampleForm()
	p.Key, p.Title = backupID, "Nightly database backup"
	p.Form.Interval = ui.Input{Value: "1 fortnight", Error: "Write a duration, such as 90m, 24h or 1d 12h."}
	p.Form.SelectedChannelsOnly = true
	p.Preview = heartbeatview.Preview{}
	return p
}

func exampleBackup() heartbeatview.Heartbeat {
	return heartbeatview.Heartbeat{
		Key: backupID, PingURL: backupURL, Name: "Nightly database backup", Status: "up", Editable: true,
		Description: "Full dump of the freight database to object storage. Runbook: wiki/backups.",
		Schedule:    "every 24\u00a0h", Interval: 24 * time.Hour, Grace: 10 * time.Minute, MaxRunTime: 10 * time.Minute,
		PostOnly: true, Tags: []string{"backup", "db"}, Channels: []string{"#ops-alerts", "On-call email", "Freight primary"},
		ProjectChannels: 7, Created: utc("2024-11-11T09:00:00Z"), CreatedBy: "Mara Lindqvist",
		LastPing: utc("2025-10-14T01:00:04Z"), Due: utc("2025-10-15T01:00:04Z"), Deadline: utc("2025-10-15T01:10:04Z"), AlertAt: utc("2025-10-15T01:10:04Z"),
		LastRunTime: 4*time.Minute + 12*time.Second,
	}
}

func exampleDetail() heartbeatview.DetailPage {
	h := exampleBackup()
	return heartbeatview.DetailPage{
		Shell:     exampleShell(),
		Heartbeat: h,
		Explanation: ui.Explanation{
			Status: "up", LastPing: h.LastPing, Interval: h.Interval, Due: h.Due, Grace: h.Grace, Alert: h.Deadline,
			Decision: "The deadline counts from the last ping. A failure, or a run over 10m, opens an incident at once.",
		},
		DailyRuns:     exampleMonth(),
		Chart:         exampleChart(),
		Log:           exampleLog(),
		Incidents:     exampleLines()[7:9],
		IncidentCount: 2,
		Stats: heartbeatview.RunStats{
			Good: 24, Late: 1, Watched: 27, UsualRunTime: 4*time.Minute + 6*time.Second, MostRunTime: 4*time.Minute + 15*time.Second, SlowestRunTime: 8*time.Minute + 41*time.Second,
			TimeDown: 6*time.Hour + 55*time.Minute, NotWatched: 2,
		},
	}
}

// exampleCreated is the page that follows Save.
func exampleCreated() heartbeatview.DetailPage {
	h := exampleBackup()
	h.Status, h.Description, h.PostOnly, h.Channels, h.Tags = "new", "", false, nil, nil
	h.LastPing, h.Due, h.Deadline, h.Created = time.Time{}, time.Time{}, time.Time{}, exampleClock().Now
	return heartbeatview.DetailPage{
		Shell: exampleShell(), Heartbeat: h, JustCreated: true,
		Explanation: ui.Explanation{Status: "new", Interval: h.Interval, Grace: h.Grace},
	}
}

// exampleViewer is the detail page for a viewer.
func exampleViewer() heartbeatview.DetailPage {
	p := exampleDetail()
	p.Shell = viewerShell()
	p.Heartbeat.Key, p.Heartbeat.PingURL, p.Heartbeat.Editable = "hbr_3f0a91c4d27e", "", false
	p.DailyRuns.PagePath, p.Chart.PagePath = "/heartbeats/hbr_3f0a91c4d27e", "/heartbeats/hbr_3f0a91c4d27e"
	p.Log.PagePath, p.Log.OlderPath = "/heartbeats/hbr_3f0a91c4d27e", "/heartbeats/hbr_3f0a91c4d27e?before=51#log"
	return p
}

func exampleStatus(status string) heartbeatview.DetailPage {
	p := exampleDetail()
	h := &p.Heartbeat
	h.Status, p.Explanation.Status = status, status
	switch status {
	case "late":
		h.Due, h.Deadline = utc("2025-10-14T20:05:00Z"), utc("2025-10-14T20:15:00Z")
		h.AlertAt, h.RunningSince = h.Deadline, utc("2025-10-14T20:08:16Z")
	case "down":
		h.Due, h.Deadline = utc("2025-10-14T17:05:00Z"), utc("2025-10-14T17:15:00Z")
		h.Incident = &heartbeatview.OpenIncident{ID: "i482", Number: 482, Cause: "missed", Opened: h.Deadline}
	case "paused":
		h.Due, h.Deadline = time.Time{}, time.Time{}
		h.PausedAt, h.PausedBy = utc("2025-10-11T07:12:00Z"), "Priya Nair"
	}
	return p
}

// exampleCalendar is a heartbeat with a calendar in a zone that differs from that of
// the project, and every rule set.
func exampleCalendar() heartbeatview.DetailPage {
	p := exampleDetail()
	h := &p.Heartbeat
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err) // time/tzdata is linked in
	}
	h.Schedule, h.Interval, h.Zone = "at 03:00 on weekdays, America/New_York", 0, zone
	h.MinRunTime, h.StartGrace, h.AlertAfter, h.Early = 2*time.Minute, 5*time.Minute, 3, 90*time.Second
	h.LastPing, h.Due, h.Deadline = utc("2025-10-14T06:59:52Z"), utc("2025-10-15T07:00:00Z"), utc("2025-10-17T07:10:00Z")
	p.Explanation = ui.Explanation{
		Status: "up", LastPing: h.LastPing, Calendar: true, CountedFor: utc("2025-10-14T07:00:00Z"), Due: h.Due, Grace: h.Grace, Alert: h.Deadline,
		AlertingRun: utc("2025-10-17T07:00:00Z"), StartDeadline: utc("2025-10-15T07:05:00Z"),
		ZoneHint: "Your pings arrive about 2 h after each slot: is the time zone America/New_York right?",
	}
	return p
}

func markup(html string) templ.Component { return templ.Raw(html) }
