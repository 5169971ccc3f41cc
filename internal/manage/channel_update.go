package manage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
)

// ChannelEdit contains the new values of a channel. A nil value keeps the current one, or
// sets the default of a new channel.
type ChannelEdit struct {
	Kind, Name                     *string
	Settings                       map[string]any // in the form that [notify.Kind.Merge] accepts
	NotifyOnLate, NotifyOnRecovery *bool
	RemindEvery                    *string // a duration as typed; empty: never

	// IfVersion lists the versions that the edit may replace, see [ChannelVersion]. Empty:
	// any.
	IfVersion []string

	// InputFaults are faults that the caller found while it decoded the input. They are
	// reported together with those of the validation.
	InputFaults monitor.Faults
}

// generatedSecrets are the settings that Overdue generated, by name.
type generatedSecrets map[string]any

// revealIn returns the channel with masked secrets, except for the generated ones.
func (s generatedSecrets) revealIn(a auth.Actor, c monitor.Channel) monitor.Channel {
	c = maskSecrets(a, c)
	maps.Copy(c.Settings, s)
	return c
}

// create returns a new channel with the values of the edit.
func (e ChannelEdit) create(project int64, now time.Time) (monitor.Channel, generatedSecrets, error) {
	f := e.newValidator()
	c := monitor.Channel{Project: project, NotifyOnRecovery: true, Created: now}
	if e.Kind != nil {
		c.Kind = *e.Kind
	}
	if _, known := notify.KindOf(c.Kind); !known {
		f.reject("kind", "kind must be %s.", kindNames())
	}
	if e.Name == nil {
		f.reject("name", "Enter a name of 1 to %d characters.", maxNameLength)
	}
	return e.apply(c, f)
}

// newChannel is create for a kind that the server offers.
func (svc *Service) newChannel(e ChannelEdit, project int64, now time.Time) (monitor.Channel, generatedSecrets, error) {
	if e.Kind != nil && svc.unavailableKinds[*e.Kind] != "" {
		return monitor.Channel{}, nil, monitor.Faultf(monitor.Invalid, "kind", "This server does not offer channels of kind %s. %s", *e.Kind, svc.unavailableKinds[*e.Kind])
	}
	return e.create(project, now)
}

// change returns c with the values of the edit.
func (e ChannelEdit) change(c monitor.Channel) (monitor.Channel, generatedSecrets, error) {
	f := e.newValidator()
	if e.Kind != nil && *e.Kind != c.Kind {
		f.reject("kind", "The kind of a channel cannot be changed: create another channel.")
	}
	return e.apply(c, f)
}

// newValidator returns a validator that contains the faults of the input.
func (e ChannelEdit) newValidator() *validator {
	v := &validator{}
	for _, fault := range e.InputFaults {
		v.add(fault)
	}
	return v
}

// apply sets the values of the edit.
func (e ChannelEdit) apply(c monitor.Channel, v *validator) (monitor.Channel, generatedSecrets, error) {
	if e.Name != nil {
		c.Name = v.singleLine("name", "name", *e.Name, maxNameLength)
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
			c.RemindEvery = v.duration("remind_every", *e.RemindEvery, time.Second)
		}
	}
	var made generatedSecrets
	// Settings that the edit does not contain stay, even if the current rules reject
	// them: a rename must not fail because of them.
	if kind, known := notify.KindOf(c.Kind); known && (e.Settings != nil || c.ID == "") {
		c.Settings, made = mergeSettings(kind, c.Settings, e.Settings, v)
	}
	return c, made, v.err()
}

// mergeSettings merges the settings of a channel, generates missing secrets, and validates
// the result.
func mergeSettings(kind notify.Kind, old, edit map[string]any, v *validator) (map[string]any, generatedSecrets) {
	merged, problems := kind.Merge(old, edit)
	if len(problems) > 0 {
		for _, p := range problems {
			v.reject("settings."+p.Field, "%s", p.Text)
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
		v.reject("settings."+p.Field, "%s", p.Text)
	}
	return valid, made
}

// sameSettings reports whether two channels have the same settings.
func sameSettings(a, b monitor.Channel) bool { return reflect.DeepEqual(a.Settings, b.Settings) }

// kindNames lists the names of the channel kinds.
func kindNames() string {
	var names []string
	for _, k := range notify.Kinds() {
		names = append(names, k.Name)
	}
	last := len(names) - 1
	return fmt.Sprintf("%s or %s", strings.Join(names[:last], ", "), names[last])
}

// CreateChannel creates a channel. Only this result contains the generated secrets in plain
// text.
func (svc *Service) CreateChannel(ctx context.Context, a auth.Actor, e ChannelEdit) (monitor.Channel, error) {
	if err := authorize(a, auth.ChangeChannels); err != nil {
		return monitor.Channel{}, err
	}
	now := svc.currentTime()
	c, made, err := svc.newChannel(e, a.Project.Key, now)
	if err == nil {
		err = svc.canUse(c)
	}
	if err != nil {
		return monitor.Channel{}, err
	}
	err = svc.update(ctx, func(tx *store.Tx) (effects, error) {
		known, err := tx.Channels(a.Project.Key)
		if err == nil && len(known) >= maxChannels {
			err = limitReached("name", maxChannels, "channels in this project", "Delete one that you no longer need.")
		}
		if err != nil {
			return effects{}, err
		}
		added, err := tx.AddChannel(c)
		if err != nil {
			return effects{}, err
		}
		c.ID, c.Revision, c.Health = added.ID, added.Revision, c.EvaluateHealth(nil, 0, time.Time{}, now)
		return effects{}, writeAudit(tx, a, now, auditEntry{"channel.create", channelLabel(c), ""})
	})
	return made.revealIn(a, c), err
}

// canUse returns a fault if this server cannot use the settings of a channel.
func (svc *Service) canUse(c monitor.Channel) error {
	v := &validator{}
	if svc.checkHere != nil {
		for _, p := range svc.checkHere(c.Kind, c.Settings) {
			v.reject("settings."+p.Field, "%s", p.Text)
		}
	}
	return v.err()
}

// channelLabel names a channel in the audit log.
func channelLabel(c monitor.Channel) string { return c.Name + " (" + c.Kind + ")" }

// ChangeChannel sets the values of the edit. A masked secret keeps its value, unless the
// destination moves to another host.
func (svc *Service) ChangeChannel(ctx context.Context, a auth.Actor, id string, e ChannelEdit) (c monitor.Channel, err error) {
	if err := authorize(a, auth.ChangeChannels); err != nil {
		return c, err
	}
	now := svc.currentTime()
	var made generatedSecrets
	err = svc.update(ctx, func(tx *store.Tx) (s effects, err error) {
		if !isSearchable(id) {
			return s, notFound("channel")
		}
		before, err := tx.ChannelForUpdate(a.Project.Key, id)
		if err != nil {
			return s, err
		}
		if err := checkVersion(ChannelVersion(before), e.IfVersion); err != nil {
			return s, err
		}
		if c, made, err = e.change(before); err != nil {
			return s, err
		}
		if !sameSettings(before, c) {
			if err := svc.canUse(c); err != nil {
				return s, err
			}
		}
		diff := channelDiff(before, c)
		if diff == "" {
			c, err = channelWithHealth(tx, a, c)
			return s, err
		}
		if err := tx.SaveChannel(c); err != nil {
			return s, err
		}
		if err := tx.DeleteRecipientFailures(c.ID, notify.Recipients(c.Kind, setting.Values(c.Settings))); err != nil {
			return s, err
		}
		c.Revision++
		if c, err = channelWithHealth(tx, a, c); err != nil {
			return s, err
		}
		return s, writeAudit(tx, a, now, auditEntry{"channel.change", channelLabel(c), diff})
	})
	return made.revealIn(a, c), err
}

// AdoptSettings stores settings that the service of a channel changed, such as the new id of a
// chat. used is the channel as it was when the message was sent: if its settings have changed
// since, or the channel was deleted, nothing is stored, and the service repeats the change.
//
// A service never changes a secret or a destination: its answer could otherwise send the secrets
// to another host.
func AdoptSettings(tx *store.Tx, used monitor.Channel, changed setting.Values, now time.Time) error {
	kind, known := notify.KindOf(used.Kind)
	if !known || len(changed) == 0 {
		return nil
	}
	current, err := tx.ChannelForUpdate(used.Project, used.ID)
	if fault, ok := errors.AsType[*monitor.Fault](err); ok && fault.Kind == monitor.NotFound {
		return nil
	}
	if err != nil || !sameSettings(current, used) {
		return err
	}
	after := current
	after.Settings = maps.Clone(current.Settings)
	for name, value := range changed {
		if f, known := kind.Field(name); known && !f.Secret && !f.Destination {
			after.Settings[name] = value
		}
	}
	valid, problems := kind.Validate(after.Settings)
	if len(problems) > 0 {
		return nil
	}
	after.Settings = valid
	diff := channelDiff(current, after)
	if diff == "" {
		return nil
	}
	if err := tx.SaveChannel(after); err != nil {
		return err
	}
	return writeAudit(tx, auth.System(used.Project), now, auditEntry{"channel.change", channelLabel(after), diff})
}

// DeleteChannel deletes a channel. A heartbeat that used only this channel then uses all
// channels of the project: otherwise its next miss would be silent.
func (svc *Service) DeleteChannel(ctx context.Context, a auth.Actor, id string) error {
	if err := authorize(a, auth.ChangeChannels); err != nil {
		return err
	}
	now := svc.currentTime()
	return svc.update(ctx, func(tx *store.Tx) (s effects, err error) {
		c, err := findChannel(tx, a, id)
		if err != nil {
			return s, err
		}
		if err := removeFromHeartbeats(tx, a, c, now); err != nil {
			return s, err
		}
		if err := tx.DeleteChannel(c, now); err != nil {
			return s, err
		}
		return s, writeAudit(tx, a, now, auditEntry{"channel.delete", channelLabel(c), ""})
	})
}

// removeFromHeartbeats removes a channel from the heartbeats that name it.
func removeFromHeartbeats(tx *store.Tx, a auth.Actor, c monitor.Channel, now time.Time) error {
	routed, err := tx.HeartbeatsNamingChannel(a.Project.Key, c.ID)
	if err != nil {
		return err
	}
	channels, err := tx.ChannelRoutes(a.Project.Key)
	if err != nil {
		return err
	}
	channels = append(channels, c)
	for _, before := range routed {
		h := before
		h.Channels = slices.DeleteFunc(slices.Clone(before.Channels), func(id string) bool { return id == c.ID })
		h.AllChannels = len(h.Channels) == 0
		h.Updated = now
		if err := tx.SaveHeartbeatSettings(h); err != nil {
			return err
		}
		if err := writeAudit(tx, a, now, auditEntry{"heartbeat.change", heartbeatLabel(h), heartbeatDiff(before, h, channels)}); err != nil {
			return err
		}
	}
	return nil
}

// channelDiff is heartbeatDiff for channels. Of a secret it shows only that it changed; of
// a destination only the host, because the path may be a credential.
func channelDiff(before, after monitor.Channel) string {
	members := []settingChange{{"name", before.Name, after.Name}}
	if kind, known := notify.KindOf(after.Kind); known {
		for _, f := range kind.Fields {
			members = append(members, settingDiff(f, before.Settings[f.Name], after.Settings[f.Name]))
		}
	}
	return formatDiff(append(members,
		settingChange{"notify_on_late", strconv.FormatBool(before.NotifyOnLate), strconv.FormatBool(after.NotifyOnLate)},
		settingChange{"notify_on_recovery", strconv.FormatBool(before.NotifyOnRecovery), strconv.FormatBool(after.NotifyOnRecovery)},
		settingChange{"remind_every", formatDuration(before.RemindEvery), formatDuration(after.RemindEvery)},
	))
}

// settingDiff compares one setting of a channel.
func settingDiff(f setting.Field, before, after any) settingChange {
	if reflect.DeepEqual(before, after) {
		return settingChange{name: f.Name}
	}
	if f.Destination && !f.Secret {
		from, to := setting.HostOf(before), setting.HostOf(after)
		if from == to {
			to += " (scheme or path changed)"
		}
		return settingChange{f.Name, from, to}
	}
	if f.Secret {
		return settingChange{f.Name, "", "changed"}
	}
	return settingChange{f.Name, formatSetting(before), formatSetting(after)}
}

// formatSetting formats a setting that is not a secret.
func formatSetting(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case []any:
		var items []string
		for _, item := range value {
			items = append(items, fmt.Sprint(item))
		}
		return strings.Join(items, ", ")
	}
	return ""
}
