package manage

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/notify"
)

// ChannelEdit is what somebody wants of a channel. What is nil stays as it is,
// or takes its default when creating.
type ChannelEdit struct {
	Kind, Name              *string
	Settings                map[string]any // as [notify.Kind.Merge] takes them
	TellLate, TellRecovered *bool
	RemindEvery             *string // a duration as typed; empty: never

	// MadeOn are versions that the edit may replace, see [ChannelVersion]; any when
	// it is empty.
	MadeOn []string

	// Found are faults that the face found while reading.
	Found monitor.Faults
}

// newSecrets are the settings that Overdue made, by name.
type newSecrets map[string]any

// shownIn is c with its secrets as dots, except the new ones.
func (s newSecrets) shownIn(a auth.Actor, c monitor.Channel) monitor.Channel {
	c = masked(a, c)
	maps.Copy(c.Settings, s)
	return c
}

// created returns a new channel with the edit.
func (e ChannelEdit) created(project int64, now time.Time) (monitor.Channel, newSecrets, error) {
	f := e.found()
	c := monitor.Channel{Project: project, TellRecovered: true, Created: now}
	if e.Kind != nil {
		c.Kind = *e.Kind
	}
	if _, known := notify.KindOf(c.Kind); !known {
		f.wrong("kind", "Write the kind of channel: %s.", kindNames())
	}
	if e.Name == nil {
		f.wrong("name", "Write a name of 1 to %d characters.", longestName)
	}
	return e.applied(c, f)
}

// changed returns c with the edit.
func (e ChannelEdit) changed(c monitor.Channel) (monitor.Channel, newSecrets, error) {
	f := e.found()
	if e.Kind != nil && *e.Kind != c.Kind {
		f.wrong("kind", "The kind of a channel cannot be changed: create another channel.")
	}
	return e.applied(c, f)
}

// found begins with the faults that the face found.
func (e ChannelEdit) found() *faults {
	f := &faults{}
	for _, fault := range e.Found {
		f.add(fault)
	}
	return f
}

// applied returns c with the edit.
func (e ChannelEdit) applied(c monitor.Channel, f *faults) (monitor.Channel, newSecrets, error) {
	if e.Name != nil {
		c.Name = f.line("name", "name", *e.Name, longestName)
	}
	if e.TellLate != nil {
		c.TellLate = *e.TellLate
	}
	if e.TellRecovered != nil {
		c.TellRecovered = *e.TellRecovered
	}
	if e.RemindEvery != nil {
		c.RemindEvery = 0
		if *e.RemindEvery != "" {
			c.RemindEvery = f.duration("remind_every", *e.RemindEvery, time.Second)
		}
	}
	var made newSecrets
	// Settings that are not spoken of stay, even where today's rules would not
	// take them any more: a rename must not fail because of them.
	if kind, known := notify.KindOf(c.Kind); known && (e.Settings != nil || c.ID == "") {
		c.Settings, made = settings(kind, c.Settings, e.Settings, f)
	}
	return c, made, f.err()
}

// settings merges the settings of a channel, makes what is missing and can be
// made, and checks the whole.
func settings(kind notify.Kind, old, edit map[string]any, f *faults) (map[string]any, newSecrets) {
	merged, problems := kind.Merge(old, edit)
	if len(problems) > 0 {
		for _, p := range problems {
			f.wrong("settings."+p.Field, "%s", p.Text)
		}
		return nil, nil
	}
	prepared := kind.Prepare(merged)
	made := newSecrets{}
	for name, value := range prepared {
		if !reflect.DeepEqual(merged[name], value) {
			made[name] = value
		}
	}
	valid, problems := kind.Validate(prepared)
	for _, p := range problems {
		f.wrong("settings."+p.Field, "%s", p.Text)
	}
	return valid, made
}

// sameSettings reports whether two channels are set the same.
func sameSettings(a, b monitor.Channel) bool { return reflect.DeepEqual(a.Settings, b.Settings) }

// kindNames lists the kinds of channel.
func kindNames() string {
	var names []string
	for _, k := range notify.Kinds() {
		names = append(names, k.Name)
	}
	last := len(names) - 1
	return fmt.Sprintf("%s or %s", strings.Join(names[:last], ", "), names[last])
}
