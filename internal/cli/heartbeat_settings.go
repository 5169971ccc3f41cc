package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"overdue/client"
	"overdue/internal/manage"
	"overdue/internal/schedule"
)

// memberTag names the member of the API that a flag sets. unsetTag says how
// --unset resets it: to null, to an empty value, or to the value in the tag.
// durationTag marks a duration.
const (
	memberTag   = "member"
	unsetTag    = "unset"
	durationTag = "duration"
)

// Values of unsetTag that are not a value of the setting.
const (
	unsetToNull  = "null"
	unsetToEmpty = "empty"
)

// heartbeatFlags are the settings of a heartbeat, one flag for each member of the
// API. This is the only list of them: create, edit, --unset, the request and the
// names in errors come from here. Durations reach the server as they were written,
// so that only the server defines what "1d" means. A flag that was not given is nil, so
// that "--alert-after 0" is not the same as no flag.
type heartbeatFlags struct {
	Description *string `member:"description" unset:"empty" empty:"" placeholder:"TEXT" help:"Where the job runs, who owns it, what to do when it is down. Alerts contain it."`
	Interval    *string `member:"interval" duration:"" placeholder:"DURATION" help:"Time between pings, such as 5m, 24h or 1d."`

	// Separators are off because cron lines contain commas.
	Cron       []string `member:"cron" sep:"none" placeholder:"LINE" help:"Cron line, such as \"0 3 * * *\". Can be repeated."`
	OnCalendar []string `name:"oncalendar" member:"oncalendar" sep:"none" placeholder:"EXPRESSION" help:"systemd calendar expression, such as \"Mon..Fri 03:00\". Can be repeated."`
	Timezone   *string  `member:"timezone" unset:"empty" placeholder:"ZONE" help:"Time zone of --cron or --oncalendar, such as Europe/Berlin. Default: the zone of the project."`

	Early         *string `member:"early" unset:"null" duration:"" placeholder:"DURATION" help:"${field_early}"`
	Grace         *string `member:"grace" unset:"5m" duration:"" placeholder:"DURATION" help:"${field_grace}"`
	MinRunTime    *string `member:"min_run_time" unset:"null" duration:"" placeholder:"DURATION" help:"${field_min_run_time}"`
	MaxRunTime    *string `member:"max_run_time" unset:"null" duration:"" placeholder:"DURATION" help:"${field_max_run_time}"`
	StartGrace    *string `member:"start_grace" unset:"null" duration:"" placeholder:"DURATION" help:"${field_start_grace}"`
	AlertAfter    *int    `member:"alert_after" unset:"1" placeholder:"N" help:"${field_alert_after}"`
	Instances     *string `member:"instances" unset:"null" placeholder:"any|each|N" help:"${field_instances}"`
	ExpectFirstBy *string `member:"expect_first_by" unset:"null" placeholder:"TIME" help:"${field_expect_first_by}"`

	Severity       *string  `member:"severity" unset:"critical" enum:"critical,warning,info" placeholder:"SEVERITY" help:"${field_severity}"`
	FlappingAlerts *string  `member:"flapping_alerts" unset:"hold" enum:"hold,send" placeholder:"ALERTS" help:"${field_flapping_alerts}"`
	Methods        *string  `member:"methods" unset:"any" enum:"any,post" placeholder:"METHODS" help:"Requests that count as pings: any (POST, GET and HEAD) or post. Default: any."`
	ManualResume   *bool    `member:"manual_resume" unset:"false" negatable:"" help:"A ping does not resume the heartbeat when it is paused."`
	Channels       []string `name:"channel" member:"channels" unset:"null" sep:"none" placeholder:"NAME|ID" help:"Channel to notify at once. Can be repeated. Default: the channels of the policy, or all channels if the project has no default policy."`
	Policy         *string  `member:"policy" unset:"null" placeholder:"POLICY" help:"${field_policy}"`
	Tags           []string `name:"tag" member:"tags" unset:"empty" empty:"" placeholder:"TAG" help:"Tag. Can be repeated."`
}

// fieldHelp returns the help texts of the flags of heartbeats, as variables of the
// struct tags. The server's list of fields contains them.
func fieldHelp() kong.Vars {
	texts := kong.Vars{}
	for _, f := range manage.HeartbeatFields {
		texts["field_"+f.Name] = f.Flag
	}
	return texts
}

// check rejects flags before the server is asked.
func (f *heartbeatFlags) check() error {
	schedules := 0
	for _, given := range []bool{f.Interval != nil, len(f.Cron) > 0, len(f.OnCalendar) > 0} {
		if given {
			schedules++
		}
	}
	if schedules > 1 {
		return usageError("--interval, --cron and --oncalendar exclude each other: set only one of them")
	}
	return f.checkUnits()
}

// checkUnits rejects durations without a unit, as the form does: 24 means hours to
// some people and seconds to the API.
func (f *heartbeatFlags) checkUnits() error {
	for _, s := range settingsIn(f) {
		text, _ := s.value.Interface().(*string)
		if _, isDuration := s.tag.Lookup(durationTag); !isDuration || text == nil {
			continue
		}
		if choices, bare := schedule.DurationsWithoutUnit(*text); bare {
			return usageError("--%s %s: %s has no unit: write %s", s.flag, *text, *text, schedule.JoinAlternatives(choices))
		}
	}
	return nil
}

// flagSetting is a flag that sets a member of the API.
type flagSetting struct {
	flag, member string
	tag          reflect.StructTag
	value        reflect.Value
}

// settingsIn returns the settings of a pointer to a struct of flags.
func settingsIn(flags any) []flagSetting {
	var all []flagSetting
	value := reflect.ValueOf(flags).Elem()
	for i := range value.NumField() {
		field := value.Type().Field(i)
		member, found := field.Tag.Lookup(memberTag)
		if !found {
			continue
		}
		flag := field.Tag.Get("name")
		if flag == "" {
			flag = strings.ReplaceAll(member, "_", "-")
		}
		all = append(all, flagSetting{flag, member, field.Tag, value.Field(i)})
	}
	return all
}

// fill writes the settings that the command line has into s. Other members stay
// absent: a default that this program filled in would overwrite what was set on
// the server.
func (f *heartbeatFlags) fill(s *client.HeartbeatSettings) {
	for _, one := range settingsIn(f) {
		if !one.value.IsNil() {
			setMember(s, one.member, one.value)
		}
	}
}

// unset resets settings by the names of their flags.
func (f *heartbeatFlags) unset(s *client.HeartbeatSettings, flags []string) error {
	var known []string
	for _, one := range settingsIn(f) {
		how, can := one.tag.Lookup(unsetTag)
		if !can {
			continue
		}
		known = append(known, one.flag)
		if !slices.Contains(flags, one.flag) {
			continue
		}
		if !one.value.IsNil() {
			return usageError("--%s and --unset %[1]s exclude each other: set only one of them", one.flag)
		}
		if err := resetMember(s, one.member, how); err != nil {
			return err
		}
	}
	for _, flag := range flags {
		if !slices.Contains(known, flag) {
			return usageError("--unset %s: must be one of %s", flag, strings.Join(known, ", "))
		}
	}
	return nil
}

// memberOf returns the field of s that is written as a member in JSON.
func memberOf(s *client.HeartbeatSettings, member string) reflect.Value {
	value := reflect.ValueOf(s).Elem()
	for i := range value.NumField() {
		name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
		if name == member {
			return value.Field(i)
		}
	}
	panic("no member " + member + " in client.HeartbeatSettings") // a test compares them
}

// setMember sets a member to the value of a flag.
func setMember(s *client.HeartbeatSettings, member string, value reflect.Value) {
	target := memberOf(s, member)
	switch {
	case target.Kind() == reflect.Interface:
		target.Set(value.Elem())
	case target.Type() == value.Type():
		target.Set(value)
	default: // the flag is a list and the member a pointer to one
		target.Set(reflect.New(target.Type().Elem()))
		target.Elem().Set(value)
	}
}

// resetMember sets a member to null, to an empty text or list, or to a value.
func resetMember(s *client.HeartbeatSettings, member, to string) error {
	target := memberOf(s, member)
	if target.Kind() == reflect.Interface { // a duration
		value := any(to)
		if to == unsetToNull {
			value = json.RawMessage("null")
		}
		target.Set(reflect.ValueOf(value))
		return nil
	}
	// A pointer to a nil list is null in JSON.
	target.Set(reflect.New(target.Type().Elem()))
	value := target.Elem()
	switch {
	case to == unsetToEmpty && value.Kind() == reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), 0, 0))
	case to == unsetToEmpty, to == unsetToNull:
	case value.Kind() == reflect.String:
		value.SetString(to)
	default: // a number or a boolean
		if err := json.Unmarshal([]byte(to), target.Interface()); err != nil {
			return fmt.Errorf("default of %s: %w", member, err) // a test resets every setting
		}
	}
	return nil
}

// resolveChannels replaces the names of channels by their ids.
func (f *heartbeatFlags) resolveChannels(ctx context.Context, server *client.Client) error {
	for i, name := range f.Channels {
		channel, err := findChannel(ctx, server, name)
		if err != nil {
			return fmt.Errorf("--channel: %w", err)
		}
		f.Channels[i] = channel.ID
	}
	return nil
}

// heartbeatsCreateCmd creates a heartbeat.
type heartbeatsCreateCmd struct {
	apiFlags
	heartbeatFlags

	Name   string `required:"" placeholder:"NAME" help:"Name, up to 100 characters."`
	Slug   string `placeholder:"SLUG" help:"Short name for scripts. Default: derived from the name."`
	Update bool   `help:"If a heartbeat with this --slug exists, change it."`
	JSON   bool   `name:"json" help:"Print all fields of the heartbeat as JSON, not only its ping URL."`
}

// Help is the long part of --help.
func (heartbeatsCreateCmd) Help() string {
	return `One of --interval, --cron and --oncalendar is required. Durations need a unit, such as 90s, 15m, 24h or 1d. With --slug and --update, the command can be run repeatedly, for example by a deployment.

Examples:

    overdue heartbeats create --name "Nightly backup" --interval 1d --grace 1h
    overdue heartbeats create --name Sync --slug sync --interval 5m --tag prod --update
    overdue heartbeats create --name Report --cron "0 6 * * mon-fri" --timezone Europe/Berlin --max-run-time 2h
    curl "$(overdue heartbeats create --name Test --interval 1h)"`
}

// Run creates the heartbeat.
func (c *heartbeatsCreateCmd) Run(ctx context.Context, std Streams) error {
	switch {
	case c.Update && c.Slug == "":
		return usageError("--update needs --slug, which names the heartbeat to change")
	case c.Interval == nil && len(c.Cron) == 0 && len(c.OnCalendar) == 0:
		return usageError("no schedule: set one of --interval, --cron and --oncalendar")
	}
	if err := c.check(); err != nil {
		return err
	}
	server, err := c.newClient()
	if err != nil {
		return err
	}
	h, err := c.create(ctx, server)
	switch {
	case err != nil:
		return fmt.Errorf("heartbeat %q: %w%s", c.Name, err, c.updateHint(err))
	case c.JSON:
		return printJSON(std, h)
	case h.PingURL == nil:
		return errors.New("heartbeat: the response has no ping URL: the API key is read-only")
	}
	return printLine(std, *h.PingURL)
}

// create sends the request.
func (c *heartbeatsCreateCmd) create(ctx context.Context, server *client.Client) (client.Heartbeat, error) {
	if err := c.resolveChannels(ctx, server); err != nil {
		return client.Heartbeat{}, err
	}
	s := client.HeartbeatSettings{Name: &c.Name}
	c.fill(&s)
	if c.Update {
		h, _, err := server.PutHeartbeat(ctx, c.Slug, s)
		return h, err
	}
	if c.Slug != "" {
		s.Slug = &c.Slug
	}
	return server.CreateHeartbeat(ctx, s)
}

// updateHint describes how to change the heartbeat that has the slug already.
func (c *heartbeatsCreateCmd) updateHint(err error) string {
	problem, ok := errors.AsType[*client.Problem](err)
	switch {
	case !ok || problem.Status != http.StatusConflict || c.Update:
		return ""
	case c.Slug == "":
		return " To change an existing heartbeat, add --slug SLUG --update."
	}
	return " To change that heartbeat, add --update."
}

// heartbeatsEditCmd changes a heartbeat.
type heartbeatsEditCmd struct {
	heartbeatArg
	heartbeatFlags

	Name  string   `placeholder:"NAME" help:"New name, up to 100 characters."`
	Slug  string   `placeholder:"SLUG" help:"New short name for scripts."`
	Unset []string `placeholder:"FLAG" help:"Reset a setting to its default, by the name of its flag. The schedule (interval, cron, oncalendar) has no default. Can be repeated."`
	JSON  bool     `name:"json" help:"Print all fields of the changed heartbeat as JSON."`
}

// Help is the long part of --help.
func (heartbeatsEditCmd) Help() string {
	return `Changes only the given settings. A flag that can be repeated replaces the whole list.

Examples:

    overdue heartbeats edit nightly-backup --grace 2h
    overdue heartbeats edit nightly-backup --channel "On call" --channel Mail
    overdue heartbeats edit nightly-backup --cron "0 4 * * *" --timezone UTC --unset max-run-time`
}

// Run changes the heartbeat.
func (c *heartbeatsEditCmd) Run(ctx context.Context, std Streams) error {
	if err := c.check(); err != nil {
		return err
	}
	var s client.HeartbeatSettings
	if err := c.unset(&s, c.Unset); err != nil {
		return err
	}
	server, h, err := c.find(ctx)
	if err != nil {
		return err
	}
	if err := c.resolveChannels(ctx, server); err != nil {
		return err
	}
	c.fill(&s)
	if c.Name != "" {
		s.Name = &c.Name
	}
	if c.Slug != "" {
		s.Slug = &c.Slug
	}
	if reflect.ValueOf(s).IsZero() {
		return usageError("nothing to change: set at least one of the flags that --help lists")
	}
	changed, err := server.ChangeHeartbeat(ctx, idOrRef(h), s)
	if err != nil {
		return withHeartbeatName(c.SlugOrID, err)
	}
	if c.JSON {
		return printJSON(std, changed)
	}
	return nil
}
