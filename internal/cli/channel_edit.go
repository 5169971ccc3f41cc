package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"overdue/client"
	"overdue/internal/notify"
)

// channelsCreateCmd creates a channel of any kind.
type channelsCreateCmd struct {
	apiFlags

	Kind string `required:"" placeholder:"KIND" help:"Kind of the channel; see above."`
	Name string `required:"" placeholder:"NAME" help:"Name, up to 100 characters."`
	channelFlags
	JSON bool `name:"json" help:"Print all fields as JSON. A secret that the server generated is shown here only."`
}

// Help is the long part of --help. It lists the kinds and their settings.
func (channelsCreateCmd) Help() string {
	var b strings.Builder
	b.WriteString("Prints the id of the channel, and each secret that the server generated for it. To check that alerts arrive, run overdue channels test.\n\nKinds and their settings:\n\n")
	writeKinds(&b)
	b.WriteString(`
Examples:

    overdue channels create --kind email --name Team --set to=ada@example.org --set to=grace@example.org
    overdue channels create --kind webhook --name Hook --set url=https://hooks.example.org/in --secret-file headers.Authorization=token.txt`)
	return b.String()
}

// Run creates the channel. A channel that cannot deliver is created like any other, so a line
// on standard error names the command that shows whether it does.
func (c *channelsCreateCmd) Run(ctx context.Context, std Streams) error {
	s := client.ChannelSettings{Kind: &c.Kind, Name: &c.Name}
	if err := c.fill(&s, c.Kind); err != nil {
		return err
	}
	server, err := c.newClient()
	if err != nil {
		return err
	}
	ch, err := server.CreateChannel(ctx, s)
	switch {
	case err != nil:
		return fmt.Errorf("channel %q: %w", c.Name, err)
	case c.JSON:
		return printJSON(std, ch)
	}
	if err := printLine(std, ch.ID); err != nil {
		return err
	}
	if err := c.printGenerated(std, c.Kind, ch); err != nil {
		return err
	}
	warn(std, "channel created; to check that alerts arrive, run overdue channels test %s", ch.ID)
	return nil
}

// channelsEditCmd changes a channel.
type channelsEditCmd struct {
	channelArg

	Name string `placeholder:"NAME" help:"New name, up to 100 characters."`
	channelFlags
	Unset []string `placeholder:"FLAG|KEY" help:"Reset remind-every, notify-on-late or notify-on-recovery to its default, or remove a setting of the kind. A secret that the server generated is generated again. Can be repeated."`
	JSON  bool     `name:"json" help:"Print all fields of the changed channel as JSON. Secrets are masked, except those that the server generated."`
}

// Help is the long part of --help.
func (channelsEditCmd) Help() string {
	return `Changes only the given settings. A list or an object, such as headers, is replaced as a whole. The kind cannot be changed. If the host of the URL changes, set the secrets of the channel again. Prints each secret that the server generated. overdue channels create --help lists the settings.

Examples:

    overdue channels edit "On call" --name "On call EU" --remind-every 1h
    overdue channels edit Team --set to=ada@example.org --set to=grace@example.org
    overdue channels edit Hook --unset secret --unset remind-every`
}

// Run changes the channel.
func (c *channelsEditCmd) Run(ctx context.Context, std Streams) error {
	server, ch, err := c.find(ctx)
	if err != nil {
		return err
	}
	var s client.ChannelSettings
	if err := c.fill(&s, ch.Kind); err != nil {
		return err
	}
	if err := c.unset(&s, ch.Kind); err != nil {
		return err
	}
	if c.Name != "" {
		s.Name = &c.Name
	}
	if reflect.ValueOf(s).IsZero() {
		return usageError("nothing to change: set at least one of the flags that --help lists")
	}
	changed, err := server.ChangeChannel(ctx, ch.ID, s)
	switch {
	case err != nil:
		return fmt.Errorf("channel %s: %w", c.Channel, err)
	case c.JSON:
		return printJSON(std, changed)
	}
	return c.printGenerated(std, ch.Kind, changed)
}

// unset resets settings by the names of their flags or keys.
func (c *channelsEditCmd) unset(s *client.ChannelSettings, kindName string) error {
	kind, _ := notify.KindOf(kindName)
	for _, name := range c.Unset {
		_, isSetting := kind.Field(name)
		set := false
		switch {
		case name == "remind-every":
			set, s.RemindEvery = c.RemindEvery != nil, json.RawMessage("null")
		case name == "notify-on-late":
			set, s.NotifyOnLate = c.NotifyOnLate != nil, new(false)
		case name == "notify-on-recovery":
			set, s.NotifyOnRecovery = c.NotifyOnRecovery != nil, new(true)
		case isSetting:
			if s.Settings == nil {
				s.Settings = map[string]any{}
			}
			_, set = s.Settings[name]
			s.Settings[name] = nil
		default:
			return usageError("--unset %s: must be one of %s", name, strings.Join(channelUnsetNames(kind), ", "))
		}
		if set {
			return usageError("--unset %s and a new value exclude each other: set only one of them", name)
		}
	}
	return nil
}

// channelUnsetNames returns the names that --unset accepts for channels of the kinds.
// Required settings are left out: without a value, the server rejects the channel.
func channelUnsetNames(kinds ...notify.Kind) []string {
	names := []string{"remind-every", "notify-on-late", "notify-on-recovery"}
	for _, kind := range kinds {
		for _, f := range kind.Fields {
			if optional := !f.Required || f.Generate != nil; optional && !slices.Contains(names, f.Name) {
				names = append(names, f.Name)
			}
		}
	}
	return names
}
