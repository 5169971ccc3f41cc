package cli

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"overdue/internal/schedule"
)

// maxSlots bounds what is printed.
const maxSlots = 1000

// scheduleCmd says what a schedule means. It asks no server: what it prints is what
// the server would say of the same schedule.
type scheduleCmd struct {
	Lines      []string `arg:"" name:"line" help:"Cron line in quotes, or a calendar expression with --oncalendar; several are one schedule."`
	OnCalendar bool     `name:"oncalendar" help:"The lines are systemd calendar expressions."`
	Timezone   string   `default:"UTC" placeholder:"ZONE" help:"Time zone, such as Europe/Berlin. Default: UTC."`
	Count      int      `default:"5" placeholder:"N" help:"How many slots to print in either direction. Default: 5."`
	After      string   `placeholder:"TIME" help:"Moment to look from, such as 2026-03-14T02:00:00Z. Default: now."`
}

// Help is the long part of --help.
func (scheduleCmd) Help() string {
	return `Says a schedule in words and prints when it is due, next and before, with what a change of the clock does to it. It needs no server.

Examples:

    overdue schedule "0 3 * * 1-5" --timezone Europe/Berlin
    overdue schedule --oncalendar "Mon..Fri 03:00" --timezone America/New_York --count 10`
}

// Run prints the schedule.
func (c *scheduleCmd) Run(std Streams) error {
	at := time.Now()
	if c.After != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, c.After); err != nil {
			return usageError("--after %s: write a time with its offset, such as 2026-03-14T02:00:00Z", c.After)
		}
	}
	if c.Count < 1 || c.Count > maxSlots {
		return usageError("--count %d: ask for 1 to %d slots", c.Count, maxSlots)
	}
	zone, err := schedule.CanonicalZone(c.Timezone)
	if err != nil {
		return usageError("--timezone: %w", err)
	}
	read := schedule.Cron
	if c.OnCalendar {
		read = schedule.OnCalendar
	}
	s, err := read(c.Lines, zone)
	if err != nil {
		return usageError("%s%w%s", c.linePrefix(err), err, c.suggestions(err))
	}
	return printOutlook(std, schedule.NewPreview(s, at, c.Count))
}

// linePrefix names the line at fault, if there are several.
func (c *scheduleCmd) linePrefix(err error) string {
	if p, ok := errors.AsType[*schedule.Problem](err); ok && p.Line > 0 && len(c.Lines) > 1 {
		return fmt.Sprintf("line %d: ", p.Line)
	}
	return ""
}

// suggestions returns the commands that show the suggested schedules, one per line.
func (c *scheduleCmd) suggestions(err error) string {
	p, ok := errors.AsType[*schedule.Problem](err)
	if !ok {
		return ""
	}
	var b strings.Builder
	for _, s := range p.Suggestions {
		switch s.Kind {
		case schedule.KindInterval:
			fmt.Fprintf(&b, "\n  interval %s, for heartbeats create --interval", s.Text)
		case schedule.KindOnCalendar:
			fmt.Fprintf(&b, "\n  overdue schedule --oncalendar %q", s.Text)
		default:
			fmt.Fprintf(&b, "\n  overdue schedule %q", s.Text)
		}
		if s.Zone != "" {
			b.WriteString(" --timezone " + s.Zone)
		}
		fmt.Fprintf(&b, " (%s)", s.Dialect)
	}
	return b.String()
}

// printOutlook writes the words, the slots in the order of time, and the changes.
func printOutlook(std Streams, o schedule.Preview) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", o.Description)
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "\tLOCAL\tUTC") // writes to memory do not fail
	row := func(mark string, slot time.Time) {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", mark, slot.In(o.Zone).Format("Mon 2006-01-02 15:04:05 -07:00"), slot.Format("2006-01-02 15:04:05"))
	}
	for i := range o.Previous {
		row("before", o.Previous[len(o.Previous)-1-i])
	}
	for _, slot := range o.Next {
		row("next", slot)
	}
	_ = w.Flush()
	for _, c := range o.ClockChanges {
		fmt.Fprintf(&b, "\n%s\n", c.Describe())
	}
	return printLine(std, strings.TrimSuffix(b.String(), "\n"))
}
