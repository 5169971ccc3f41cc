package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"overdue/client"
	"overdue/internal/cli/table"
)

// policiesCmd groups the commands for alert policies.
type policiesCmd struct {
	List   policiesListCmd   `cmd:"" help:"List alert policies and their steps."`
	Show   policiesShowCmd   `cmd:"" help:"Show one alert policy."`
	Create policiesCreateCmd `cmd:"" help:"Create an alert policy."`
	Edit   policiesEditCmd   `cmd:"" help:"Change an alert policy."`
	Delete policiesDeleteCmd `cmd:"" help:"Delete an alert policy."`
}

// policiesListCmd prints policies, the default first.
type policiesListCmd struct {
	apiFlags

	JSON bool `name:"json" help:"Print all fields as JSON. Times are in UTC, channels are ids."`
}

// Help is the long part of --help.
func (policiesListCmd) Help() string {
	return `The default policy is the first. It applies to heartbeats that name no channels and no policy. Other policies apply to the heartbeats that name them.

Examples:

    overdue policies list
    overdue policies list --json`
}

// Run prints the list.
func (c *policiesListCmd) Run(ctx context.Context, std Streams) error {
	var channels []client.Channel
	return list[client.Policy]{
		noun: "policies", api: c.apiFlags, json: c.JSON,
		read: func(server *client.Client) ([]client.Policy, error) {
			page, err := server.Policies(ctx)
			if err == nil && !c.JSON {
				channels, err = collectAll(server.AllChannels(ctx, client.PageQuery{}))
			}
			slices.SortStableFunc(page.Items, func(a, b client.Policy) int {
				return cmp.Compare(yesNo(b.Default), yesNo(a.Default))
			})
			return append([]client.Policy{}, page.Items...), err // not nil, so that its JSON is []
		},
		table: func(all []client.Policy, _ clock) *table.Table { return policyTable(all, channels) },
	}.print(std)
}

// policyTable returns the table of the list.
func policyTable(all []client.Policy, channels []client.Channel) *table.Table {
	t := table.New(
		table.Column{Title: "DEFAULT", Keep: true},
		table.Column{Title: "NAME", Min: 20, Keep: true},
		table.Column{Title: "SLUG", Keep: true},
		table.Column{Title: "HEARTBEATS"},
		table.Column{Title: "STEPS", Min: 20},
		table.Column{Title: "ID"},
	)
	for _, p := range all {
		var steps []string
		for _, s := range p.Steps {
			steps = append(steps, stepText(s, channels))
		}
		if every := repeatOf(p); every != nil {
			steps = append(steps, "then every "+durationText(*every))
		}
		t.Add(yesNo(p.Default), printable(p.Name), printable(p.Slug), strconv.Itoa(p.HeartbeatsCount), strings.Join(steps, "; "), p.ID)
	}
	return t
}

// stepText describes a step in one line.
func stepText(s client.PolicyStep, channels []client.Channel) string {
	names := make([]string, len(s.Channels))
	for i, id := range s.Channels {
		names[i] = "a deleted channel"
		if n := slices.IndexFunc(channels, func(ch client.Channel) bool { return ch.ID == id }); n >= 0 {
			names[i] = printable(channels[n].Name)
		}
	}
	return afterText(s.After) + ": " + strings.Join(names, ", ")
}

// afterText describes a time since the opening of an incident.
func afterText(seconds int64) string {
	if seconds == 0 {
		return "at the opening"
	}
	return "after " + durationText(seconds)
}

// repeatOf returns the seconds between the reminders after the last step, nil for none.
func repeatOf(p client.Policy) *int64 {
	if len(p.Steps) == 0 {
		return nil
	}
	return p.Steps[len(p.Steps)-1].RepeatEvery
}

// policyArg names one policy.
type policyArg struct {
	apiFlags

	Policy string `arg:"" name:"policy" help:"Slug, name or id of the policy."`
}

// find returns the policy.
func (c *policyArg) find(ctx context.Context) (*client.Client, client.Policy, error) {
	server, err := c.newClient()
	if err != nil {
		return nil, client.Policy{}, err
	}
	page, err := server.Policies(ctx)
	if err != nil {
		return nil, client.Policy{}, c.named(err)
	}
	var named []client.Policy
	for _, p := range page.Items {
		if p.ID == c.Policy || p.Slug == c.Policy {
			return server, p, nil
		}
		if p.Name == c.Policy {
			named = append(named, p)
		}
	}
	switch len(named) {
	case 0:
		return nil, client.Policy{}, c.named(errors.New("there is no policy with this slug, name or id; overdue policies list shows them"))
	case 1:
		return server, named[0], nil
	}
	return nil, client.Policy{}, c.named(fmt.Errorf("%d policies have this name; write the slug of one of them", len(named)))
}

// named adds the policy as it was typed to an error.
func (c *policyArg) named(err error) error { return fmt.Errorf("policy %s: %w", c.Policy, err) }

// policiesShowCmd prints one policy.
type policiesShowCmd struct {
	policyArg
	zoneFlag

	JSON bool `name:"json" help:"Print all fields as JSON. Times are in UTC, channels are ids."`
}

// Help is the long part of --help.
func (policiesShowCmd) Help() string {
	return `To see who is notified of the incidents of a heartbeat, run overdue heartbeats notifications.

Examples:

    overdue policies show nights`
}

// Run prints the policy.
func (c *policiesShowCmd) Run(ctx context.Context, std Streams) error {
	clock, err := c.clock()
	if err != nil {
		return err
	}
	server, p, err := c.find(ctx)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return printJSON(std, p)
	}
	channels, err := collectAll(server.AllChannels(ctx, client.PageQuery{}))
	if err != nil {
		return c.named(err)
	}
	d := &details{}
	d.add("Name", p.Name)
	d.add("Slug", p.Slug)
	d.add("Default", defaultText(p))
	d.add("Heartbeats", heartbeatsText(p))
	for n, s := range p.Steps {
		d.add("Step "+strconv.Itoa(n+1), stepText(s, channels))
	}
	if every := repeatOf(p); every != nil {
		d.add("Repeats", "the last step every "+durationText(*every))
	}
	d.add(clock.title("Created"), clock.text(&p.CreatedAt))
	d.add("Id", p.ID)
	return printLine(std, d.String())
}

// defaultText says whether the policy is the default, and how to change that.
func defaultText(p client.Policy) string {
	if p.Default {
		return "yes"
	}
	return "no; to change that, run overdue policies edit " + p.Slug + " --default"
}

// heartbeatsText says how many heartbeats the policy applies to, and how many of them name it.
func heartbeatsText(p client.Policy) string {
	switch {
	case p.HeartbeatsCount == 0:
		return "none, so it has no effect; to change that, run overdue heartbeats edit HEARTBEAT --policy " + p.Slug
	case p.Default:
		return fmt.Sprintf("%d, of which %d name it", p.HeartbeatsCount, p.NamedByCount)
	}
	return fmt.Sprintf("%d, which name it", p.HeartbeatsCount)
}

// policiesDeleteCmd deletes a policy.
type policiesDeleteCmd struct {
	policyArg

	Replace bool `help:"Delete the policy although heartbeats name it: they then use the default policy, or notify all channels if the project has none."`
	Yes     bool `help:"Do not ask for confirmation."`
}

// Help is the long part of --help.
func (policiesDeleteCmd) Help() string {
	return `Without a default policy, heartbeats that name no channels and no policy notify all channels of the project at once. Open incidents keep their steps. With --yes, a policy that heartbeats name is deleted only with --replace.

Examples:

    overdue policies delete nights
    overdue policies delete nights --yes`
}

// Run deletes the policy after a confirmation.
func (c *policiesDeleteCmd) Run(ctx context.Context, std Streams) error {
	if !c.Yes && !isTerminal(std.In) {
		return errNoTerminal("delete")
	}
	server, p, err := c.find(ctx)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Delete policy %q?", printable(p.Name))
	if p.HeartbeatsCount > 0 && p.Default {
		question = fmt.Sprintf("It applies to %d heartbeats, which will notify all channels of the project. %s", p.HeartbeatsCount, question)
	} else if p.HeartbeatsCount > 0 {
		question = fmt.Sprintf("%d heartbeats name it; they will use the default policy, or notify all channels of the project if it has none. %s", p.HeartbeatsCount, question)
	}
	if !c.Yes && !confirm(std, question) {
		return errors.New("nothing deleted")
	}
	if err := server.DeletePolicy(ctx, p.ID, c.Replace || !c.Yes); err != nil {
		return c.named(err)
	}
	return nil
}
