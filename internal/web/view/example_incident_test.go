package view_test

import (
	"strconv"
	"time"

	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/incidentview"
	"overdue/internal/web/view/ui"
)

func exampleMonth() heartbeatview.DailyRuns {
	m := heartbeatview.DailyRuns{PagePath: "/heartbeats/" + backupID}
	seconds := []int{224, 227, 229, 233, 230, 235, 131, 221, 230, 239, 235, 0, 242, 229, 236, 0, 0, 236, 521, 243, 245, 236, 241, 243, 255, 254, 244, 249, 252, 0}
	for i, s := range seconds {
		d := heartbeatview.Day{Date: utc("2025-09-16T01:00:00Z").Add(time.Duration(i) * 24 * time.Hour), LongestRun: time.Duration(s) * time.Second}
		switch i {
		case 6:
			d.Failed, d.ExitStatus = 1, 1
		case 11:
			d.Missed = 1
		case 15, 16:
			d.Unknown = 1
		case 18:
			d.Late, d.MaxLateness = 1, 4*time.Minute+36*time.Second
		case 29:
			d.Upcoming = 1
		default:
			d.OnTime = 1
		}
		m.Days = append(m.Days, d)
	}
	return m
}

// exampleChart has the runs of the month, with a failed and a missed one.
func exampleChart() heartbeatview.RunChart {
	m := heartbeatview.RunChart{
		From: utc("2025-09-15T22:00:00Z"), To: utc("2025-10-15T22:00:00Z"), Limit: 10 * time.Minute, LimitIsSet: true, Total: 29,
		Half: 235 * time.Second, Most: 255 * time.Second, PagePath: "/heartbeats/" + backupID, OldestPing: 51, NewestPing: 58,
		NotWatched: []heartbeatview.Period{{From: utc("2025-10-01T01:00:00Z"), Until: utc("2025-10-02T01:00:00Z")}},
	}
	for i, d := range exampleMonth().Days[:29] {
		r := heartbeatview.ChartRun{Number: int64(2 + 2*i), Due: d.Date, Ended: d.Date.Add(4 * time.Second), Took: d.LongestRun, Measured: true, Exited: true, Outcome: heartbeatview.OutcomeOnTime}
		r.Started = r.Ended.Add(-r.Took)
		switch {
		case d.Failed > 0:
			r.Outcome, r.ExitStatus = heartbeatview.OutcomeFailed, d.ExitStatus
		case d.Missed > 0:
			r = heartbeatview.ChartRun{Due: d.Date, Outcome: heartbeatview.OutcomeMissed}
		case d.Unknown > 0:
			r = heartbeatview.ChartRun{Due: d.Date, Outcome: heartbeatview.OutcomeUnknown}
		case d.Late > 0:
			r.Outcome, r.LateBy = heartbeatview.OutcomeLate, d.MaxLateness
		}
		m.Runs = append(m.Runs, r)
	}
	return m
}

func exampleLog() heartbeatview.EventLog {
	const host, tool = "10.20.4.11", "curl/8.5.0"
	ping := func(at string, n int, took time.Duration, body string) heartbeatview.Event {
		return heartbeatview.Event{Number: n, Kind: "success", At: utc(at), EndsRun: true, RunTime: took, Started: utc(at).Add(-took), Exited: true, Source: host, UserAgent: tool, Method: "POST", Body: body}
	}
	return heartbeatview.EventLog{
		Total: 58, OlderPath: "/heartbeats/" + backupID + "?before=51#log", PagePath: "/heartbeats/" + backupID,
		Events: []heartbeatview.Event{
			ping("2025-10-14T01:00:04Z", 58, 252*time.Second, "pg_dump: dumped 41.8 GiB in 4m08s\nuploaded s3://kestrel-backups/pg/2025-10-14.dump.zst (9.6 GiB)\nkept 14 daily, 8 weekly, 12 monthly\nexit 0"),
			ping("2025-10-13T01:00:01Z", 56, 249*time.Second, "pg_dump: dumped 41.7 GiB in 4m05s\nexit 0"),
			{Kind: "gap", At: utc("2025-10-12T12:20:06Z"), Until: utc("2025-10-12T12:20:18Z"), Path: "/blackouts?blackout=15#blackout-15"},
			{Number: 54, Kind: "log", At: utc("2025-10-12T01:00:40Z"), Source: host, UserAgent: "pg-backup/2.3", Body: "WARN weekly verify skipped: replica lag 14 s"},
			ping("2025-10-12T01:00:03Z", 53, 250*time.Second, "pg_dump: dumped 41.7 GiB in 4m06s\nexit 0"),
			{
				Number: 51, Kind: "ignored", At: utc("2025-10-11T14:22:47Z"), Source: "2a02:8109:9ac0::5e1", Method: "GET",
				UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
			},
		},
	}
}

func line(n int, heartbeat, state, cause, opened string, down time.Duration, alerts incidentview.AlertCounts, by string) incidentview.Row {
	l := incidentview.Row{
		ID: "i" + strconv.Itoa(n), Number: n, Heartbeat: heartbeat, State: state, Cause: cause,
		Opened: utc(opened), Alerts: alerts, AcknowledgedBy: by, CanAct: true,
	}
	if state == "resolved" {
		l.Resolved = l.Opened.Add(down)
	}
	return l
}

func exampleLines() []incidentview.Row {
	sent := func(n int) incidentview.AlertCounts { return incidentview.AlertCounts{Delivered: n} }
	return []incidentview.Row{
		line(482, "Stripe payout reconciliation", "open", "missed", "2025-10-14T17:54:13Z", 0, incidentview.AlertCounts{Delivered: 6, Pending: 1}, ""),
		line(481, "Customer email digest", "acknowledged", "failure", "2025-10-14T16:03:22Z", 0, sent(3), "Tomasz Wrona"),
		line(480, "Prometheus snapshot to NAS", "resolved", "missed", "2025-10-12T05:00:12Z", 5*time.Hour+46*time.Minute, sent(4), "Priya Nair"),
		line(479, "Route optimiser, night batch", "resolved", "overran", "2025-10-08T23:00:00Z", 38*time.Minute, sent(4), ""),
		line(478, "edge-4: certificate renewal check", "resolved", "missed", "2025-10-07T12:31:55Z", 2*time.Hour+3*time.Minute, sent(4), "Tomasz Wrona"),
		line(477, "Legacy FTP pickup, Rotterdam", "resolved", "missed", "2025-10-05T08:31:40Z", 5*time.Hour+30*time.Minute, incidentview.AlertCounts{Delivered: 5, Failed: 1}, "Jonas Becker"),
		line(476, "Track and trace poller", "resolved", "missed", "2025-10-02T09:15:06Z", 7*time.Minute, sent(4), ""),
		line(475, "Nightly database backup", "resolved", "missed", "2025-09-27T01:10:03Z", 6*time.Hour+12*time.Minute, sent(4), "Mara Lindqvist"),
		line(472, "Nightly database backup", "resolved", "failure", "2025-09-22T00:58:11Z", 43*time.Minute+19*time.Second, sent(4), "Tomasz Wrona"),
	}
}

func exampleIncidents() incidentview.ListPage {
	s := exampleShell()
	s.LivePath = "/live/incidents"
	return incidentview.ListPage{
		Shell: s,
		Stats: incidentview.Stats{
			Opened: 14, TotalDown: 7*time.Hour + 12*time.Minute, LongestDown: 2 * time.Hour, MedianTimeToAcknowledge: 6 * time.Minute,
			MedianAlertDelay: 800 * time.Millisecond, AlertsDelivered: 53, Alerts: 55,
		},
		Open: 1, Acknowledged: 1, Rows: exampleLines(),
		Pager: ui.Pager{First: 1, Last: 9, Total: 482, Next: "/incidents?after=472"},
	}
}

func exampleIncident() incidentview.DetailPage {
	h := incidentview.Heartbeat{
		Key: "dd313d64-340f-4f48-ae72-e45fb3ceb34f", Name: "Stripe payout reconciliation", Schedule: "every 1\u00a0h",
		Interval: time.Hour, Grace: 10 * time.Minute,
		LastPing: utc("2025-10-14T16:44:13Z"), Due: utc("2025-10-14T17:44:13Z"), Alert: utc("2025-10-14T17:54:13Z"),
	}
	at := func(s string) time.Time { return utc("2025-10-14T" + s + "Z") }
	return incidentview.DetailPage{
		Shell: exampleShell(), ID: "i482", Number: 482, State: "open", Cause: "missed", Heartbeat: h,
		Opened: h.Alert, Detected: h.Alert, FirstAlert: 800 * time.Millisecond, CanAct: true,
		Timeline: []incidentview.TimelineEntry{
			{At: at("16:44:13"), Icon: "k-ping", Tone: "up", Title: "Last ping", Text: "Took 38s, from", Code: "10.20.4.17"},
			{At: at("17:44:13"), Icon: "st-late", Tone: "late", Title: "Due", Status: "Late", Text: "No ping after 1h. Grace of 10m begins."},
			{At: at("17:54:13"), Icon: "st-down", Tone: "down", Title: "Incident opened", Status: "Down", Text: "Grace ran out. Cause: missed ping. Alerts go to 5 channels."},
			{At: at("17:54:14"), Icon: "dl-ok", Tone: "delivered", Title: "Alert delivered to Slack in 0.8\u00a0s", Text: "#ops-alerts"},
			{At: at("17:54:23"), Icon: "dl-retry", Tone: "retrying", Title: "Alert to PagerDuty not delivered, will retry", Text: "Freight primary answered 503 after 10.0\u00a0s. Next attempt in 10s."},
			{At: at("17:54:33"), Icon: "dl-ok", Tone: "delivered", Title: "Alert delivered to PagerDuty on attempt 2", Text: "Freight primary, 0.4\u00a0s"},
			{At: at("18:31:07"), Icon: "note", Title: "Note by Priya Nair", Quote: "Stripe’s status page shows delayed balance reports since 19:20. Their side. Leaving this open until the 22:00 run."},
			{At: at("19:57:53"), Icon: "dl-retry", Tone: "retrying", Title: "Alert to ntfy not delivered after 14 attempts", Text: "Warehouse tablet: connection refused since 19:54:13. Next attempt at 22:12:53."},
		},
		WaitingFor: "The next successful ping resolves this incident. Next reminder at 23:54:13.",
		Deliveries: []ui.Delivery{
			{Channel: "#ops-alerts", Kind: "Slack", Message: "Down", State: "sent", Attempts: 1, Latency: 800 * time.Millisecond, Response: "200 ok"},
			{Channel: "On-call email", Kind: "Email", Message: "Down", State: "sent", Attempts: 1, Latency: 1900 * time.Millisecond, Response: "250 queued as 4XkQ2z"},
			{Channel: "Freight primary", Kind: "PagerDuty", Message: "Down", State: "sent", Attempts: 2, Latency: 400 * time.Millisecond, Response: "202 Event processed"},
			{Channel: "Warehouse tablet", Kind: "ntfy", Message: "Down", State: "retrying", Attempts: 14, Response: "connection refused", NextAttempt: at("20:12:53")},
		},
		Runbook: "wiki/payouts", PreviousText: "No incident in 41 days",
		Explanation: &ui.Explanation{Status: "down", LastPing: h.LastPing, Interval: h.Interval, Due: h.Due, Grace: h.Grace, Alert: h.Alert},
		PrintURL:    "https://overdue.kestrel.example/incidents/i482",
	}
}

func exampleResolved() incidentview.DetailPage {
	p := exampleIncident()
	at := func(s string) time.Time { return utc("2025-09-22T" + s + "Z") }
	p.ID, p.Number, p.State, p.Cause, p.Resolution, p.WaitingFor = "i472", 472, "resolved", "failure", "recovered", ""
	p.Heartbeat = incidentview.Heartbeat{Key: backupID, Name: "Nightly database backup", Schedule: "every 24\u00a0h", Grace: 10 * time.Minute}
	p.Opened, p.Detected, p.Resolved, p.Acknowledged = at("00:58:11"), at("00:58:11"), at("01:41:30"), at("01:06:40")
	p.AcknowledgedBy, p.FirstAlert, p.ExitStatus = "Tomasz Wrona", 700*time.Millisecond, 1
	p.Timeline = []incidentview.TimelineEntry{
		{At: at("00:56:00"), Icon: "k-start", Tone: "running", Title: "Run started", Text: "From", Code: "10.20.4.11"},
		{At: at("00:58:11"), Icon: "k-fail", Tone: "down", Title: "Failure reported, exit status 1", Quote: `pg_dump: error: connection to server at "10.20.4.30" failed: FATAL: the database system is shutting down`, Output: true},
		{At: at("00:58:11"), Icon: "st-down", Tone: "down", Title: "Incident opened", Status: "Down", Text: "Cause: reported failure. Alerts go to 3 channels."},
		{At: at("01:06:40"), Icon: "in-ack", Tone: "acknowledged", Title: "Acknowledged by Tomasz Wrona", Text: "From the Slack message. Reminders stop."},
		{At: at("01:41:30"), Icon: "st-up", Tone: "up", Title: "Recovered", Status: "Up", Text: "A ping arrived, the run took 4m 16s. Incident resolved."},
	}
	p.Deliveries = p.Deliveries[:3]
	p.Runbook, p.PreviousText, p.Explanation = "wiki/backups", "", nil
	p.NextIncident = &incidentview.Related{ID: "i475", Number: 475, Cause: "missed"}
	return p
}

func exampleAcknowledge() incidentview.AcknowledgePage {
	return incidentview.AcknowledgePage{
		SignedOutShell: exampleSignedOut(), Number: 482, Heartbeat: "Stripe payout reconciliation", Cause: "missed", State: "open",
		Opened: utc("2025-10-14T17:54:13Z"), Action: "/acknowledge/7f3a.c9", By: "on-call@kestrel.example", IncidentPath: "/incidents/i482",
	}
}

// exampleBlackouts has a blackout of every kind: open with a notice, minor, and without an effect.
func exampleBlackouts() incidentview.BlackoutsPage {
	p := incidentview.BlackoutsPage{
		Shell: exampleShell(), Since: utc("2025-07-16T20:09:04Z"), OlderPath: "/blackouts?before=11",
		Stats: incidentview.BlackoutStats{Count: 3, Total: 42*time.Hour + 46*time.Minute, Longest: 42*time.Hour + 31*time.Minute, Unknown: 66, Last: utc("2025-10-12T12:20:18Z")},
		Rows: []incidentview.BlackoutRow{
			{Number: 15, From: utc("2025-10-12T12:20:06Z"), To: utc("2025-10-12T12:20:18Z"), Cause: "upgrade", Detail: "Stopped with version 1.3.2, started again with version 1.4.0.", Moved: 3},
			{
				Number: 14, From: utc("2025-09-30T21:10:02Z"), To: utc("2025-10-02T15:41:10Z"), Cause: "crash", Detail: "The server ended without a stop: it was killed, it crashed, its machine failed, or a backup was restored.",
				Unknown: 66, Open: true, Noticeable: true, AllPath: "/blackouts?blackout=14#blackout-14",
				Heartbeats: []incidentview.BlackoutHeartbeat{
					{Key: "a", Name: "Nightly route optimisation", Unknown: true, Due: utc("2025-10-01T00:00:00Z"), Next: utc("2025-10-03T00:00:00Z")},
					{Key: "b", Name: "prod_eu_central_1_customer_database_incremental_backup_to_offsite_storage_v2_with_checksum_verify_x2", Unknown: true, Due: utc("2025-09-30T22:00:00Z"), Next: utc("2025-10-02T16:00:00Z")},
					{Key: "c", Name: "\u202e<b>GDPR", Next: utc("2025-10-02T16:41:10Z")},
				},
				Notice: &incidentview.BlackoutNotice{
					At: utc("2025-10-02T15:41:22Z"), Title: "[Not watching] Overdue was not watching from Tue 30 Sep 23:10 to 17:41 CEST",
					Text:      "Overdue was not watching from Tue 30 Sep 23:10:02 to 17:41:10 CEST (1d 18h). These heartbeats were due in that time and cannot be evaluated: Nightly route optimisation and 65 more.",
					Facts:     []ui.Option{{Label: "Evaluated again", Value: "Nightly route optimisation from Fri 3 Oct 02:00:00"}, {Label: "Times in", Value: "Europe/Berlin"}},
					Delivered: []string{"#ops-alerts", "On-call email"}, Failed: []string{"Warehouse tablet"},
				},
			},
			{Number: 13, From: utc("2025-09-03T02:12:40Z"), To: utc("2025-09-03T02:12:40Z"), Cause: "clock", Detail: "The clock was set back by 30s."},
		},
	}
	for _, r := range p.Rows {
		p.Marks = append(p.Marks, incidentview.BlackoutMark{Number: r.Number, From: r.From, To: r.To, Cause: r.Cause})
	}
	return p
}
