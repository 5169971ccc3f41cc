package view

import (
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"
)

// ChannelFormPage is the form for a new channel and for an existing one, drawn
// from the fields of its kind.
type ChannelFormPage struct {
	Shell
	ID            string // of the channel that is edited; empty for a new one
	Title         string // its name as saved
	Target        string // where it leads, without secrets
	OnlyChannel   bool   // the only channel of the project
	NoMailServer  bool   // it would need a mail server, and none is set
	Kind          ChannelKind
	Kinds         []ChannelKind
	GuidePath     string // address of the manual's page on this kind; empty when there is none
	Name          Input
	Fields        []SettingField // what the kind asks for
	SealedSecrets string         // secrets that were typed, sealed by the server

	Version, OriginalValues string // of the channel that is edited, see [VersionField]

	NotifyOnRecovery, NotifyOnLate bool
	RemindEvery                    Input  // seconds as text, "" for never
	NewSecret                      string // that Overdue made just now; shown this once

	AlertingHeartbeats, TotalHeartbeats int // so many heartbeats would alert here, of how many
	Deliveries                          []Delivery
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
	In          Input
}

// MessagePreview is how a message will look in the channel.
type MessagePreview struct {
	Status  string // down or up
	At      string // time of day
	Title   string
	Text    string
	Facts   []Option // Label names the fact
	Actions []string // words of its links
}

// formName is the name of a field in the form, apart from the names that every
// channel has.
func (f SettingField) formName() string { return "settings." + f.Name }

// RenewFieldName is the name of the box that asks for a new secret.
func RenewFieldName(field string) string { return "settings." + field + ".new" }

// control turns a field into what the form draws. What is a secret never goes
// back to the browser: a saved one is kept when the field stays empty.
func (f SettingField) control() control {
	c := control{
		id: "f-" + f.Name, name: f.formName(), label: f.Label, in: f.In, hint: f.Help,
		kind: f.Type, placeholder: f.Placeholder, required: f.Required, optional: !f.Required, autocomplete: "off",
	}
	if f.Type == "textarea" {
		c.kind, c.rows = "", 3
	}
	if f.Type == "url" {
		c.class = "mono"
	}
	if f.Secret {
		c.class = "mono"
		c.in.Value = ""
		if c.kind == "" || c.kind == "text" {
			c.kind = "password"
			c.autocomplete = "new-password"
		}
	}
	if f.Secret && f.Typed {
		c.required, c.optional = false, false
		c.placeholder = "••••••••"
		c.hint = joinSentences(f.Help, "Kept as you typed it; type again to replace it.")
	} else if f.Secret && f.Saved {
		c.required, c.optional = false, false
		c.placeholder = "••••••••"
		c.hint = joinSentences(f.Help, "Kept as it is when this stays empty.")
	} else if f.Secret {
		c.hint = joinSentences(f.Help, "Never shown again after saving.")
	}
	return c
}

func joinSentences(a, b string) string {
	if a == "" {
		return b
	}
	return a + " " + b
}

func (p ChannelFormPage) title() string {
	if p.ID == "" {
		return "New " + p.Kind.Label + " channel"
	}
	return p.Title
}

// action is where the form goes when it is saved.
func (p ChannelFormPage) action() templ.SafeURL {
	if p.ID == "" {
		return ChannelsPath
	}
	return templ.SafeURL(ChannelPath(p.ID))
}

// testPath is where the form goes as it stands: tests use what is in it, saved or
// not.
func (p ChannelFormPage) testPath() string {
	if p.ID == "" {
		return ChannelTestPath
	}
	return ChannelPath(p.ID) + "/test"
}

// usage says how many heartbeats will alert here.
func (p ChannelFormPage) usage() string {
	if p.ID == "" {
		return "Every heartbeat that does not name its channels will alert here: now " + Count(p.AlertingHeartbeats) + " of " + Count(p.TotalHeartbeats) + "."
	}
	return Count(p.AlertingHeartbeats) + " of " + Plural(p.TotalHeartbeats, "heartbeat") + " alert here."
}

// defaultReminderOptions are the choices of how often to remind, in seconds.
var defaultReminderOptions = []Option{
	{"", "Never"},
	{"1800", "Every 30 min"},
	{"3600", "Every 1 h"},
	{"7200", "Every 2 h"},
	{"21600", "Every 6 h"},
	{"86400", "Every 24 h"},
}

// ChannelDeletion says what deleting a channel means; last is whether it is the
// only one of its project.
func ChannelDeletion(last bool) string {
	if last {
		return "It is the only channel of the project: until there is another, incidents open and no one is notified."
	}
	return "It no longer receives alerts. Heartbeats that name only this channel will alert all channels of the project."
}

// events are when a message is sent.
func (p ChannelFormPage) events() string {
	when := []string{"Down"}
	if p.NotifyOnRecovery {
		when = append(when, "recovered")
	}
	if p.NotifyOnLate {
		when = append(when, "Late")
	}
	return JoinWords(when)
}

// reminderText is how often a reminder is sent.
func (p ChannelFormPage) reminderText() string {
	for _, c := range p.reminderOptions() {
		if c.Value == p.RemindEvery.Value {
			return c.Label
		}
	}
	return ""
}

// reminderOptions are the choices, with the one that was set by a program: saving the
// form must not change it.
func (p ChannelFormPage) reminderOptions() []Option {
	set := p.RemindEvery.Value
	seconds, err := strconv.Atoi(set)
	if err != nil || slices.ContainsFunc(defaultReminderOptions, func(c Option) bool { return c.Value == set }) {
		return defaultReminderOptions
	}
	return append(slices.Clone(defaultReminderOptions), Option{set, "Every " + ExactDuration(time.Duration(seconds)*time.Second)})
}
