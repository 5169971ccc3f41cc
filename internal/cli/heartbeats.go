package cli

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/client"
	"overdue/internal/cli/settings"
	"overdue/internal/cli/table"
	duration "overdue/internal/schedule"
)

// heartbeatsCmd groups the commands for heartbeats. They use the API, so they work
// on any machine that has a key.
type heartbeatsCmd struct {
	List          heartbeatsListCmd          `cmd:"" help:"List heartbeats."`
	Show          heartbeatsShowCmd          `cmd:"" help:"Show one heartbeat and why it has its status."`
	Create        heartbeatsCreateCmd        `cmd:"" help:"Create a heartbeat and print its ping URL."`
	Edit          heartbeatsEditCmd          `cmd:"" help:"Change the settings of a heartbeat."`
	Pause         heartbeatsPauseCmd         `cmd:"" help:"Stop evaluating a heartbeat."`
	Resume        heartbeatsResumeCmd        `cmd:"" help:"Evaluate a paused heartbeat again."`
	Mute          heartbeatsMuteCmd          `cmd:"" help:"Send no alerts of a heartbeat for a time."`
	Unmute        heartbeatsUnmuteCmd        `cmd:"" help:"Send the alerts of a muted heartbeat again."`
	Hosts         heartbeatsHostsCmd         `cmd:"" help:"List the hosts of a heartbeat that count separately, or forget one."`
	Notifications heartbeatsNotificationsCmd `cmd:"" help:"Show who is notified of an incident of a heartbeat, when, and why."`
	Delete        heartbeatsDeleteCmd        `cmd:"" help:"Delete a heartbeat and its history."`
}

// apiFlags name the server and the key.
type apiFlags struct {
	URL    string          `name:"url" placeholder:"ADDRESS" setting:"env" help:"Address of the server, such as https://overdue.example.org."`
	APIKey settings.Secret `name:"api-key" placeholder:"KEY" setting:"env" secret:"" help:"API key. Prefer a variable or a file: other users of this machine can see the command line."`
}

// newClient returns a client for the server that the flags name.
func (f apiFlags) newClient() (*client.Client, error) {
	switch {
	case f.URL == "":
		return nil, usageError("no server address: set --url or $%s", settings.Variable("url"))
	case f.APIKey == "":
		return nil, usageError("no API key: set $%s or $%s_FILE", settings.Variable("api-key"), settings.Variable("api-key"))
	}
	return client.New(f.URL, string(f.APIKey), client.WithUserAgent(userAgent())), nil
}

// heartbeatsListCmd prints heartbeats, those that need attention first.
type heartbeatsListCmd struct {
	apiFlags
	zoneFlag

	Status *string  `enum:"new,up,late,down,paused" placeholder:"STATUS" help:"Only heartbeats with this status: new, up, late, down or paused."`
	Tags   []string `name:"tag" placeholder:"TAG" help:"Only heartbeats with this tag. If repeated: with all of them."`
	Search string   `placeholder:"TEXT" help:"Only heartbeats whose name, slug, description or tags contain this text."`
	JSON   bool     `name:"json" help:"Print all fields as JSON. Times are in UTC."`
}

// Help is the long part of --help.
func (heartbeatsListCmd) Help() string {
	return `The order is: down, late, new, paused, and then up by the next due time. On a terminal, columns that do not fit are hidden, beginning on the right, but never the slug; without a terminal, all columns are printed in full.

Examples:

    overdue heartbeats list
    overdue heartbeats list --status down --zone UTC
    overdue heartbeats list --tag prod --search backup --json`
}

// Run prints the list.
func (c *heartbeatsListCmd) Run(ctx context.Context, std Streams) error {
	return list[client.Heartbeat]{
		noun: "heartbeats", api: c.apiFlags, zone: c.zoneFlag, json: c.JSON,
		read: func(server *client.Client) ([]client.Heartbeat, error) {
			all, err := collectAll(server.AllHeartbeats(ctx, client.HeartbeatQuery{Status: valueOf(c.Status), Tags: c.Tags, Q: c.Search}))
			slices.SortStableFunc(all, byAttention)
			return all, err
		},
		table: heartbeatTable,
	}.print(std)
}

// statusesByUrgency is the order of statuses in the list, the most urgent first.
var statusesByUrgency = []string{"down", "late", "new", "paused", "up"}

// byAttention compares heartbeats by status, next due time and name.
func byAttention(a, b client.Heartbeat) int {
	dueFirst := func(h client.Heartbeat) time.Time {
		if h.DueAt == nil {
			return time.Unix(1<<40, 0) // after all others
		}
		return *h.DueAt
	}
	return cmp.Or(
		cmp.Compare(slices.Index(statusesByUrgency, a.Status), slices.Index(statusesByUrgency, b.Status)),
		dueFirst(a).Compare(dueFirst(b)),
		cmp.Compare(a.Name, b.Name),
	)
}

// heartbeatTable returns the table of the list. The columns on the right are hidden
// first, except the slug: the other commands need it, so it is also never cut.
func heartbeatTable(all []client.Heartbeat, clock clock) *table.Table {
	t := table.New(
		table.Column{Title: "STATUS", Keep: true},
		table.Column{Title: "NAME", Min: 24, Keep: true},
		table.Column{Title: clock.title("LAST PING")},
		table.Column{Title: "DUE"},
		table.Column{Title: "SLUG", Keep: true},
		table.Column{Title: "SCHEDULE", Min: 16},
		table.Column{Title: "ID"},
	)
	for _, h := range all {
		t.Add(statusText(h)+quietText(h), printable(h.Name), clock.text(h.LastPingAt), clock.text(h.DueAt), printable(h.Slug), scheduleText(h), idOrRef(h))
	}
	return t
}

// statusText returns the status, and whether a run is in progress.
func statusText(h client.Heartbeat) string {
	if h.Running {
		return h.Status + ", running"
	}
	return h.Status
}

// quietText says in the list why alerts of a heartbeat wait.
func quietText(h client.Heartbeat) (text string) {
	if h.Muted {
		text = ", muted"
	}
	if h.FlappingSince != nil {
		text += ", flapping"
	}
	return text
}

// scheduleText returns the interval, or the calendar in words, and the grace period.
func scheduleText(h client.Heartbeat) string {
	if h.Interval == nil {
		return printable(withPlainSpaces(h.Schedule)) + ", grace " + durationText(h.Grace)
	}
	return "every " + durationText(*h.Interval) + ", grace " + durationText(h.Grace)
}

// alertAfterText returns the number of failed runs that opens an incident, in words.
func alertAfterText(n int) string {
	if n == 1 {
		return "1 failed run"
	}
	return countText(n, "failed run") + " in a row"
}

// durationText returns a number of seconds in the words of the pages.
func durationText(seconds int64) string {
	return withPlainSpaces(duration.FormatDuration(time.Duration(seconds) * time.Second))
}

// withPlainSpaces replaces no-break spaces, which grep does not find.
func withPlainSpaces(text string) string { return strings.ReplaceAll(text, "\u00a0", " ") }

// heartbeatsShowCmd prints one heartbeat.
type heartbeatsShowCmd struct {
	heartbeatArg
	zoneFlag

	JSON bool `name:"json" help:"Print all fields as JSON. Times are in UTC."`
}

// Help is the long part of --help.
func (heartbeatsShowCmd) Help() string {
	return `Examples:

    overdue heartbeats show nightly-backup
    overdue heartbeats show nightly-backup --json`
}

// Run prints the heartbeat and the explanation of its status.
func (c *heartbeatsShowCmd) Run(ctx context.Context, std Streams) error {
	clock, err := c.clock()
	if err != nil {
		return err
	}
	server, h, err := c.find(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, h)
	}
	why, err := server.ExplainHeartbeat(ctx, h.Ref)
	if err != nil {
		return withHeartbeatName(c.SlugOrID, err)
	}
	incident := ""
	if h.IncidentID != nil {
		incident = incidentNumber(ctx, server, *h.IncidentID)
	}
	alerts, err := server.HeartbeatNotifications(ctx, h.Ref)
	if err != nil {
		return withHeartbeatName(c.SlugOrID, err)
	}
	return printLine(std, heartbeatDetails(h, clock, why.Decision, incident, alertsText(alerts)).String())
}

// incidentNumber returns the number of an incident, by which people and the commands of
// incidents know it. Without it, output has the id instead, so an error is not reported.
func incidentNumber(ctx context.Context, server *client.Client, id string) string {
	i, err := server.Incident(ctx, id)
	if err != nil {
		return id
	}
	return strconv.FormatInt(i.Number, 10)
}

// alertsText describes who is notified of an incident: the channels in the order of time, and the rule
// that decides.
func alertsText(n client.Notifications) string {
	var names []string
	for _, planned := range n.Notifications {
		name := printable(planned.ChannelName)
		if planned.After > 0 {
			name += " " + afterText(planned.After)
		}
		if planned.Event != "incident.reminder" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "no channel"
	}
	return strings.Join(names, ", ") + " (" + ruleText(n) + ")"
}

// ruleText describes the rule that decides who is notified.
func ruleText(n client.Notifications) string {
	policy := ""
	if n.Policy != nil {
		policy = printable(*n.Policy)
	}
	switch n.Rule {
	case "policy":
		return "policy " + policy
	case "default_policy":
		return "default policy " + policy
	case "all_channels":
		return "all channels of the project"
	}
	return "channels of the heartbeat"
}

// heartbeatDetails returns the fields of a heartbeat for people. Settings that
// are not set are left out. incident is the number of the open incident, or "";
// alerts describes who is notified.
func heartbeatDetails(h client.Heartbeat, clock clock, why, incident, alerts string) *details {
	d := &details{}
	d.add("Name", h.Name)
	d.add("Status", statusText(h))
	d.add("Why", clock.explanation(why))
	if h.Muted {
		d.add("Muted", mutedText(h, clock))
	}
	if h.FlappingSince != nil {
		d.add("Flapping", "since "+clock.text(h.FlappingSince)+"; alerts wait until "+clock.text(h.FlappingUntil))
	}
	d.add("Slug", h.Slug)
	d.add("Tags", strings.Join(h.Tags, ", "))
	d.add("Description", h.Description)
	d.add("Schedule", scheduleText(h))
	d.add(clock.title("Last ping"), clock.text(h.LastPingAt))
	d.add("Due", clock.text(h.DueAt))
	d.add("Deadline", clock.text(h.DeadlineAt))
	d.addDuration("Early", h.Early)
	d.addDuration("Max run time", h.MaxRunTime)
	d.addDuration("Min run time", h.MinRunTime)
	d.addDuration("Start grace", h.StartGrace)
	if h.ExpectFirstBy != nil {
		d.add("Expect first by", clock.text(h.ExpectFirstBy))
	}
	d.add("Alert after", alertAfterText(h.AlertAfter))
	if h.Instances != "any" {
		d.add("Instances", h.Instances)
	}
	d.add("Severity", h.Severity)
	if h.FlappingAlerts == "send" {
		d.add("Alerts while it flaps", "all are sent")
	}
	d.add("Methods", h.Methods)
	if h.ManualResume {
		d.add("Manual resume", "yes: a ping does not resume it")
	}
	d.add("Notifies", alerts)
	d.add("Open incident", incident)
	if h.PingURL != nil {
		d.add("Ping URL", *h.PingURL)
	}
	d.add("Ref", h.Ref)
	return d
}
