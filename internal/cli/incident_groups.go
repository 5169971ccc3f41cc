package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"overdue/client"
	"overdue/internal/cli/table"
)

// groupsCmd groups the commands for groups of incidents.
type groupsCmd struct {
	List   groupsListCmd   `cmd:"" help:"List groups of incidents, by default those that are not resolved."`
	Show   groupsShowCmd   `cmd:"" help:"Show what the incidents of a group have in common, and what was sent about them."`
	Ack    groupsAckCmd    `cmd:"" help:"Acknowledge the open incidents of a group, and those that join it within two hours."`
	Snooze groupsSnoozeCmd `cmd:"" help:"Send no reminders of the open incidents of a group for a time."`
}

// groupsListCmd prints groups, newest first.
type groupsListCmd struct {
	apiFlags
	zoneFlag

	State *string `enum:"open,acknowledged,resolved,all" placeholder:"STATE" help:"Only groups in this state: open, acknowledged, resolved or all. Default: open and acknowledged."`
	Limit int     `default:"100" placeholder:"N" help:"Maximum number of groups to print; 0: no limit. Default: ${default}."`
	JSON  bool    `name:"json" help:"Print all fields as JSON. Times are in UTC."`
}

// Help is the long part of --help.
func (groupsListCmd) Help() string {
	return `Incidents that open within a minute of each other and share a host, a source address or a tag are one group.
Other commands accept the number in the first column.

Examples:

    overdue incidents groups list
    overdue incidents groups list --state all --json`
}

// Run prints the list.
func (c *groupsListCmd) Run(ctx context.Context, std Streams) error {
	if c.Limit < 0 {
		return usageError("--limit %d: must be 0 or more", c.Limit)
	}
	return list[client.Group]{
		noun: "groups", api: c.apiFlags, zone: c.zoneFlag, json: c.JSON,
		read:  func(server *client.Client) ([]client.Group, error) { return c.groups(ctx, server) },
		table: groupTable,
	}.print(std)
}

// groups returns the groups that the flags select.
func (c *groupsListCmd) groups(ctx context.Context, server *client.Client) ([]client.Group, error) {
	states := []string{valueOf(c.State)}
	switch states[0] {
	case "":
		states = []string{"open", "acknowledged"}
	case "all":
		states = []string{""}
	}
	all := []client.Group{}
	for _, state := range states {
		found := 0
		for g, err := range server.AllGroups(ctx, client.GroupQuery{State: state}) {
			if err != nil {
				return nil, err
			}
			all = append(all, g)
			if found++; found == c.Limit {
				break
			}
		}
	}
	slices.SortFunc(all, func(a, b client.Group) int { return int(b.Number - a.Number) })
	if c.Limit > 0 && len(all) > c.Limit {
		all = all[:c.Limit]
	}
	return all, nil
}

// groupTable returns the table of the list.
func groupTable(all []client.Group, clock clock) *table.Table {
	t := table.New(
		table.Column{Title: "NUMBER", Keep: true},
		table.Column{Title: "STATE", Keep: true},
		table.Column{Title: "INCIDENTS", Keep: true},
		table.Column{Title: "OPEN"},
		table.Column{Title: "IN COMMON", Min: 20, Keep: true},
		table.Column{Title: clock.title("OPENED")},
		table.Column{Title: "ACKNOWLEDGED BY", Min: 15},
	)
	for _, g := range all {
		by := "-"
		if g.AcknowledgedBy != nil {
			by = printable(*g.AcknowledgedBy)
		}
		t.Add(strconv.FormatInt(g.Number, 10), g.State, strconv.Itoa(g.Incidents), strconv.Itoa(g.Open), printable(g.Factor.Kind+" "+g.Factor.Value), clock.text(&g.FirstOpenedAt), by)
	}
	return t
}

// groupArg names one group.
type groupArg struct {
	apiFlags

	Number int64 `arg:"" help:"Number of the group."`
}

// wrapError returns err with the number.
func (c *groupArg) wrapError(err error) error {
	if err != nil {
		return fmt.Errorf("group %d: %w", c.Number, err)
	}
	return nil
}

// groupsShowCmd prints one group.
type groupsShowCmd struct {
	groupArg
	zoneFlag

	JSON bool `name:"json" help:"Print all fields as JSON. Times are in UTC."`
}

// Help is the long part of --help.
func (groupsShowCmd) Help() string {
	return `Examples:

    overdue incidents groups show 482
    overdue incidents groups show 482 --zone Europe/Berlin`
}

// Run prints the group.
func (c *groupsShowCmd) Run(ctx context.Context, std Streams) error {
	clock, err := c.clock()
	if err != nil {
		return err
	}
	server, err := c.newClient()
	if err != nil {
		return err
	}
	g, err := server.Group(ctx, c.Number)
	switch {
	case err != nil:
		return c.wrapError(err)
	case c.JSON:
		return printJSON(std, g)
	}
	return printLine(std, groupText(g, clock))
}

// groupText describes a group.
func groupText(g client.GroupDetail, clock clock) string {
	d := &details{}
	d.add("Group", strconv.FormatInt(g.Number, 10))
	d.add("State", g.State)
	d.add("Incidents", fmt.Sprintf("%d: %d open, %d acknowledged, %d resolved", g.Incidents, g.Open, g.Acknowledged, g.Resolved))
	d.add(clock.title("First opened"), clock.text(&g.FirstOpenedAt))
	d.add(clock.title("Last opened"), clock.text(&g.LastOpenedAt))
	if g.AcknowledgedAt != nil && g.AcknowledgedBy != nil {
		d.add("Acknowledged", clock.text(g.AcknowledgedAt)+" by "+*g.AcknowledgedBy)
	}
	text := d.String() + "\n\nIn common"
	for _, f := range g.Factors {
		text += fmt.Sprintf("\n  %s %s: %d of %d", f.Kind, printable(f.Value), f.Incidents, g.Incidents)
	}
	if len(g.Channels) > 0 {
		text += "\n\nSent"
	}
	for _, c := range g.Channels {
		text += fmt.Sprintf("\n  %s: %d alerts, %d alone, %d in %d messages about several, %d held, %d pending, %d failed",
			printable(c.ChannelName), c.Alerts, c.Alone, c.Grouped, c.Messages, c.Held, c.Pending, c.Failed)
	}
	return text
}

// groupsAckCmd acknowledges a group.
type groupsAckCmd struct{ groupArg }

// Help is the long part of --help.
func (groupsAckCmd) Help() string {
	return `The openings of incidents that join the group later are sent as always. Only their reminders and the later steps of their policy
are not.

Examples:

    overdue incidents groups ack 482`
}

// Run acknowledges the group.
func (c *groupsAckCmd) Run(ctx context.Context, std Streams) error {
	server, err := c.newClient()
	if err != nil {
		return err
	}
	g, err := server.AcknowledgeGroup(ctx, c.Number)
	if err != nil {
		return c.wrapError(err)
	}
	return printLine(std, fmt.Sprintf("%d of %d incidents are acknowledged.", g.Acknowledged, g.Incidents))
}

// groupsSnoozeCmd snoozes a group.
type groupsSnoozeCmd struct {
	groupArg
	quietFlags

	For string `arg:"" optional:"" name:"duration" help:"How long, such as 2h. Required without --until."`
}

// Help is the long part of --help.
func (groupsSnoozeCmd) Help() string {
	return `Each open incident is snoozed like with "overdue incidents snooze". Incidents that join the group later are not snoozed.

Examples:

    overdue incidents groups snooze 482 2h
    overdue incidents groups snooze 482 --until 2026-03-14T08:00:00Z`
}

// Run snoozes the group.
func (c *groupsSnoozeCmd) Run(ctx context.Context, std Streams) error {
	q, err := c.period(c.For)
	if err != nil {
		return err
	}
	if q.For == nil && q.Until == nil {
		return usageError("no duration: enter one, such as 2h, or set --until")
	}
	server, err := c.newClient()
	if err != nil {
		return err
	}
	g, err := server.SnoozeGroup(ctx, c.Number, q)
	if err != nil {
		return c.wrapError(err)
	}
	return printLine(std, fmt.Sprintf("%d open incidents are snoozed.", g.Open))
}
