package cli

import (
	"context"

	"overdue/client"
	"overdue/internal/cli/table"
)

// heartbeatsNotificationsCmd prints who is notified of an incident.
type heartbeatsNotificationsCmd struct {
	heartbeatArg
	zoneFlag

	JSON bool `name:"json" help:"Print all fields as JSON. Times are seconds since the opening of the incident."`
}

// Help is the long part of --help.
func (heartbeatsNotificationsCmd) Help() string {
	return `The list is for an incident that opens now and that no one acknowledges. A reminder that repeats is listed once.

Examples:

    overdue heartbeats notifications nightly-backup
    overdue heartbeats notifications nightly-backup --json`
}

// Run prints the notifications in the order of time.
func (c *heartbeatsNotificationsCmd) Run(ctx context.Context, std Streams) error {
	clock, err := c.clock()
	if err != nil {
		return err
	}
	server, h, err := c.find(ctx)
	if err != nil {
		return err
	}
	planned, err := server.HeartbeatNotifications(ctx, h.Ref)
	if err != nil {
		return withHeartbeatName(c.SlugOrID, err)
	}
	all := append([]client.PlannedNotification{}, planned.Notifications...) // not nil, so that its JSON is []
	if c.JSON {
		err = printJSON(std, all)
	} else if err = notificationTable(all).Write(std.Out, table.Width(std.Out)); err == nil && planned.Why != "" {
		err = printLine(std, "\n"+printable(planned.Why))
	}
	if len(all) == 0 {
		warn(std, "no one is notified: the project has no channels; create one with overdue channels create")
	}
	if h.Muted {
		warn(std, "the heartbeat is muted %s: no alerts are sent until then", mutedText(h, clock))
	}
	return err
}

// notificationTable returns the table of the notifications.
func notificationTable(all []client.PlannedNotification) *table.Table {
	t := table.New(
		table.Column{Title: "TIME", Keep: true},
		table.Column{Title: "CHANNEL", Min: 20, Keep: true},
		table.Column{Title: "ALERT"},
		table.Column{Title: "WHY", Min: 20},
	)
	for _, n := range all {
		alert := "opening"
		if n.Event == "incident.reminder" {
			alert = "reminder"
		}
		t.Add(plannedTime(n), printable(n.ChannelName), alert, printable(withPlainSpaces(n.Why)))
	}
	return t
}

// plannedTime describes when a notification is sent, and whether it repeats.
func plannedTime(n client.PlannedNotification) string {
	text := afterText(n.After)
	if n.RepeatEvery != nil {
		text += ", then every " + durationText(*n.RepeatEvery)
	}
	return text
}
