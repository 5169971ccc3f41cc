package monitor

import (
	"testing"
	"time"
)

// clockChangeCase is a job that follows the wall clock of a zone over a weekend with a clock
// change. runs reports whether it starts at a minute, including what the scheduler does at the
// change.
type clockChangeCase struct {
	name, line, zone string
	runs             func(local time.Time) bool
}

// clockChangeCases have the clock changes of the IANA tz database and what Debian's cron(8) does
// then.
var clockChangeCases = []struct {
	title    string
	from, to time.Time
	jobs     []clockChangeCase
}{
	{"Berlin goes forward and Lord Howe half an hour back", time.Date(2000, 3, 24, 6, 0, 0, 0, time.UTC), time.Date(2000, 3, 28, 6, 0, 0, 0, time.UTC), []clockChangeCase{
		{"daily", "0 3 * * *", "Europe/Berlin", func(l time.Time) bool { return l.Hour() == 3 && l.Minute() == 0 }},
		{"skipped", "30 2 * * *", "Europe/Berlin", func(l time.Time) bool {
			if l.Day() == 26 && l.Month() == time.March {
				return l.Hour() == 3 && l.Minute() == 0 // there is no 02:30: the job runs after the change
			}
			return l.Hour() == 2 && l.Minute() == 30
		}},
		{"often", "*/10 * * * *", "Europe/Berlin", func(l time.Time) bool { return l.Minute()%10 == 0 }},
		{"doubled", "45 1 * * *", "Australia/Lord_Howe", func(l time.Time) bool {
			_, offset := l.Zone()
			return l.Hour() == 1 && l.Minute() == 45 && (l.Day() != 26 || offset == 11*3600) // the first of two
		}},
		{"hourly", "15 * * * *", "Australia/Lord_Howe", func(l time.Time) bool { return l.Minute() == 15 }},
	}},
	{"Berlin goes back", time.Date(2000, 10, 27, 12, 0, 0, 0, time.UTC), time.Date(2000, 10, 31, 12, 0, 0, 0, time.UTC), []clockChangeCase{
		{"doubled", "30 2 * * *", "Europe/Berlin", func(l time.Time) bool {
			_, offset := l.Zone()
			return l.Hour() == 2 && l.Minute() == 30 && (l.Day() != 29 || offset == 2*3600)
		}},
		{"hourly", "5 * * * *", "Europe/Berlin", func(l time.Time) bool { return l.Minute() == 5 }},
	}},
	{"Apia leaves out a day", time.Date(2011, 12, 28, 0, 0, 0, 0, time.UTC), time.Date(2012, 1, 2, 0, 0, 0, 0, time.UTC), []clockChangeCase{
		{"daily", "0 9 * * *", "Pacific/Apia", func(l time.Time) bool { return l.Hour() == 9 && l.Minute() == 0 }},
		{"hourly", "0 * * * *", "Pacific/Apia", func(l time.Time) bool { return l.Minute() == 0 }},
	}},
}

// Healthy jobs ping over a clock change, with an evaluation every minute: no incident opens. Then
// they stop, and the incident is that of their next run.
func TestEvaluate_CronJobsAreNotMissedWhenTheClockChanges(t *testing.T) {
	const grace = 4 * time.Minute
	for _, c := range clockChangeCases {
		for _, j := range c.jobs {
			t.Run(c.title+" "+j.name, func(t *testing.T) {
				calendar, err := NewCalendar(Cron, []string{j.line}, j.zone)
				if err != nil {
					t.Fatal(err)
				}
				zone, err := time.LoadLocation(j.zone)
				if err != nil {
					t.Fatal(err)
				}
				h := Heartbeat{Status: New, Created: c.from, Rule: Rule{Calendar: calendar, Grace: grace, Early: DefaultEarly, Methods: AnyMethod}}
				now := c.from
				for ; now.Before(c.to); now = now.Add(time.Minute) {
					var change Change
					if h, change = h.Evaluate(now.Add(-Precision)); change.Opened != nil {
						t.Fatalf("%s: opened: %s", now.In(zone), change.Opened.Reason)
					}
					if j.runs(now.In(zone)) {
						h, _ = h.ApplyPing(Ping{Kind: PingSuccess, At: now, Method: "POST"}, now)
					}
				}
				for !j.runs(now.In(zone)) {
					now = now.Add(time.Minute)
				}
				if _, change := h.Evaluate(now.Add(grace - Precision)); change.Opened != nil {
					t.Errorf("opened before the deadline: %+v", change.Opened)
				}
				_, change := h.Evaluate(now.Add(grace))
				if o := change.Opened; o == nil || !o.Due.Equal(now) || !o.At.Equal(now.Add(grace)) {
					t.Errorf("opened %+v; want it due %s", o, now)
				}
			})
		}
	}
}
