package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"overdue/client"
	"overdue/internal/cli/table"
)

// channelsCmd groups the commands for channels.
type channelsCmd struct {
	List   channelsListCmd   `cmd:"" help:"List channels and whether they deliver."`
	Show   channelsShowCmd   `cmd:"" help:"Show one channel and its settings."`
	Create channelsCreateCmd `cmd:"" help:"Create a channel."`
	Edit   channelsEditCmd   `cmd:"" help:"Change the settings of a channel."`
	Test   channelsTestCmd   `cmd:"" help:"Send a test alert through a channel."`
	Retry  channelsRetryCmd  `cmd:"" help:"Send the pending alerts of a channel now."`
	Delete channelsDeleteCmd `cmd:"" help:"Delete a channel."`
}

// channelsListCmd prints channels, those that do not deliver first.
type channelsListCmd struct {
	apiFlags
	zoneFlag

	JSON bool `name:"json" help:"Print all fields as JSON. Times are in UTC, secrets are masked."`
}

// Help is the long part of --help.
func (channelsListCmd) Help() string {
	return `The order is: failing, retrying, untested, working.

Examples:

    overdue channels list
    overdue channels list --json`
}

// channelAttention is the order of states in the list.
var channelAttention = []string{"failing", "retrying", "untested", "working"}

// Run prints the list.
func (c *channelsListCmd) Run(ctx context.Context, std Streams) error {
	return list[client.Channel]{
		noun: "channels", api: c.apiFlags, zone: c.zoneFlag, json: c.JSON,
		read: func(server *client.Client) ([]client.Channel, error) {
			all, err := collectAll(server.AllChannels(ctx, client.PageQuery{}))
			slices.SortStableFunc(all, func(a, b client.Channel) int {
				return cmp.Compare(slices.Index(channelAttention, a.State), slices.Index(channelAttention, b.State))
			})
			return all, err
		},
		table: channelTable,
	}.print(std)
}

// channelTable returns the table of the list.
func channelTable(all []client.Channel, clock clock) *table.Table {
	t := table.New(
		table.Column{Title: "STATE", Keep: true},
		table.Column{Title: "NAME", Min: 20, Keep: true},
		table.Column{Title: "KIND"},
		table.Column{Title: "PENDING"},
		table.Column{Title: clock.title("LAST DELIVERY")},
		table.Column{Title: "FAILURE", Min: 20},
		table.Column{Title: "ID"},
	)
	for _, ch := range all {
		failure := "-"
		if ch.Failure != nil {
			failure = printable(*ch.Failure)
		}
		t.Add(ch.State, printable(ch.Name), ch.Kind, strconv.Itoa(ch.Pending), clock.text(ch.LastDeliveryAt), failure, ch.ID)
	}
	return t
}

// channelArg names one channel.
type channelArg struct {
	apiFlags

	Channel string `arg:"" name:"name-or-id" help:"Name or id of the channel."`
}

// find returns the channel.
func (c *channelArg) find(ctx context.Context) (*client.Client, client.Channel, error) {
	server, err := c.newClient()
	if err != nil {
		return nil, client.Channel{}, err
	}
	found, err := findChannel(ctx, server, c.Channel)
	return server, found, err
}

// findChannel returns the channel with an id or a name.
func findChannel(ctx context.Context, server *client.Client, nameOrID string) (client.Channel, error) {
	all, err := collectAll(server.AllChannels(ctx, client.PageQuery{}))
	if err != nil {
		return client.Channel{}, fmt.Errorf("channel %s: %w", nameOrID, err)
	}
	var named []client.Channel
	for _, ch := range all {
		if ch.ID == nameOrID {
			return ch, nil
		}
		if ch.Name == nameOrID {
			named = append(named, ch)
		}
	}
	switch len(named) {
	case 0:
		return client.Channel{}, fmt.Errorf("channel %s: there is no channel with this name or id; overdue channels list shows them", nameOrID)
	case 1:
		return named[0], nil
	}
	return client.Channel{}, fmt.Errorf("channel %s: %d channels have this name; write the id of one of them", nameOrID, len(named))
}

// channelNames returns the names of the project's channels by id. Without them, output
// has ids instead, so an error is not reported.
func channelNames(ctx context.Context, server *client.Client) map[string]string {
	names := map[string]string{}
	for ch, err := range server.AllChannels(ctx, client.PageQuery{}) {
		if err != nil {
			break
		}
		names[ch.ID] = ch.Name
	}
	return names
}

// channelsShowCmd prints one channel.
type channelsShowCmd struct {
	channelArg
	zoneFlag

	JSON bool `name:"json" help:"Print all fields as JSON. Times are in UTC, secrets are masked."`
}

// Help is the long part of --help.
func (channelsShowCmd) Help() string {
	return `Examples:

    overdue channels show "On call"`
}

// Run prints the channel.
func (c *channelsShowCmd) Run(ctx context.Context, std Streams) error {
	clock, err := c.clock()
	if err != nil {
		return err
	}
	_, ch, err := c.find(ctx)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return printJSON(std, ch)
	}
	d := &details{}
	d.add("Name", ch.Name)
	d.add("Kind", ch.Kind)
	d.add("Target", ch.Target)
	d.add("State", ch.State)
	if ch.Failure != nil {
		d.add("Failure", *ch.Failure)
	}
	d.add("Failing for", strings.Join(ch.FailingFor, ", "))
	d.add("Pending alerts", strconv.Itoa(ch.Pending))
	d.add(clock.title("Last delivery"), clock.text(ch.LastDeliveryAt))
	if ch.NextAttemptAt != nil {
		d.add("Next attempt", clock.text(ch.NextAttemptAt))
	}
	if ch.PausedUntil != nil {
		d.add("Paused until", clock.text(ch.PausedUntil))
	}
	d.add("Notifies on late", yesNo(ch.NotifyOnLate))
	d.add("Notifies on recovery", yesNo(ch.NotifyOnRecovery))
	d.addDuration("Reminds every", ch.RemindEvery)
	for _, key := range slices.Sorted(maps.Keys(ch.Settings)) {
		d.add("Setting "+key, settingText(ch.Settings[key]))
	}
	d.add("Id", ch.ID)
	return printLine(std, d.String())
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// settingText returns the value of a setting in one line.
func settingText(value any) string {
	switch v := value.(type) {
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = fmt.Sprint(item)
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, fmt.Sprintf("%s: %v", key, v[key]))
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(value)
}

// channelsTestCmd sends a test alert.
type channelsTestCmd struct {
	channelArg

	JSON bool `name:"json" help:"Print the result as JSON."`
}

// Help is the long part of --help.
func (channelsTestCmd) Help() string {
	return `Sends a test alert now and prints the response of the receiver. The exit code is 1 if the alert was not delivered.

Examples:

    overdue channels test "On call"`
}

// Run sends the test alert.
func (c *channelsTestCmd) Run(ctx context.Context, std Streams) error {
	server, ch, err := c.find(ctx)
	if err != nil {
		return err
	}
	result, err := server.TestChannel(ctx, ch.ID)
	if err != nil {
		return fmt.Errorf("channel %s: %w", c.Channel, err)
	}
	if c.JSON {
		err = printJSON(std, result)
	} else if result.Delivered {
		err = printLine(std, "delivered: "+printable(result.Detail))
	}
	if err == nil && !result.Delivered {
		err = fmt.Errorf("channel %s: test alert not delivered: %s", c.Channel, printable(result.Detail))
	}
	return err
}

// channelsRetryCmd makes the pending alerts of a channel due now.
type channelsRetryCmd struct {
	channelArg

	JSON bool `name:"json" help:"Print all fields of the channel as JSON. Secrets are masked."`
}

// Help is the long part of --help.
func (channelsRetryCmd) Help() string {
	return `Makes the pending alerts of the channel due now instead of at their next attempt, also if the receiver asked for a pause. The command does not wait for the result: overdue channels show prints it.

Examples:

    overdue channels retry "On call"`
}

// Run makes the alerts due.
func (c *channelsRetryCmd) Run(ctx context.Context, std Streams) error {
	server, ch, err := c.find(ctx)
	if err != nil {
		return err
	}
	changed, err := server.RetryChannel(ctx, ch.ID)
	switch {
	case err != nil:
		return fmt.Errorf("channel %s: %w", c.Channel, err)
	case c.JSON:
		return printJSON(std, changed)
	case changed.Pending == 0:
		return printLine(std, "no pending alerts")
	case changed.Pending == 1:
		return printLine(std, "1 pending alert is sent now")
	}
	return printLine(std, fmt.Sprintf("%d pending alerts are sent now", changed.Pending))
}

// channelsDeleteCmd deletes a channel.
type channelsDeleteCmd struct {
	channelArg

	Yes bool `help:"Do not ask for confirmation."`
}

// Help is the long part of --help.
func (channelsDeleteCmd) Help() string {
	return `A heartbeat that notifies only this channel notifies all channels of the project from then on.

Examples:

    overdue channels delete "Old pager"
    overdue channels delete "Old pager" --yes`
}

// Run deletes the channel after a confirmation.
func (c *channelsDeleteCmd) Run(ctx context.Context, std Streams) error {
	if !c.Yes && !isTerminal(std.In) {
		return errNoTerminal("delete")
	}
	server, ch, err := c.find(ctx)
	if err != nil {
		return err
	}
	if !c.Yes && !confirm(std, fmt.Sprintf("Delete channel %q?", printable(ch.Name))) {
		return errors.New("nothing deleted")
	}
	if err := server.DeleteChannel(ctx, ch.ID); err != nil {
		return fmt.Errorf("channel %s: %w", c.Channel, err)
	}
	return nil
}
