package cli

import (
	"context"
	"fmt"
	"strings"

	"overdue/client"
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
