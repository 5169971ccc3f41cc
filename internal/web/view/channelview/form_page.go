package channelview

import (
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// FormPage is the form for a new channel and for an existing one, drawn
// from the fields of its kind.
type FormPage struct {
	layout.Shell
	ID            string // of the channel that is edited; empty for a new one
	Title         string // its name as saved
	Target        string // where it leads, without secrets
	OnlyChannel   bool   // the only channel of the project
	NoMailServer  bool   // it would need a mail server, and none is set
	Kind          Kind
	Kinds         []Kind
	GuidePath     string // address of the manual's page on this kind; empty when there is none
	Name          ui.Input
	Fields        []SettingField // what the kind asks for
	SealedSecrets string         // secrets that were typed, sealed by the server

	Version, OriginalValues string // of the channel that is edited, see [ui.VersionField]

	NotifyOnRecovery, NotifyOnLate bool
	RemindEvery                    ui.Input // seconds as text, "" for never
	NewSecret                      string   // that Overdue made just now; shown this once

	AlertingHeartbeats, TotalHeartbeats int // so many heartbeats would alert here, of how many
	Deliveries                          []ui.Delivery
	Previews                            []MessagePreview
}

// SettingField is one setting of a kind of channel.
type SettingField struct {
	Name, Label string
	Type        string // text, url, email, number, textarea or checkbox
	Required    bool
	Secret      bool // write-only: the value is never given to a page
	Saved       bool // a secret that is already kept
	Typed       bool // a secret that was typed before the form came back
	Renewable   bool // a saved secret that Overdue can make again
	Renew       bool // the box for that is ticked
	Help        string
	Placeholder string
	In          ui.Input
}

// formName is the name of a field in the form, apart from the names that every
// channel has.
func (f SettingField) formName() string { return "settings." + f.Name }

// RenewFieldName is the name of the box that asks for a new secret.
func RenewFieldName(field string) string { return "settings." + field + ".new" }

// control turns a field into what the form draws. What is a secret never goes
// back to the browser: a saved one is kept when the field stays empty.
func (f SettingField) control() ui.Control {
	c := ui.Control{
		ID: "f-" + f.Name, Name: f.formName(), Label: f.Label, In: f.In, Hint: f.Help,
		Type: f.Type, Placeholder: f.Placeholder, Required: f.Required, Optional: !f.Required, Autocomplete: "off",
	}
	if f.Type == "textarea" {
		c.Type, c.Rows = "", 3
	}
	if f.Type == "url" {
		c.Class = "mono"
	}
	if f.Secret {
		c.Class = "mono"
		c.In.Value = ""
		if c.Type == "" || c.Type == "text" {
			c.Type = "password"
			c.Autocomplete = "new-password"
		}
	}
	if f.Secret && f.Typed {
		c.Required, c.Optional = false, false
		c.Placeholder = "••••••••"
		c.Hint = ui.JoinSentences(f.Help, "Kept as you typed it; type again to replace it.")
	} else if f.Secret && f.Saved {
		c.Required, c.Optional = false, false
		c.Placeholder = "••••••••"
		c.Hint = ui.JoinSentences(f.Help, "Kept as it is when this stays empty.")
	} else if f.Secret {
		c.Hint = ui.JoinSentences(f.Help, "Never shown again after saving.")
	}
	return c
}

func (p FormPage) title() string {
	if p.ID == "" {
		return "New " + p.Kind.Label + " channel"
	}
	return p.Title
}

// action is where the form goes when it is saved.
func (p FormPage) action() templ.SafeURL {
	if p.ID == "" {
		return paths.Channels
	}
	return templ.SafeURL(paths.Channel(p.ID))
}

// testPath is where the form goes as it stands: tests use what is in it, saved or
// not.
func (p FormPage) testPath() string {
	if p.ID == "" {
		return paths.TestChannel
	}
	return paths.Channel(p.ID) + "/test"
}

// usage says how many heartbeats will alert here.
func (p FormPage) usage() string {
	if p.ID == "" {
		return "Every heartbeat that does not name its channels will alert here: now " + ui.Count(p.AlertingHeartbeats) + " of " + ui.Count(p.TotalHeartbeats) + "."
	}
	return ui.Count(p.AlertingHeartbeats) + " of " + ui.Plural(p.TotalHeartbeats, "heartbeat") + " alert here."
}

// defaultReminderOptions are the choices of how often to remind, in seconds.
var defaultReminderOptions = []ui.Option{
	{Value: "", Label: "Never"},
	{Value: "1800", Label: "Every 30 min"},
	{Value: "3600", Label: "Every 1 h"},
	{Value: "7200", Label: "Every 2 h"},
	{Value: "21600", Label: "Every 6 h"},
	{Value: "86400", Label: "Every 24 h"},
}

// DeletionText says what deleting a channel means; last is whether it is the
// only one of its project.
func DeletionText(last bool) string {
	if last {
		return "It is the only channel of the project: until there is another, incidents open and no one is notified."
	}
	return "It no longer receives alerts. Heartbeats that name only this channel will alert all channels of the project."
}

// events are when a message is sent.
func (p FormPage) events() string {
	when := []string{"Down"}
	if p.NotifyOnRecovery {
		when = append(when, "recovered")
	}
	if p.NotifyOnLate {
		when = append(when, "Late")
	}
	return ui.JoinWords(when)
}

// reminderText is how often a reminder is sent.
func (p FormPage) reminderText() string {
	for _, c := range p.reminderOptions() {
		if c.Value == p.RemindEvery.Value {
			return c.Label
		}
	}
	return ""
}

// reminderOptions are the choices, with the one that was set by a program: saving the
// form must not change it.
func (p FormPage) reminderOptions() []ui.Option {
	set := p.RemindEvery.Value
	seconds, err := strconv.Atoi(set)
	if err != nil || slices.ContainsFunc(defaultReminderOptions, func(c ui.Option) bool { return c.Value == set }) {
		return defaultReminderOptions
	}
	return append(slices.Clone(defaultReminderOptions), ui.Option{Value: set, Label: "Every " + ui.ExactDuration(time.Duration(seconds)*time.Second)})
}
