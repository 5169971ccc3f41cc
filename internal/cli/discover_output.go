package cli

import (
	"fmt"
	"strings"

	"overdue/internal/cli/table"
	"overdue/internal/discover"
)

// pingLine is the line or file that makes a job ping, and its place.
type pingLine struct {
	slug, place, text string
	url               string
	created           bool
}

// lines returns the lines. A job without one is reported, because its heartbeat
// exists and expects a ping.
func (w createdHeartbeats) lines(std Streams, m discover.Machine, pinging discover.PingSettings) []pingLine {
	var all []pingLine
	for i, one := range w.pings {
		at, text, err := m.PingLine(one, pinging)
		if err != nil {
			warn(std, "%s: %v", printable(jobSource(one.Job)), err)
			continue
		}
		all = append(all, pingLine{slug: one.Job.Slug, place: at, text: text, url: one.URL, created: w.created[i]})
	}
	return all
}

// printPingLines prints the lines for people to copy.
func printPingLines(std Streams, lines []pingLine) error {
	if len(lines) == 0 {
		return printLine(std, "No job needs a line.")
	}
	for i, l := range lines {
		state := "updated"
		if l.created {
			state = "created"
		}
		gap := ""
		if i > 0 {
			gap = "\n"
		}
		text := fmt.Sprintf("%s# %s: heartbeat %s, %s\n%s", gap, l.place, l.slug, state, strings.TrimSuffix(l.text, "\n"))
		if err := printLine(std, printableText(text)); err != nil {
			return err
		}
	}
	return nil
}

// maxCommandWidth is the largest number of characters of a command in the table.
const maxCommandWidth = 40

// printJobs prints the jobs that were found.
func (c *discoverCmd) printJobs(std Streams, jobs []discover.Job, lines []pingLine) error {
	if c.JSON {
		return printJSON(std, jobsJSON(jobs, lines))
	}
	t := table.New(
		table.Column{Title: "SOURCE", Keep: true},
		table.Column{Title: "USER"},
		table.Column{Title: "SCHEDULE", Min: 12},
		table.Column{Title: "ZONE"},
		table.Column{Title: "COMMAND", Min: 12},
		table.Column{Title: "HEARTBEAT", Keep: true, Wrap: true},
	)
	for _, j := range jobs {
		source := j.Source
		if j.Line > 0 {
			source += fmt.Sprintf(":%d", j.Line)
		}
		zone := j.Zone
		if j.Interval > 0 { // an interval is the same in every zone
			zone = ""
		}
		t.Add(printable(source), printable(j.User), printable(scheduleColumn(j)), orDash(zone), printable(shortenCommand(j.Command)), printable(heartbeatColumn(j)))
	}
	return t.Write(std.Out, table.Width(std.Out))
}

// scheduleColumn returns the schedule in words, or as it is written if there are no
// words. Its zone has a separate column.
func scheduleColumn(j discover.Job) string {
	if j.Description != "" {
		words := strings.ReplaceAll(j.Description, "\u00a0", " ")
		return strings.TrimSuffix(words, ", "+j.Zone)
	}
	return shortenCommand(orDash(strings.Join(append(j.Cron, j.OnCalendar...), "; ")))
}

// heartbeatColumn returns the slug of a job, or why it gets no heartbeat.
func heartbeatColumn(j discover.Job) string {
	switch {
	case j.HasPing:
		return "already pings"
	case j.Problem != "":
		return "none: " + j.Problem
	default:
		return j.Slug
	}
}

// shortenCommand shortens a text to maxCommandWidth characters.
func shortenCommand(s string) string {
	if r := []rune(s); len(r) > maxCommandWidth {
		return string(r[:maxCommandWidth-1]) + "…"
	}
	return s
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// jobJSON is a job in --json.
type jobJSON struct {
	Source     string   `json:"source"`
	Line       *int     `json:"line"`
	User       string   `json:"user"`
	Command    string   `json:"command"`
	Cron       []string `json:"cron,omitempty"`
	OnCalendar []string `json:"oncalendar,omitempty"`
	Interval   *int64   `json:"interval,omitempty"` // seconds
	Timezone   string   `json:"timezone,omitempty"`
	Words      string   `json:"words"`
	Persistent bool     `json:"persistent,omitempty"`
	Grace      int64    `json:"grace"` // seconds
	Name       string   `json:"name"`
	Slug       string   `json:"slug"`
	Pings      bool     `json:"pings"` // already, before any change
	Problem    *string  `json:"problem"`

	PingURL *string `json:"ping_url,omitempty"` // with --create
	Place   *string `json:"place,omitempty"`    // where the line or file of Write belongs
	Write   *string `json:"write,omitempty"`    // the whole line, or the whole file
}

// jobsJSON converts jobs for --json.
func jobsJSON(jobs []discover.Job, lines []pingLine) []jobJSON {
	all := make([]jobJSON, 0, len(jobs))
	for _, j := range jobs {
		d := jobJSON{
			Source: j.Source, User: j.User, Command: j.Command, Cron: j.Cron, OnCalendar: j.OnCalendar, Timezone: j.Zone,
			Words: j.Description, Persistent: j.Persistent, Grace: int64(j.Grace.Seconds()), Name: j.Name, Slug: j.Slug, Pings: j.HasPing,
		}
		if j.Line > 0 {
			d.Line = &j.Line
		}
		if seconds := int64(j.Interval.Seconds()); seconds > 0 {
			d.Interval, d.Timezone = &seconds, ""
		}
		if j.Problem != "" {
			d.Problem = &j.Problem
		}
		for _, l := range lines {
			if l.slug == j.Slug && j.Watchable() {
				d.PingURL, d.Place, d.Write = &l.url, &l.place, &l.text
			}
		}
		all = append(all, d)
	}
	return all
}
