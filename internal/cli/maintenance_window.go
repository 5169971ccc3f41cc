package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"overdue/client"
	"overdue/internal/cli/table"
)

// maintenanceCmd groups the commands for maintenance windows.
type maintenanceCmd struct {
	List     maintenanceListCmd     `cmd:"" help:"List maintenance and its next windows."`
	Show     maintenanceShowCmd     `cmd:"" help:"Show one maintenance with its next windows."`
	Start    maintenanceStartCmd    `cmd:"" help:"Start a maintenance window now."`
	Schedule maintenanceScheduleCmd `cmd:"" help:"Create maintenance ahead, once or recurring."`
	End      maintenanceEndCmd      `cmd:"" help:"End the window in progress."`
	Extend   maintenanceExtendCmd   `cmd:"" help:"Let the window in progress end later."`
	Delete   maintenanceDeleteCmd   `cmd:"" help:"Delete a maintenance."`
}

// maintenanceListCmd prints all maintenance.
type maintenanceListCmd struct {
	apiFlags
	zoneFlag

	JSON bool `name:"json" help:"Print all fields as JSON. Times are in UTC, heartbeats are refs."`
}

// Help is the long part of --help.
func (maintenanceListCmd) Help() string {
	return `The oldest is the first. NEXT WINDOW is the window in progress, or the next one.

Examples:

    overdue maintenance list
    overdue maintenance list --json`
}

// Run prints the list.
func (c *maintenanceListCmd) Run(ctx context.Context, std Streams) error {
	return list[client.Maintenance]{
		noun: "maintenance", api: c.apiFlags, zone: c.zoneFlag, json: c.JSON,
		read: func(server *client.Client) ([]client.Maintenance, error) {
			page, err := server.Maintenances(ctx)
			return append([]client.Maintenance{}, page.Items...), err // not nil, so that its JSON is []
		},
		table: maintenanceTable,
	}.print(std)
}

// maintenanceTable returns the table of the list.
func maintenanceTable(all []client.Maintenance, c clock) *table.Table {
	t := table.New(
		table.Column{Title: "STATE", Keep: true},
		table.Column{Title: "REASON", Min: 20, Keep: true},
		table.Column{Title: c.title("NEXT WINDOW"), Keep: true},
		table.Column{Title: "FOR", Min: 12},
		table.Column{Title: "ID"},
	)
	for _, m := range all {
		next := "-"
		if len(m.Windows) > 0 {
			next = windowText(m.Windows[0], c)
		}
		t.Add(maintenanceState(m), printable(m.Reason), next, scopeText(m), m.ID)
	}
	return t
}

// maintenanceState describes the state in one or two words.
func maintenanceState(m client.Maintenance) string {
	switch {
	case m.InProgress:
		return "in progress"
	case len(m.Windows) == 0:
		return "over"
	}
	return "scheduled"
}

// windowText formats a window.
func windowText(w client.MaintenanceWindow, c clock) string {
	return c.text(&w.From) + " to " + c.text(&w.To)
}

// scopeText describes the heartbeats of a maintenance.
func scopeText(m client.Maintenance) string {
	if m.All {
		return "all heartbeats"
	}
	var parts []string
	for _, tag := range m.Tags {
		parts = append(parts, "tag "+printable(tag))
	}
	switch n := len(m.Heartbeats); n {
	case 0:
	case 1:
		parts = append(parts, "1 heartbeat")
	default:
		parts = append(parts, strconv.Itoa(n)+" heartbeats")
	}
	return strings.Join(parts, ", ")
}

// maintenanceArg names one maintenance.
type maintenanceArg struct {
	apiFlags

	Maintenance string `arg:"" name:"maintenance" help:"Id or reason of the maintenance."`
}

// find returns the maintenance.
func (c *maintenanceArg) find(ctx context.Context) (*client.Client, client.Maintenance, error) {
	server, err := c.newClient()
	if err != nil {
		return nil, client.Maintenance{}, err
	}
	page, err := server.Maintenances(ctx)
	if err != nil {
		return nil, client.Maintenance{}, c.named(err)
	}
	var named []client.Maintenance
	for _, m := range page.Items {
		if m.ID == c.Maintenance {
			return server, m, nil
		}
		if m.Reason == c.Maintenance {
			named = append(named, m)
		}
	}
	switch len(named) {
	case 0:
		return nil, client.Maintenance{}, c.named(errors.New("there is no maintenance with this id or reason; overdue maintenance list shows them"))
	case 1:
		return server, named[0], nil
	}
	return nil, client.Maintenance{}, c.named(fmt.Errorf("%d maintenances have this reason; write the id of one of them", len(named)))
}

// named adds the maintenance as it was typed to an error.
func (c *maintenanceArg) named(err error) error {
	return fmt.Errorf("maintenance %s: %w", c.Maintenance, err)
}

// maintenanceShowCmd prints one maintenance.
type maintenanceShowCmd struct {
	maintenanceArg
	zoneFlag

	JSON bool `name:"json" help:"Print all fields as JSON. Times are in UTC, heartbeats are refs."`
}

// Help is the long part of --help.
func (maintenanceShowCmd) Help() string {
	return `Examples:

    overdue maintenance show 'PostgreSQL upgrade'`
}

// Run prints the maintenance.
func (c *maintenanceShowCmd) Run(ctx context.Context, std Streams) error {
	clock, err := c.clock()
	if err != nil {
		return err
	}
	_, m, err := c.find(ctx)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return printJSON(std, m)
	}
	d := &details{}
	d.add("Reason", m.Reason)
	d.add("State", maintenanceState(m))
	d.add("For", scopeText(m))
	if m.Duration != nil {
		d.add("Starts", strings.Join(append(m.Cron, m.OnCalendar...), "; ")+" "+*m.Timezone)
		d.add("Lasts", durationText(*m.Duration))
	}
	for n, w := range m.Windows {
		d.add("Window "+strconv.Itoa(n+1), windowText(w, clock))
	}
	d.add(clock.title("Created"), clock.text(&m.CreatedAt)+" by "+printable(m.CreatedBy))
	d.add("Id", m.ID)
	return printLine(std, d.String())
}

// maintenanceEndCmd ends a window.
type maintenanceEndCmd struct{ maintenanceArg }

// Help is the long part of --help.
func (maintenanceEndCmd) Help() string {
	return `Heartbeats whose runs were excused are expected again from now. Later windows of a recurring maintenance stay.

Examples:

    overdue maintenance end 'PostgreSQL upgrade'`
}

// Run ends the window.
func (c *maintenanceEndCmd) Run(ctx context.Context) error {
	server, m, err := c.find(ctx)
	if err != nil {
		return err
	}
	if _, err := server.EndMaintenance(ctx, m.ID); err != nil {
		return c.named(err)
	}
	return nil
}

// maintenanceExtendCmd extends a window.
type maintenanceExtendCmd struct {
	maintenanceArg

	By string `arg:"" name:"duration" help:"How much later it ends, such as 30m."`
}

// Help is the long part of --help.
func (maintenanceExtendCmd) Help() string {
	return `Later windows of a recurring maintenance keep their length.

Examples:

    overdue maintenance extend 'PostgreSQL upgrade' 30m`
}

// Run extends the window.
func (c *maintenanceExtendCmd) Run(ctx context.Context) error {
	if err := checkUnit(c.By, c.By); err != nil {
		return err
	}
	server, m, err := c.find(ctx)
	if err != nil {
		return err
	}
	if _, err := server.ExtendMaintenance(ctx, m.ID, c.By); err != nil {
		return c.named(err)
	}
	return nil
}

// maintenanceDeleteCmd deletes a maintenance.
type maintenanceDeleteCmd struct {
	maintenanceArg

	Yes bool `help:"Do not ask for confirmation."`
}

// Help is the long part of --help.
func (maintenanceDeleteCmd) Help() string {
	return `A window in progress ends. Runs that were excused before stay excused.

Examples:

    overdue maintenance delete 'PostgreSQL upgrade'
    overdue maintenance delete 'PostgreSQL upgrade' --yes`
}

// Run deletes the maintenance after a confirmation.
func (c *maintenanceDeleteCmd) Run(ctx context.Context, std Streams) error {
	if !c.Yes && !isTerminal(std.In) {
		return errNoTerminal("delete")
	}
	server, m, err := c.find(ctx)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Delete maintenance %q?", printable(m.Reason))
	if m.InProgress {
		question = "A window is in progress and ends. " + question
	}
	if !c.Yes && !confirm(std, question) {
		return errors.New("nothing deleted")
	}
	if err := server.DeleteMaintenance(ctx, m.ID); err != nil {
		return c.named(err)
	}
	return nil
}
