package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/alecthomas/kong"

	"overdue/client"
	"overdue/internal/manage"
	"overdue/internal/schedule"
)

// heartbeatsCmd groups what is done with heartbeats, all of it through the API:
// it works from any machine that has a key.
type heartbeatsCmd struct {
	List   heartbeatsListCmd   `cmd:"" help:"List heartbeats."`
	Create heartbeatsCreateCmd `cmd:"" help:"Create a heartbeat and print its ping URL."`
	Pause  heartbeatsPauseCmd  `cmd:"" help:"Stop judging a heartbeat."`
	Resume heartbeatsResumeCmd `cmd:"" help:"Judge a heartbeat again."`
	Delete heartbeatsDeleteCmd `cmd:"" help:"Delete a heartbeat and its history."`
}

// apiFlags say which server is meant and who asks.
type apiFlags struct {
	URL    string `name:"url" placeholder:"ADDRESS" setting:"env" help:"Address of the server, for example https://overdue.example.org."`
	APIKey Secret `name:"api-key" placeholder:"KEY" setting:"env" secret:"" help:"API key; better given in a file than on the command line."`
}

// newClient returns a client for the server that the flags name.
func (f apiFlags) newClient() (*client.Client, error) {
	switch {
	case f.URL == "":
		return nil, usageError("no server address: give --url or $%s", variableName("url"))
	case f.APIKey == "":
		return nil, usageError("no API key: give $%s or $%s_FILE", variableName("api-key"), variableName("api-key"))
	}
	return client.New(f.URL, string(f.APIKey), client.WithUserAgent(userAgent())), nil
}

// heartbeatsListCmd prints all heartbeats, for people or for programs.
type heartbeatsListCmd struct {
	apiFlags

	Status string `placeholder:"STATUS" help:"Only those that are new, up, late, down or paused."`
	Tag    string `placeholder:"TAG" help:"Only those with this tag."`
	JSON   bool   `name:"json" help:"Print everything, as JSON."`
}

// Run prints the list.
func (c *heartbeatsListCmd) Run(ctx context.Context, std Streams) error {
	far, err := c.newClient()
	if err != nil {
		return err
	}
	all := []client.Heartbeat{}
	for h, err := range far.AllHeartbeats(ctx, client.HeartbeatQuery{Status: c.Status, Tag: c.Tag}) {
		if err != nil {
			return fmt.Errorf("heartbeats: %w", err)
		}
		all = append(all, h)
	}
	if !c.JSON {
		return writeHeartbeatTable(std.Out, all)
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("heartbeats: %w", err)
	}
	return printLine(std, string(text))
}

// heartbeatsCreateCmd makes a heartbeat. Durations go to the server as they were
// written: what "1d" means is decided in one place.
type heartbeatsCreateCmd struct {
	apiFlags

	Name     string `required:"" placeholder:"NAME" help:"Name, up to 100 characters."`
	Slug     string `placeholder:"SLUG" help:"Short name for scripts. Default: made from the name."`
	Interval string `placeholder:"DURATION" help:"Time between pings, such as 5m, 24h or 1d. One of --interval, --cron and --oncalendar is required."`

	// Separators off: a cron line has commas.
	Cron       []string `sep:"none" placeholder:"LINE" help:"Line of a crontab, such as \"0 3 * * *\"; may be given more than once."`
	OnCalendar []string `name:"oncalendar" sep:"none" placeholder:"EXPRESSION" help:"Calendar expression of systemd, such as \"Mon..Fri 03:00\"; may be given more than once."`
	Timezone   string   `placeholder:"ZONE" help:"Time zone of --cron or --oncalendar, such as Europe/Berlin. Default: the project's."`

	Early         string `placeholder:"DURATION" help:"${field_early}"`
	Grace         string `placeholder:"DURATION" help:"${field_grace}"`
	MinRunTime    string `placeholder:"DURATION" help:"${field_min_run_time}"`
	MaxRunTime    string `placeholder:"DURATION" help:"${field_max_run_time}"`
	StartGrace    string `placeholder:"DURATION" help:"${field_start_grace}"`
	AlertAfter    int    `placeholder:"N" help:"${field_alert_after}"`
	ExpectFirstBy string `placeholder:"TIME" help:"${field_expect_first_by}"`
	Severity      string `placeholder:"SEVERITY" help:"${field_severity}"`

	Tags   []string `name:"tag" placeholder:"TAG" help:"Tag; may be given more than once."`
	Update bool     `help:"Change the heartbeat with this slug if there is one already."`
}

// fieldHelp returns the help texts of the flags that are fields of a heartbeat, as variables of
// the struct tags.
func fieldHelp() kong.Vars {
	texts := kong.Vars{}
	for _, f := range manage.HeartbeatFields {
		texts["field_"+f.Name] = f.Flag
	}
	return texts
}

// Help is the long part of --help.
func (heartbeatsCreateCmd) Help() string {
	return `Prints the ping URL. With --slug and --update it can be run again and again, by a deployment for example.
Durations need a unit, such as 90s, 15m, 24h or 1d.

Examples:

    overdue heartbeats create --name "Nightly backup" --interval 1d --grace 1h
    overdue heartbeats create --name Sync --slug sync --interval 5m --tag prod --update
    overdue heartbeats create --name Report --cron "0 6 * * mon-fri" --timezone Europe/Berlin --max-run-time 2h`
}

// Run creates the heartbeat.
func (c *heartbeatsCreateCmd) Run(ctx context.Context, std Streams) error {
	schedules := 0
	for _, given := range []bool{c.Interval != "", len(c.Cron) > 0, len(c.OnCalendar) > 0} {
		if given {
			schedules++
		}
	}
	switch {
	case c.Update && c.Slug == "":
		return usageError("--update needs --slug, to know which heartbeat to change")
	case schedules != 1:
		return usageError("give one of --interval, --cron and --oncalendar")
	}
	if err := c.checkDurationUnits(); err != nil {
		return err
	}
	far, err := c.newClient()
	if err != nil {
		return err
	}
	var h client.Heartbeat
	if c.Update {
		h, _, err = far.PutHeartbeat(ctx, c.Slug, c.settings())
	} else {
		h, err = far.CreateHeartbeat(ctx, c.settings())
	}
	switch {
	case err != nil:
		return fmt.Errorf("heartbeat %q: %w", c.Name, err)
	case h.PingURL == nil:
		return errors.New("heartbeat: the server did not tell its ping URL; is this key read-only?")
	}
	return printLine(std, *h.PingURL)
}

// durations returns the values of the duration flags, by name.
func (c *heartbeatsCreateCmd) durations() map[string]string {
	return map[string]string{
		"interval": c.Interval, "early": c.Early, "grace": c.Grace, "min-run-time": c.MinRunTime,
		"max-run-time": c.MaxRunTime, "start-grace": c.StartGrace,
	}
}

// checkDurationUnits rejects durations without a unit, as the form does: 24 means hours to some
// people and seconds to the API.
func (c *heartbeatsCreateCmd) checkDurationUnits() error {
	given := c.durations()
	for _, flag := range slices.Sorted(maps.Keys(given)) {
		if choices, bare := schedule.DurationsWithoutUnit(given[flag]); bare {
			return usageError("--%s %s: %s has no unit: write %s", flag, given[flag], given[flag], schedule.JoinAlternatives(choices))
		}
	}
	return nil
}

// settings holds only what was given. A default that we filled in would
// overwrite, on --update, what somebody has set by hand.
func (c *heartbeatsCreateCmd) settings() client.HeartbeatSettings {
	s := client.HeartbeatSettings{Name: &c.Name}
	if c.Slug != "" && !c.Update { // else the slug is part of the address
		s.Slug = &c.Slug
	}
	for _, d := range []struct {
		given string
		into  *any
	}{
		{c.Interval, &s.Interval},
		{c.Early, &s.Early},
		{c.Grace, &s.Grace},
		{c.MinRunTime, &s.MinRunTime},
		{c.MaxRunTime, &s.MaxRunTime},
		{c.StartGrace, &s.StartGrace},
	} {
		if d.given != "" {
			*d.into = d.given
		}
	}
	if len(c.Cron) > 0 {
		s.Cron = &c.Cron
	}
	if len(c.OnCalendar) > 0 {
		s.OnCalendar = &c.OnCalendar
	}
	if c.Timezone != "" {
		s.Timezone = &c.Timezone
	}
	if c.AlertAfter != 0 {
		s.AlertAfter = &c.AlertAfter
	}
	if c.Severity != "" {
		s.Severity = &c.Severity
	}
	if c.ExpectFirstBy != "" {
		s.ExpectFirstBy = &c.ExpectFirstBy
	}
	if len(c.Tags) > 0 {
		s.Tags = &c.Tags
	}
	return s
}
