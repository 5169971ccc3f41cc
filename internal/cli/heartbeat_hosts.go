package cli

import (
	"context"

	"overdue/client"
	"overdue/internal/cli/table"
)

// heartbeatsHostsCmd lists the hosts of a heartbeat, or forgets one.
type heartbeatsHostsCmd struct {
	heartbeatArg
	zoneFlag

	Forget string `placeholder:"HOST" help:"Forget this host: it is no longer expected until it pings again."`
	JSON   bool   `name:"json" help:"Print all fields as JSON."`
}

// Help is the long part of --help.
func (heartbeatsHostsCmd) Help() string {
	return `A heartbeat has hosts if its setting instances is each or a number. If the other hosts are enough, forgetting one resolves the open incident.

Examples:

    overdue heartbeats hosts cleanup
    overdue heartbeats hosts cleanup --forget web3`
}

// Run lists the hosts by name.
func (c *heartbeatsHostsCmd) Run(ctx context.Context, std Streams) error {
	clock, err := c.clock()
	if err != nil {
		return err
	}
	server, h, err := c.find(ctx)
	if err != nil {
		return err
	}
	if c.Forget != "" {
		_, err := server.ForgetHost(ctx, idOrRef(h), c.Forget)
		return withHeartbeatName(c.SlugOrID, err)
	}
	hosts := append([]client.Host{}, h.Hosts...) // not nil, so that its JSON is []
	if c.JSON {
		return printJSON(std, hosts)
	}
	if h.Instances == "any" {
		warn(std, "a ping of any host is enough: set instances to each or a number with overdue heartbeats edit")
	}
	t := table.New(
		table.Column{Title: "HOST", Keep: true},
		table.Column{Title: "STATE", Keep: true},
		table.Column{Title: clock.title("LAST SUCCESS")},
		table.Column{Title: clock.title("LAST REPORT")},
	)
	for _, host := range hosts {
		t.Add(printable(host.Name), host.State, clock.text(host.LastSuccessAt), clock.text(&host.LastReportAt))
	}
	return t.Write(std.Out, table.Width(std.Out))
}
