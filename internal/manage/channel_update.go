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
	Kind, Name                     *string
	Settings                       map[string]any // as [notify.Kind.Merge] takes them
	NotifyOnLate, NotifyOnRecovery *bool
	RemindEvery                    *string // a duration as typed; empty: never

	// IfVersion are versions that the edit may replace, see [ChannelVersion]; any when
	// it is empty.
	IfVersion []string

	// InputFaults are faults that the face found while reading.
	InputFaults monitor.Faults
}

// generatedSecrets are the settings that Overdue made, by name.
type generatedSecrets map[string]any

// revealIn is c with its secrets as dots, except the new ones.
func (s generatedSecrets) revealIn(a auth.Actor, c monitor.Channel) monitor.Channel {
	c = maskSecrets(a, c)
	maps.Copy(c.Settings, s)
	return c
}

// create returns a new channel with the edit.
func (e ChannelEdit) create(project int64, now time.Time) (monitor.Channel, generatedSecrets, error) {
	f := e.newValidator()
	c := monitor.Channel{Project: project, NotifyOnRecovery: true, Created: now}
	if e.Kind != nil {
		c.Kind = *e.Kind
	}
	if _, known := notify.KindOf(c.Kind); !known {
		f.reject("kind", "Write the kind of channel: %s.", kindNames())
	}
	if e.Name == nil {
		f.reject("name", "Write a name of 1 to %d characters.", maxNameLength)
	}
	return e.apply(c, f)
}

// change returns c with the edit.
func (e ChannelEdit) change(c monitor.Channel) (monitor.Channel, generatedSecrets, error) {
	f := e.newValidator()
	if e.Kind != nil && *e.Kind != c.Kind {
		f.reject("kind", "The kind of a channel cannot be changed: create another channel.")
	}
	return e.apply(c, f)
}

// newValidator begins with the faults that the face found.
func (e ChannelEdit) newValidator() *validator {
	f := &validator{}
	for _, fault := range e.InputFaults {
		f.add(fault)
	}
	return f
}

// apply returns c with the edit.
func (e ChannelEdit) apply(c monitor.Channel, f *validator) (monitor.Channel, generatedSecrets, error) {
	if e.Name != nil {
		c.Name = f.singleLine("name", "name", *e.Name, maxNameLength)
	}
	if e.NotifyOnLate != nil {
		c.NotifyOnLate = *e.NotifyOnLate
	}
	if e.NotifyOnRecovery != nil {
		c.NotifyOnRecovery = *e.NotifyOnRecovery
	}
	if e.RemindEvery != nil {
		c.RemindEvery = 0
		if *e.RemindEvery != "" {
			c.RemindEvery = f.duration("remind_every", *e.RemindEvery, time.Second)
		}
	}
	var made generatedSecrets
	// Settings that are not spoken of stay, even where today's rules would not
	// take them any more: a rename must not fail because of them.
	if kind, known := notify.KindOf(c.Kind); known && (e.Settings != nil || c.ID == "") {
		c.Settings, made = mergeSettings(kind, c.Settings, e.Settings, f)
	}
	return c, made, f.err()
}

// mergeSettings merges the settings of a channel, makes what is missing and can be
// made, and checks the whole.
func mergeSettings(kind notify.Kind, old, edit map[string]any, f *validator) (map[string]any, generatedSecrets) {
	merged, problems := kind.Merge(old, edit)
	if len(problems) > 0 {
		for _, p := range problems {
			f.reject("settings."+p.Field, "%s", p.Text)
		}
		return nil, nil
	}
	prepared := kind.Prepare(merged)
	made := generatedSecrets{}
	for name, value := range prepared {
		if !reflect.DeepEqual(merged[name], value) {
			made[name] = value
		}
	}
	valid, problems := kind.Validate(prepared)
	for _, p := range problems {
		f.reject("settings."+p.Field, "%s", p.Text)
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
