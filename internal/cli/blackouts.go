package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"overdue/client"
	"overdue/internal/cli/table"
)

// blackoutsCmd groups the commands for blackouts.
type blackoutsCmd struct {
	List blackoutsListCmd `cmd:"" help:"List the times in which Overdue was not watching."`
	Show blackoutsShowCmd `cmd:"" help:"Show one blackout with the heartbeats that it affected."`
}

// blackoutsListCmd prints blackouts, newest first.
type blackoutsListCmd struct {
	apiFlags
	zoneFlag

	Limit int  `default:"100" placeholder:"N" help:"Maximum number of blackouts to print; 0: no limit. Default: ${default}."`
	JSON  bool `name:"json" help:"Print all fields as JSON. Times are in UTC."`
}

// Help is the long part of --help.
func (blackoutsListCmd) Help() string {
	return `A blackout is a time in which no node of the server could store pings. Runs that were due in it are unknown: neither late nor missed. The newest blackouts are first. The columns UNKNOWN and MOVED count heartbeats of the project: those whose expected run is unknown, and those whose deadline moved.

Examples:

    overdue blackouts list
    overdue blackouts list --limit 10 --json`
}

// Run prints the list.
func (c *blackoutsListCmd) Run(ctx context.Context, std Streams) error {
	if c.Limit < 0 {
		return usageError("--limit %d: must be 0 or more", c.Limit)
	}
	return list[client.Blackout]{
		noun: "blackouts", api: c.apiFlags, zone: c.zoneFlag, json: c.JSON,
		read:  func(server *client.Client) ([]client.Blackout, error) { return c.blackouts(ctx, server) },
		table: blackoutTable,
	}.print(std)
}

// blackouts returns the newest blackouts.
func (c *blackoutsListCmd) blackouts(ctx context.Context, server *client.Client) ([]client.Blackout, error) {
	all := []client.Blackout{}
	for b, err := range server.AllBlackouts(ctx, client.PageQuery{}) {
		if err != nil {
			return nil, err
		}
		if all = append(all, b); len(all) == c.Limit {
			break
		}
	}
	return all, nil
}

// blackoutTable returns the table of the list.
func blackoutTable(all []client.Blackout, clock clock) *table.Table {
	t := table.New(
		table.Column{Title: "NUMBER", Keep: true},
		table.Column{Title: clock.title("FROM"), Keep: true},
		table.Column{Title: "TO"},
		table.Column{Title: "LENGTH", Keep: true},
		table.Column{Title: "CAUSE", Keep: true},
		table.Column{Title: "UNKNOWN"},
		table.Column{Title: "MOVED"},
	)
	for _, b := range all {
		t.Add(strconv.FormatInt(b.Number, 10), clock.text(&b.From), clock.text(&b.To), blackoutLength(b), b.Cause, strconv.Itoa(b.Unknown), strconv.Itoa(b.Moved))
	}
	return t
}

// blackoutLength returns how long a blackout lasted.
func blackoutLength(b client.Blackout) string {
	if b.Seconds == 0 {
		return "-" // a clock was set back
	}
	return durationText(int64(b.To.Sub(b.From).Round(time.Second) / time.Second))
}

// blackoutsShowCmd prints one blackout.
type blackoutsShowCmd struct {
	apiFlags
	zoneFlag

	Number string `arg:"" help:"Number of the blackout."`
	JSON   bool   `name:"json" help:"Print all fields as JSON. Times are in UTC."`
}

// Help is the long part of --help.
func (blackoutsShowCmd) Help() string {
	return `Examples:

    overdue blackouts show 14
    overdue blackouts show 14 --zone Europe/Berlin`
}

// Run prints the blackout.
func (c *blackoutsShowCmd) Run(ctx context.Context, std Streams) error {
	clock, err := c.clock()
	if err != nil {
		return err
	}
	server, err := c.newClient()
	if err != nil {
		return err
	}
	number, err := strconv.ParseInt(c.Number, 10, 64)
	if err != nil || number < 1 {
		return usageError("%s: the number of a blackout must be 1 or more; overdue blackouts list prints them", c.Number)
	}
	b, err := server.Blackout(ctx, number)
	switch {
	case err != nil:
		return fmt.Errorf("blackout %d: %w", number, err)
	case c.JSON:
		return printJSON(std, b)
	}
	return printLine(std, blackoutText(b, clock))
}

// blackoutText returns a blackout and the heartbeats that it affected.
func blackoutText(b client.BlackoutDetail, clock clock) string {
	d := &details{}
	d.add("Blackout", strconv.FormatInt(b.Number, 10))
	d.add(clock.title("From"), clock.text(&b.From))
	d.add("To", clock.text(&b.To))
	d.add("Length", blackoutLength(b.Blackout))
	cause := b.Cause
	if b.Detail != nil {
		cause += ": " + printable(*b.Detail)
	}
	d.add("Cause", cause)
	d.add("Unknown", countText(b.Unknown, "heartbeat"))
	d.add("Moved", countText(b.Moved, "deadline"))
	text := d.String()
	if len(b.Heartbeats) > 0 {
		text += "\n\nHeartbeats"
	}
	for _, h := range b.Heartbeats {
		text += fmt.Sprintf("\n  %-7s  due %s, evaluated again %s  %s", h.Effect, clock.text(h.DueAt), clock.text(h.NextAt), printable(h.HeartbeatName))
	}
	if more := b.Unknown + b.Moved - len(b.Heartbeats); more > 0 {
		text += "\n  and " + countText(more, "more heartbeat")
	}
	return strings.TrimSuffix(text, "\n")
}
