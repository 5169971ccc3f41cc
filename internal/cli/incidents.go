package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/client"
	"overdue/internal/cli/table"
)

// incidentsCmd groups the commands for incidents.
type incidentsCmd struct {
	List     incidentsListCmd     `cmd:"" help:"List incidents, by default those that are not resolved."`
	Show     incidentsShowCmd     `cmd:"" help:"Show one incident with its timeline and deliveries."`
	Ack      incidentsAckCmd      `cmd:"" help:"Acknowledge an incident, which stops its reminders."`
	Snooze   incidentsSnoozeCmd   `cmd:"" help:"Send no reminders of an incident for a time."`
	Unsnooze incidentsUnsnoozeCmd `cmd:"" help:"End the snooze of an incident."`
	Note     incidentsNoteCmd     `cmd:"" help:"Add a note to the timeline of an incident."`
	Groups   groupsCmd            `cmd:"" help:"List, show, acknowledge and snooze groups of incidents that opened together."`
}

// incidentsListCmd prints incidents, newest first.
type incidentsListCmd struct {
	apiFlags
	zoneFlag

	State     *string `enum:"open,acknowledged,resolved,all" placeholder:"STATE" help:"Only incidents in this state: open, acknowledged, resolved or all. Default: open and acknowledged."`
	Heartbeat string  `placeholder:"SLUG|ID" help:"Only incidents of this heartbeat."`
	Limit     int     `default:"100" placeholder:"N" help:"Maximum number of incidents to print; 0: no limit. Default: ${default}."`
	JSON      bool    `name:"json" help:"Print all fields as JSON. Times are in UTC."`
}

// Help is the long part of --help.
func (incidentsListCmd) Help() string {
	return `The newest incidents are first. Other commands accept the number in the first column.

Examples:

    overdue incidents list
    overdue incidents list --state all --heartbeat nightly-backup --limit 10
    overdue incidents list --state resolved --json`
}

// Run prints the list.
func (c *incidentsListCmd) Run(ctx context.Context, std Streams) error {
	if c.Limit < 0 {
		return usageError("--limit %d: must be 0 or more", c.Limit)
	}
	return list[client.Incident]{
		noun: "incidents", api: c.apiFlags, zone: c.zoneFlag, json: c.JSON,
		read:  func(server *client.Client) ([]client.Incident, error) { return c.incidents(ctx, server) },
		table: incidentTable,
	}.print(std)
}

// incidents returns the incidents that the flags select.
func (c *incidentsListCmd) incidents(ctx context.Context, server *client.Client) ([]client.Incident, error) {
	query := client.IncidentQuery{}
	if c.Heartbeat != "" {
		h, err := findHeartbeat(ctx, server, c.Heartbeat)
		if err != nil {
			return nil, fmt.Errorf("--heartbeat %s: %w", c.Heartbeat, err)
		}
		query.Heartbeat = h.Ref
	}
	states := []string{valueOf(c.State)}
	switch states[0] {
	case "":
		states = []string{"open", "acknowledged"}
	case "all":
		states = []string{""}
	}
	all := []client.Incident{}
	for _, state := range states {
		query.State = state
		found := 0
		for i, err := range server.AllIncidents(ctx, query) {
			if err != nil {
				return nil, err
			}
			all = append(all, i)
			if found++; found == c.Limit {
				break
			}
		}
	}
	slices.SortFunc(all, func(a, b client.Incident) int { return int(b.Number - a.Number) })
	if c.Limit > 0 && len(all) > c.Limit {
		all = all[:c.Limit]
	}
	return all, nil
}

// incidentTable returns the table of the list.
func incidentTable(all []client.Incident, clock clock) *table.Table {
	t := table.New(
		table.Column{Title: "NUMBER", Keep: true},
		table.Column{Title: "STATE", Keep: true},
		table.Column{Title: "SEVERITY", Keep: true},
		table.Column{Title: "HEARTBEAT", Min: 20, Keep: true},
		table.Column{Title: "CAUSE"},
		table.Column{Title: clock.title("OPENED")},
		table.Column{Title: "DURATION"},
		table.Column{Title: "ACKNOWLEDGED BY", Min: 15},
	)
	for _, i := range all {
		by := "-"
		if i.AcknowledgedBy != nil {
			by = printable(*i.AcknowledgedBy)
		}
		t.Add(strconv.FormatInt(i.Number, 10), i.State, i.Severity, printable(i.HeartbeatName), causeText(i.Cause), clock.text(&i.OpenedAt), incidentDuration(i, time.Now()), by)
	}
	return t
}

// causeText returns a cause in words.
func causeText(cause string) string { return strings.ReplaceAll(cause, "_", " ") }

// incidentDuration returns how long an incident lasted, or has lasted so far.
func incidentDuration(i client.Incident, now time.Time) string {
	end := now
	if i.ResolvedAt != nil {
		end = *i.ResolvedAt
	}
	return durationText(int64(end.Sub(i.OpenedAt) / time.Second))
}

// incidentArg names one incident.
type incidentArg struct {
	apiFlags

	Incident string `arg:"" name:"number-or-id" help:"Number or id of the incident."`
}

// find returns the id of the incident.
func (c *incidentArg) find(ctx context.Context) (*client.Client, string, error) {
	server, err := c.newClient()
	if err != nil {
		return nil, "", err
	}
	number, err := strconv.ParseInt(strings.TrimPrefix(c.Incident, "#"), 10, 64)
	if err != nil {
		return server, c.Incident, nil // an id
	}
	for i, err := range server.AllIncidents(ctx, client.IncidentQuery{}) {
		switch {
		case err != nil:
			return nil, "", c.wrapError(err)
		case i.Number == number:
			return server, i.ID, nil
		case i.Number < number: // the newest are first
			return nil, "", c.wrapError(errors.New("there is no incident with this number"))
		}
	}
	return nil, "", c.wrapError(errors.New("there is no incident with this number"))
}

// wrapError returns err with the number or id that the user typed.
func (c *incidentArg) wrapError(err error) error {
	if err != nil {
		return fmt.Errorf("incident %s: %w", c.Incident, err)
	}
	return nil
}

// incidentsShowCmd prints one incident.
type incidentsShowCmd struct {
	incidentArg
	zoneFlag

	JSON bool `name:"json" help:"Print all fields as JSON. Times are in UTC."`
}

// Help is the long part of --help.
func (incidentsShowCmd) Help() string {
	return `Examples:

    overdue incidents show 42
    overdue incidents show 42 --zone Europe/Berlin`
}

// Run prints the incident.
func (c *incidentsShowCmd) Run(ctx context.Context, std Streams) error {
	clock, err := c.clock()
	if err != nil {
		return err
	}
	server, id, err := c.find(ctx)
	if err != nil {
		return err
	}
	i, err := server.Incident(ctx, id)
	switch {
	case err != nil:
		return c.wrapError(err)
	case c.JSON:
		return printJSON(std, i)
	}
	return printIncident(std, i, channelNames(ctx, server), clock)
}

// printIncident writes an incident, its timeline and its deliveries.
func printIncident(std Streams, i client.IncidentDetail, channels map[string]string, clock clock) error {
	d := &details{}
	d.add("Incident", strconv.FormatInt(i.Number, 10))
	d.add("Heartbeat", i.HeartbeatName)
	d.add("Severity", i.Severity)
	d.add("State", i.State)
	d.add("Cause", causeText(i.Cause))
	if i.Group != nil {
		d.add("Group", strconv.FormatInt(*i.Group, 10))
	}
	if i.Host != nil {
		d.add("Host", printable(*i.Host))
	}
	d.add(clock.title("Opened"), clock.text(&i.OpenedAt))
	if i.AcknowledgedAt != nil {
		by := ""
		if i.AcknowledgedBy != nil {
			by = " by " + *i.AcknowledgedBy
		}
		d.add("Acknowledged", clock.text(i.AcknowledgedAt)+by)
	}
	if i.SnoozedUntil != nil && i.SnoozedUntil.After(time.Now()) {
		d.add("Snoozed until", clock.text(i.SnoozedUntil))
	}
	if i.ResolvedAt != nil && i.Resolution != nil {
		d.add("Resolved", clock.text(i.ResolvedAt)+", "+*i.Resolution)
	}
	d.add("Duration", incidentDuration(i.Incident, time.Now()))
	d.add("Id", i.ID)
	text := d.String() + "\n\nTimeline\n"
	for _, e := range i.Timeline {
		text += "  " + clock.text(&e.At) + "  " + printable(clock.explanation(e.Text)) + "\n"
	}
	if len(i.Deliveries) > 0 {
		text += "\nDeliveries\n"
	}
	for _, one := range i.Deliveries {
		text += "  " + deliveryText(one, cmp.Or(channels[one.ChannelID], one.ChannelID), clock) + "\n"
	}
	return printLine(std, strings.TrimSuffix(text, "\n"))
}

// deliveryText returns one delivery in a line.
func deliveryText(d client.Delivery, channel string, clock clock) string {
	text := fmt.Sprintf("%-8s %s to %s, attempts: %d", d.State, d.Event, printable(channel), len(d.Attempts))
	if d.NextAttemptAt != nil {
		text += ", next " + clock.text(d.NextAttemptAt)
	}
	if n := len(d.Attempts); n > 0 && d.State != "sent" {
		text += ": " + printable(d.Attempts[n-1].Detail)
	}
	return text
}

// incidentsAckCmd acknowledges an incident.
type incidentsAckCmd struct{ incidentArg }

// Help is the long part of --help.
func (incidentsAckCmd) Help() string {
	return `The channels of the incident are notified. An incident that is acknowledged already stays as it is.

Examples:

    overdue incidents ack 42`
}

// Run acknowledges the incident.
func (c *incidentsAckCmd) Run(ctx context.Context) error {
	server, id, err := c.find(ctx)
	if err != nil {
		return err
	}
	_, err = server.AcknowledgeIncident(ctx, id)
	return c.wrapError(err)
}

// incidentsSnoozeCmd snoozes an incident.
type incidentsSnoozeCmd struct {
	incidentArg
	quietFlags

	For string `arg:"" optional:"" name:"duration" help:"How long, such as 2h. Required without --until."`
}

// Help is the long part of --help.
func (incidentsSnoozeCmd) Help() string {
	return `If the incident is still open at the end, each of its channels is reminded once. The recovery is sent as always.

Examples:

    overdue incidents snooze 42 2h
    overdue incidents snooze 42 --until 2026-03-14T08:00:00Z`
}

// Run snoozes the incident.
func (c *incidentsSnoozeCmd) Run(ctx context.Context) error {
	q, err := c.period(c.For)
	if err != nil {
		return err
	}
	if q.For == nil && q.Until == nil {
		return usageError("no duration: enter one, such as 2h, or set --until")
	}
	server, id, err := c.find(ctx)
	if err != nil {
		return err
	}
	_, err = server.SnoozeIncident(ctx, id, q)
	return c.wrapError(err)
}

// incidentsUnsnoozeCmd ends a snooze.
type incidentsUnsnoozeCmd struct{ incidentArg }

// Help is the long part of --help.
func (incidentsUnsnoozeCmd) Help() string {
	return `The reminder at the end of the snooze is sent at once. An incident that is not snoozed stays as it is.

Examples:

    overdue incidents unsnooze 42`
}

// Run ends the snooze.
func (c *incidentsUnsnoozeCmd) Run(ctx context.Context) error {
	server, id, err := c.find(ctx)
	if err != nil {
		return err
	}
	_, err = server.UnsnoozeIncident(ctx, id)
	return c.wrapError(err)
}

// incidentsNoteCmd adds a note to an incident.
type incidentsNoteCmd struct {
	incidentArg

	Text []string `arg:"" help:"Text of the note."`
}

// Help is the long part of --help.
func (incidentsNoteCmd) Help() string {
	return `Examples:

    overdue incidents note 42 "The disk of db1 is full, moving old backups"`
}

// Run adds the note.
func (c *incidentsNoteCmd) Run(ctx context.Context) error {
	server, id, err := c.find(ctx)
	if err != nil {
		return err
	}
	_, err = server.AddNote(ctx, id, strings.Join(c.Text, " "))
	return c.wrapError(err)
}
