package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"overdue/internal/cli/table"
	"overdue/internal/schedule"
	"overdue/internal/wire"
)

// maxSlots is the largest number of slots to print in either direction.
const maxSlots = 1000

// scheduleCmd explains a schedule without a server, as a server would.
type scheduleCmd struct {
	Lines      []string `arg:"" name:"line" help:"Cron line in quotes, or a calendar expression with --oncalendar. Several lines are one schedule."`
	OnCalendar bool     `name:"oncalendar" help:"The lines are systemd calendar expressions."`
	Timezone   string   `default:"UTC" placeholder:"ZONE" help:"Time zone, such as Europe/Berlin. Default: ${default}."`
	Count      int      `default:"5" placeholder:"N" help:"Number of slots to print in either direction, at most 1000. Default: ${default}."`
	After      string   `placeholder:"TIME" help:"Time to start from, such as 2026-03-14T02:00:00Z. Default: now."`
	JSON       bool     `name:"json" help:"Print the preview as JSON, in the format of POST /api/v1/schedules/preview."`
}

// Help is the long part of --help.
func (scheduleCmd) Help() string {
	return `Explains a schedule in words and prints the next and previous times at which it is due, and what a change of the clock does to it.

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
		return usageError("--count %d: must be 1 to %d", c.Count, maxSlots)
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
	preview := schedule.NewPreview(s, at, c.Count)
	if c.JSON {
		return printJSON(std, wire.SchedulePreview(preview, preview.Zone))
	}
	return printPreview(std, preview)
}

// linePrefix names the invalid line if there are several.
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

// printPreview writes the words, the slots in the order of time, and the changes of
// the clock.
func printPreview(std Streams, p schedule.Preview) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", p.Description)
	t := table.New(table.Column{}, table.Column{Title: "LOCAL", Keep: true}, table.Column{Title: "UTC"})
	add := func(mark string, slot time.Time) {
		t.Add(mark, slot.In(p.Zone).Format("Mon 2006-01-02 15:04:05 -07:00"), slot.Format("2006-01-02 15:04:05"))
	}
	for _, slot := range slices.Backward(p.Previous) {
		add("before", slot)
	}
	for _, slot := range p.Next {
		add("next", slot)
	}
	if err := t.Write(&b, 0); err != nil {
		return err
	}
	for _, c := range p.ClockChanges {
		fmt.Fprintf(&b, "\n%s\n", c.Describe())
	}
	return printLine(std, strings.TrimSuffix(b.String(), "\n"))
}
