package cli

import (
	"context"
	"fmt"

	"overdue/client"
)

// maintenanceFlags are the settings that start and schedule share.
type maintenanceFlags struct {
	apiFlags
	zoneFlag

	Reason    string   `required:"" placeholder:"TEXT" help:"What is done, up to 100 characters. Timelines and explanations show it."`
	Tag       []string `member:"tags" sep:"none" placeholder:"TAG" help:"For heartbeats with this tag, also those that get it later. Can be repeated."`
	Heartbeat []string `member:"heartbeats" sep:"none" placeholder:"SLUG-OR-ID" help:"For this heartbeat. Can be repeated."`
	All       bool     `help:"For all heartbeats of the project."`
	JSON      bool     `name:"json" help:"Print all fields of the new maintenance as JSON."`
}

// create creates the maintenance and prints its id.
func (f *maintenanceFlags) create(ctx context.Context, std Streams, s client.MaintenanceSettings) error {
	clock, err := f.clock()
	switch {
	case err != nil:
		return err
	case f.All && len(f.Tag)+len(f.Heartbeat) > 0:
		return usageError("--all and --tag or --heartbeat exclude each other: set only one of them")
	case !f.All && len(f.Tag)+len(f.Heartbeat) == 0:
		return usageError("no heartbeats: set --tag, --heartbeat or --all")
	}
	server, err := f.newClient()
	if err != nil {
		return err
	}
	s.Reason = &f.Reason
	if f.All {
		s.All = &f.All
	}
	if len(f.Tag) > 0 {
		s.Tags = &f.Tag
	}
	var refs []string
	for _, name := range f.Heartbeat {
		h, err := findHeartbeat(ctx, server, name)
		if err != nil {
			return withHeartbeatName(name, err)
		}
		refs = append(refs, h.Ref)
	}
	if len(refs) > 0 {
		s.Heartbeats = &refs
	}
	m, err := server.CreateMaintenance(ctx, s)
	switch {
	case err != nil:
		return fmt.Errorf("maintenance %q: %w", f.Reason, err)
	case f.JSON:
		return printJSON(std, m)
	}
	if err := printLine(std, m.ID); err != nil {
		return err
	}
	if len(m.Windows) > 0 {
		warn(std, "maintenance created; its first window is from %s %s", windowText(m.Windows[0], clock), clock.name)
	}
	return nil
}

// maintenanceStartCmd starts a window.
type maintenanceStartCmd struct {
	maintenanceFlags

	For string `arg:"" name:"duration" help:"How long it lasts, such as 2h."`
}

// Help is the long part of --help.
func (maintenanceStartCmd) Help() string {
	return `Runs that are due in the window are excused. When the command ends, the window holds. Prints the id of the maintenance.

Examples:

    overdue maintenance start 2h --tag db --reason 'PostgreSQL upgrade'
    overdue maintenance start 30m --heartbeat nightly-backup --reason 'New disk'
    overdue maintenance start 1h --all --reason 'Network change'`
}

// Run starts the window.
func (c *maintenanceStartCmd) Run(ctx context.Context, std Streams) error {
	if err := checkUnit(c.For, c.For); err != nil {
		return err
	}
	return c.create(ctx, std, client.MaintenanceSettings{Duration: c.For})
}

// maintenanceScheduleCmd creates maintenance ahead.
type maintenanceScheduleCmd struct {
	maintenanceFlags

	From       *string  `placeholder:"TIME" help:"Start of the window with its offset, such as 2026-03-14T22:00:00+01:00. If it recurs, no window starts before. Default: now."`
	To         *string  `placeholder:"TIME" help:"End of the window, in place of --duration. If it recurs, no window starts at or after it."`
	Duration   *string  `duration:"" placeholder:"DURATION" help:"How long the window, or each recurring window, lasts, such as 2h."`
	Cron       []string `member:"cron" sep:"none" placeholder:"LINE" help:"Cron line of the starts of recurring windows, such as \"0 2 * * 3\". Can be repeated."`
	OnCalendar []string `name:"oncalendar" member:"oncalendar" sep:"none" placeholder:"EXPRESSION" help:"systemd calendar expression of the starts, such as \"Wed 02:00\". Can be repeated."`
	Timezone   *string  `placeholder:"ZONE" help:"Time zone of --cron or --oncalendar, such as Europe/Berlin. Default: the zone of the project."`
}

// Help is the long part of --help.
func (maintenanceScheduleCmd) Help() string {
	return `With --cron or --oncalendar, the windows recur. Prints the id of the maintenance.

Examples:

    overdue maintenance schedule --from 2026-03-14T22:00:00Z --duration 2h --tag db --reason 'PostgreSQL upgrade'
    overdue maintenance schedule --cron '0 2 * * 3' --timezone Europe/Berlin --duration 2h --all --reason 'Weekly patching'`
}

// Run creates the maintenance.
func (c *maintenanceScheduleCmd) Run(ctx context.Context, std Streams) error {
	if c.Duration == nil && c.To == nil {
		return usageError("no end: set --duration or --to")
	}
	s := client.MaintenanceSettings{From: c.From, To: c.To, Cron: c.Cron, OnCalendar: c.OnCalendar, Timezone: c.Timezone}
	if c.Duration != nil {
		if err := checkUnit("--duration "+*c.Duration, *c.Duration); err != nil {
			return err
		}
		s.Duration = *c.Duration
	}
	return c.create(ctx, std, s)
}
