package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"overdue/client"
	duration "overdue/internal/schedule"
)

// writeHeartbeatTable prints heartbeats for people. Times are in the zone of the reader, but those of a
// calendar in its own.
func writeHeartbeatTable(out io.Writer, all []client.Heartbeat) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "STATUS\tNAME\tSCHEDULE\tDUE\tID") // errors come out at Flush
	for _, h := range all {
		status := h.Status
		if h.Running {
			status += ", running"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", status, printable(h.Name), scheduleText(h), dueText(h), idOrRef(h))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}

// scheduleText is the interval, or the calendar in words, and the grace.
func scheduleText(h client.Heartbeat) string {
	if h.Interval == nil {
		return printable(withPlainSpaces(h.Schedule)) + ", grace " + durationText(h.Grace)
	}
	return "every " + durationText(*h.Interval) + ", grace " + durationText(h.Grace)
}

// durationText is a number of seconds in the words of the pages.
func durationText(seconds int64) string {
	return withPlainSpaces(duration.FormatDuration(time.Duration(seconds) * time.Second))
}

// withPlainSpaces makes no-break spaces plain ones: they would hide from grep.
func withPlainSpaces(text string) string { return strings.ReplaceAll(text, "\u00a0", " ") }

// dueText is when the next ping is expected, by the clock of the schedule where it has one.
func dueText(h client.Heartbeat) string {
	if h.DueAt == nil || h.Timezone == nil {
		return timeText(h.DueAt)
	}
	zone, err := time.LoadLocation(*h.Timezone)
	if err != nil { // a server with newer zones than this program
		return timeText(h.DueAt)
	}
	return h.DueAt.In(zone).Format("2006-01-02 15:04:05 -07:00")
}

// timeText is a time to the second; what is not known yet is a dash.
func timeText(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// printable takes out what would move the cursor or colour the terminal: names
// are written by others.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, name)
}
