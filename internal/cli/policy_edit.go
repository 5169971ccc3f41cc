package cli

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"overdue/client"
	"overdue/internal/schedule"
)

// policyFlags are the settings of a policy that create and edit share.
type policyFlags struct {
	Slug    string   `placeholder:"SLUG" help:"Short name for scripts. Default: derived from the name."`
	Step    []string `member:"steps" sep:"none" placeholder:"DELAY:CHANNEL,..." help:"Step of the policy: the time since the opening of the incident, and the channels to notify, by name or id, such as 15m:Ops,Phone. The first step has the delay 0. Can be repeated."`
	Repeat  *string  `duration:"" unset:"null" placeholder:"DURATION" help:"Time between reminders after the last step while the incident is open and not acknowledged, such as 30m. Default: no reminders."`
	Default *bool    `negatable:"" help:"Apply the policy to all heartbeats that name no channels and no policy. It replaces the current default policy. Default: no."`
}

// typedStep is the value of --step before the channels are looked up.
type typedStep struct{ delay, channels string }

// typedSteps returns the steps that the command line has. It needs no server.
func (f *policyFlags) typedSteps() (steps []typedStep, err error) {
	if f.Repeat != nil {
		if err := checkUnit("--repeat "+*f.Repeat, *f.Repeat); err != nil {
			return nil, err
		}
	}
	for _, text := range f.Step {
		delay, channels, found := strings.Cut(text, ":")
		delay, channels = strings.TrimSpace(delay), strings.TrimSpace(channels)
		if !found || delay == "" || channels == "" {
			return nil, usageError("--step %s: write the delay, a colon and the channels, such as 15m:Ops,Phone", text)
		}
		if err := checkUnit("--step "+text, delay); err != nil {
			return nil, err
		}
		if _, err := schedule.ParseDuration(delay); err != nil && strings.Trim(delay, "0") != "" {
			return nil, usageError("--step %s: %s is not a duration; write the delay, a colon and the channels, such as 15m:Ops,Phone", text, delay)
		}
		steps = append(steps, typedStep{delay, channels})
	}
	return steps, nil
}

// checkUnit rejects a duration without a unit. where is the flag with its value.
func checkUnit(where, text string) error {
	if choices, bare := schedule.DurationsWithoutUnit(text); bare {
		return usageError("%s: %s has no unit: write %s", where, text, schedule.JoinAlternatives(choices))
	}
	return nil
}

// settings returns the settings of the step, with the ids of their channels.
func (s typedStep) settings(channels []client.Channel) (client.PolicyStepSettings, error) {
	one := client.PolicyStepSettings{After: s.delay}
	if strings.Trim(s.delay, "0") == "" {
		one.After = 0
	}
	for parts := strings.Split(s.channels, ","); len(parts) > 0; {
		id, used, err := firstChannel(parts, channels)
		if err != nil {
			return one, fmt.Errorf("--step %s:%s: %w", s.delay, s.channels, err)
		}
		if !slices.Contains(one.Channels, id) {
			one.Channels = append(one.Channels, id)
		}
		parts = parts[used:]
	}
	return one, nil
}

// firstChannel returns the id of the channel that the parts begin with, and the number of parts
// of its name: a name can contain commas, so the longest name that exists is meant.
func firstChannel(parts []string, channels []client.Channel) (id string, used int, err error) {
	for used = len(parts); used > 0; used-- {
		text := strings.TrimSpace(strings.Join(parts[:used], ","))
		var named []string
		for _, ch := range channels {
			if ch.ID == text {
				return ch.ID, used, nil
			}
			if ch.Name == text {
				named = append(named, ch.ID)
			}
		}
		switch {
		case len(named) == 1:
			return named[0], used, nil
		case len(named) > 1:
			return "", 0, fmt.Errorf("channel %s: %d channels have this name; write the id of one of them", text, len(named))
		}
	}
	if text := strings.TrimSpace(parts[0]); text != "" {
		return "", 0, fmt.Errorf("channel %s: there is no channel with this name or id; overdue channels list shows them", text)
	}
	return "", 0, errors.New("the name of a channel is missing next to a comma")
}

// fill writes the settings that the command line has into s. Others stay absent. Steps that it does
// not have come from the current policy, so that --repeat needs no --step, and the reverse.
func (f *policyFlags) fill(ctx context.Context, server *client.Client, s *client.PolicySettings, typed []typedStep, current client.Policy, noRepeat bool) error {
	if f.Slug != "" {
		s.Slug = &f.Slug
	}
	s.Default = f.Default
	if len(typed) == 0 && f.Repeat == nil && !noRepeat {
		return nil
	}
	channels, err := collectAll(server.AllChannels(ctx, client.PageQuery{}))
	if err != nil {
		return err
	}
	for _, step := range typed {
		one, err := step.settings(channels)
		if err != nil {
			return err
		}
		s.Steps = append(s.Steps, one)
	}
	if len(typed) == 0 {
		if s.Steps, err = currentSteps(current, channels); err != nil {
			return err
		}
	}
	last := &s.Steps[len(s.Steps)-1]
	switch every := repeatOf(current); {
	case f.Repeat != nil:
		last.RepeatEvery = *f.Repeat
	case every != nil && !noRepeat:
		last.RepeatEvery = *every
	}
	return nil
}

// currentSteps returns the steps of a policy without deleted channels, which the server rejects.
func currentSteps(p client.Policy, channels []client.Channel) (steps []client.PolicyStepSettings, err error) {
	for n, s := range p.Steps {
		one := client.PolicyStepSettings{After: s.After}
		for _, id := range s.Channels {
			if slices.ContainsFunc(channels, func(ch client.Channel) bool { return ch.ID == id }) {
				one.Channels = append(one.Channels, id)
			}
		}
		if len(one.Channels) == 0 {
			return nil, fmt.Errorf("all channels of step %d were deleted: write all steps again with --step", n+1)
		}
		steps = append(steps, one)
	}
	if len(steps) == 0 {
		return nil, errors.New("the policy has no steps: write them with --step")
	}
	return steps, nil
}

// policiesCreateCmd creates a policy.
type policiesCreateCmd struct {
	apiFlags

	Name string `required:"" placeholder:"NAME" help:"Name, up to 100 characters."`
	policyFlags
	JSON bool `name:"json" help:"Print all fields of the policy as JSON, not only its slug."`
}

// Help is the long part of --help.
func (policiesCreateCmd) Help() string {
	return `A policy notifies more channels while no one acknowledges an incident. It needs at least one --step. Prints the slug of the policy.

Examples:

    overdue policies create --name Nights --step 0:Ops --step 15m:Ops,Phone --step 1h:Boss --repeat 30m --default
    overdue policies create --name Days --step "0:On call EU"`
}

// Run creates the policy. A policy that is not the default has no effect until a heartbeat names it, so a
// line on standard error names the commands that change that.
func (c *policiesCreateCmd) Run(ctx context.Context, std Streams) error {
	typed, err := c.typedSteps()
	switch {
	case err != nil:
		return err
	case len(typed) == 0:
		return usageError("no step: write at least one, such as --step 0:Ops")
	}
	server, err := c.newClient()
	if err != nil {
		return err
	}
	s := client.PolicySettings{Name: &c.Name}
	if err := c.fill(ctx, server, &s, typed, client.Policy{}, false); err != nil {
		return fmt.Errorf("policy %q: %w", c.Name, err)
	}
	p, err := server.CreatePolicy(ctx, s)
	switch {
	case err != nil:
		return fmt.Errorf("policy %q: %w", c.Name, err)
	case c.JSON:
		return printJSON(std, p)
	}
	if err := printLine(std, p.Slug); err != nil {
		return err
	}
	if !p.Default {
		warn(std, "policy created; it has no effect until a heartbeat names it, or it is the default: run overdue heartbeats edit HEARTBEAT --policy %[1]s, or overdue policies edit %[1]s --default", p.Slug)
	}
	return nil
}

// policyUnsetNames are the names that --unset accepts.
var policyUnsetNames = []string{"repeat"}

// policiesEditCmd changes a policy.
type policiesEditCmd struct {
	policyArg

	Name string `placeholder:"NAME" help:"New name, up to 100 characters."`
	policyFlags
	Unset []string `placeholder:"FLAG" help:"Reset a setting to its default: repeat."`
	JSON  bool     `name:"json" help:"Print all fields of the changed policy as JSON."`
}

// Help is the long part of --help.
func (policiesEditCmd) Help() string {
	return `Changes only the given settings. The steps are replaced as a whole; they keep the reminders, unless --repeat or --unset repeat is set. Open incidents keep the steps that they began with.

Examples:

    overdue policies edit nights --step 0:Ops --step 10m:Phone
    overdue policies edit nights --repeat 1h
    overdue policies edit nights --unset repeat
    overdue policies edit days --default`
}

// Run changes the policy.
func (c *policiesEditCmd) Run(ctx context.Context, std Streams) error {
	typed, err := c.typedSteps()
	if err != nil {
		return err
	}
	for _, name := range c.Unset {
		switch {
		case !slices.Contains(policyUnsetNames, name):
			return usageError("--unset %s: must be %s", name, strings.Join(policyUnsetNames, ", "))
		case c.Repeat != nil:
			return usageError("--unset %s and a new value exclude each other: set only one of them", name)
		}
	}
	var s client.PolicySettings
	if c.Name != "" {
		s.Name = &c.Name
	}
	if c.Name == "" && len(c.Unset) == 0 && reflect.ValueOf(c.policyFlags).IsZero() {
		return usageError("nothing to change: set at least one of the flags that --help lists")
	}
	server, p, err := c.find(ctx)
	if err != nil {
		return err
	}
	if len(typed) > 0 || c.Repeat != nil || len(c.Unset) > 0 { // all steps are replaced: fail if they change in between
		if p, err = server.Policy(ctx, p.ID); err != nil {
			return c.named(err)
		}
		s.IfMatch = p.ETag
	}
	if err := c.fill(ctx, server, &s, typed, p, len(c.Unset) > 0); err != nil {
		return c.named(err)
	}
	changed, err := server.ChangePolicy(ctx, p.ID, s)
	switch {
	case err != nil:
		return c.named(err)
	case c.JSON:
		return printJSON(std, changed)
	}
	return nil
}
