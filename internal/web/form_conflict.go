package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"overdue/internal/manage"
	"overdue/internal/notify"
	"overdue/internal/web/view"
)

// staleForm is a submitted form that edits an outdated version.
type staleForm struct {
	title              string             // of what is edited
	formPath, backPath string             // where the form goes, and where it came from
	version            string             // there is now
	fields             []view.Option      // Value is the field, Label what people call it
	saved              url.Values         // as saved now, as the form would show it
	submitted          url.Values         // as it was sent
	lastChange         manage.AuditAuthor // who changed it last
	secrets            []string           // fields of yours that are not shown
	hidden             []view.Option      // further hidden fields; Label is the name
	display            func(field string, values []string) string
}

// isStale reports whether an edit failed because its version is outdated.
func isStale(err error) bool {
	_, is := errors.AsType[*manage.StaleEdit](err)
	return is
}

// encodeShownValues is what a form shows, for its hidden field.
func encodeShownValues(values url.Values) string {
	text, _ := json.Marshal(values) // texts always marshal
	return string(text)
}

// shownValues is what the form showed when it was opened. It is nil when it does not
// say.
func (v *request) shownValues() url.Values {
	var values url.Values
	if json.Unmarshal([]byte(v.formValue(view.OriginalValuesField)), &values) != nil {
		return nil
	}
	return values
}

// TakePrefix begins the name of the field that says whose value of another is taken.
const TakePrefix = "take."

// applyChoices puts the other person's value in the place of one's own, in the fields
// for which they chose so.
func (v *request) applyChoices() {
	opened := v.shownValues()
	for name, values := range v.r.PostForm {
		field, is := strings.CutPrefix(name, TakePrefix)
		if !is || len(values) == 0 || values[0] != "theirs" {
			continue
		}
		delete(v.r.PostForm, field)
		if kept := opened[field]; len(kept) > 0 {
			v.r.PostForm[field] = kept
		}
	}
}

// sameValues reports whether two forms say the same of a field: browsers write line
// breaks their own way.
func sameValues(a, b []string) bool {
	plain := func(values []string) []string {
		var all []string
		for _, value := range values {
			if value = strings.TrimSpace(strings.ReplaceAll(value, "\r\n", "\n")); value != "" {
				all = append(all, value)
			}
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(plain(a), plain(b))
}

// isConflict reports whether anything that the form shows was changed by someone
// else, or could have been.
func (v *request) isConflict(e staleForm) bool {
	opened := v.shownValues()
	return opened == nil || len(e.secrets) > 0 || slices.ContainsFunc(e.fields, func(f view.Option) bool {
		return !sameValues(opened[f.Value], e.saved[f.Value])
	})
}

// renderConflict shows who changed what, and asks which values to save.
func (v *request) renderConflict(e staleForm) error {
	p := view.EditConflictPage{
		Shell: v.shell(""), Title: e.title, Action: e.formPath, CancelPath: e.backPath, ChangedBy: e.lastChange.Actor, ChangedAt: e.lastChange.At,
		Fields: append(e.hidden, view.Option{Value: e.version, Label: view.VersionField}, view.Option{Value: encodeShownValues(e.saved), Label: view.OriginalValuesField}),
	}
	opened := v.shownValues()
	for _, f := range e.fields {
		was, theirs, yours := opened[f.Value], e.saved[f.Value], e.submitted[f.Value]
		secret := slices.Contains(e.secrets, f.Value)
		line := view.FieldConflict{
			Field: f.Value, Label: f.Label, Original: e.displayValue(f.Value, was), Saved: e.displayValue(f.Value, theirs), Submitted: e.displayValue(f.Value, yours),
		}
		saved := yours
		switch {
		case secret:
			line.Original, line.Saved, line.Submitted = "Not shown", "Not shown, may have changed", "Typed, not shown"
			line.Choose, saved = true, nil
		case sameValues(theirs, yours) && (opened == nil || sameValues(was, theirs)):
			line.Label = "" // nobody changed it
		case sameValues(theirs, yours):
			line.Result = "Both of you entered the same value."
		case opened != nil && sameValues(was, yours):
			line.Result, saved = "Only they changed it: their value is kept.", theirs
		case opened != nil && sameValues(was, theirs):
			line.Result = "Only you changed it: your value is kept."
		default:
			line.Choose = true
		}
		for _, value := range saved {
			p.Fields = append(p.Fields, view.Option{Value: value, Label: f.Value})
		}
		if line.Label != "" {
			p.Conflicts = append(p.Conflicts, line)
		}
	}
	return v.renderStatus(http.StatusConflict, view.EditConflict(p))
}

// displayValue is what a field holds, for people.
func (e staleForm) displayValue(field string, values []string) string {
	if e.display != nil {
		if text := e.display(field, values); text != "" {
			return text
		}
	}
	if len(values) == 1 && values[0] == "on" {
		return "Yes"
	}
	return strings.Join(slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" }), ", ")
}

// heartbeatFormLabels are the fields of a heartbeat's form.
var heartbeatFormLabels = []view.Option{
	{Value: "name", Label: "Name"},
	{Value: "schedule", Label: "Kind of schedule"},
	{Value: "interval", Label: "Expected interval"},
	{Value: scheduleCron, Label: "Cron expression"},
	{Value: "cron_timezone", Label: "Time zone of cron"},
	{Value: scheduleOnCalendar, Label: "OnCalendar expression"},
	{Value: "oncalendar_timezone", Label: "Time zone of OnCalendar"},
	{Value: "grace", Label: "Grace period"},
	{Value: "tags", Label: "Tags"},
	{Value: "description", Label: "Description"},
	{Value: "channels", Label: "Which channels"},
	{Value: "channel", Label: "Channels"},
	{Value: "max_run_time", Label: "Maximum run time"},
	{Value: "min_run_time", Label: "Minimum run time"},
	{Value: "start_grace", Label: "Must start within"},
	{Value: "alert_after", Label: "Alert after"},
	{Value: "early", Label: "Early pings"},
	{Value: "expect_first_by", Label: "Expect the first ping by"},
	{Value: "methods", Label: "Requests"},
	{Value: "manual_resume", Label: "When paused, stay paused"},
}

// heartbeatFormValues are what a browser sends of a form that nobody touches.
func heartbeatFormValues(f view.HeartbeatForm, channels []string) url.Values {
	values := url.Values{
		"name": {f.Name.Value}, "schedule": {f.Schedule}, "interval": {f.Interval.Value}, scheduleCron: {f.Cron.Value},
		"cron_timezone": {f.CronZone.Value}, scheduleOnCalendar: {f.OnCalendar.Value}, "oncalendar_timezone": {f.OnCalendarZone.Value},
		"grace": {f.Grace.Value}, "tags": {f.Tags.Value}, "description": {f.Description.Value}, "channels": {"all"}, "channel": channels,
		"max_run_time": {f.MaxRunTime.Value}, "min_run_time": {f.MinRunTime.Value}, "start_grace": {f.StartGrace.Value},
		"alert_after": {f.AlertAfter.Value}, "early": {f.Early.Value}, "expect_first_by": {f.ExpectFirstBy.Value},
	}
	for name, on := range map[string]bool{"methods": f.PostOnly, "manual_resume": f.ManualResume, "channels": f.SelectedChannelsOnly} {
		if on {
			values[name] = []string{map[string]string{"methods": "post", "manual_resume": "on", "channels": "some"}[name]}
		}
	}
	return values
}

// staleHeartbeat is a heartbeat's form that was saved on an older version.
func (v *request) staleHeartbeat(ctx context.Context) (staleForm, error) {
	h, err := v.site.Service.Heartbeat(ctx, v.actor, v.r.PathValue("key"))
	if err != nil {
		return staleForm{}, err
	}
	e := staleForm{
		title: h.Name, formPath: view.HeartbeatPath(HeartbeatKey(h)), backPath: view.HeartbeatPath(HeartbeatKey(h)), version: manage.HeartbeatVersion(h),
		fields: heartbeatFormLabels, saved: heartbeatFormValues(v.savedHeartbeat(h), h.Channels), submitted: heartbeatFormValues(v.submittedHeartbeat(nil), v.r.PostForm["channel"]),
	}
	if e.lastChange, err = v.site.Service.LastChange(ctx, v.actor, "heartbeat.change", manage.HeartbeatAuditTarget(h)); err != nil {
		return e, err
	}
	names := map[string]string{}
	l, err := v.site.Service.Channels(ctx, v.actor, manage.PageQuery{Limit: manage.MaxLimit})
	for _, c := range l.Items {
		names[c.ID] = c.Name
	}
	e.display = func(field string, values []string) string {
		if field != "channel" {
			return ""
		}
		var all []string
		for _, id := range values {
			all = append(all, names[id])
		}
		return strings.Join(all, ", ")
	}
	return e, err
}

// channelFormLabels are the fields of a channel's form.
func channelFormLabels(kind string) []view.Option {
	all := []view.Option{{Value: "name", Label: "Name"}}
	k, _ := notify.KindOf(kind)
	for _, f := range k.Fields {
		all = append(all, view.Option{Value: "settings." + f.Name, Label: f.Label})
	}
	return append(all, view.Option{Value: "notify_on_recovery", Label: "Message when it recovers"},
		view.Option{Value: "notify_on_late", Label: "Message when it is Late"}, view.Option{Value: "remind_every", Label: "Remind while Down, seconds"})
}

// formValues are what a browser sends of a channel's form that nobody touches.
func (d channelDraft) formValues() url.Values {
	values := url.Values{"name": {d.name}, "remind_every": {d.remindEvery}}
	k, _ := notify.KindOf(d.kind)
	for _, f := range k.Fields {
		values["settings."+f.Name] = []string{SettingText(f, d.settings[f.Name])}
	}
	for name, on := range map[string]bool{"notify_on_recovery": d.notifyOnRecovery, "notify_on_late": d.notifyOnLate} {
		if on {
			values[name] = []string{"on"}
		}
	}
	return values
}

// staleChannel is a channel's form that was saved on an older version.
func (v *request) staleChannel(ctx context.Context, id string) (staleForm, error) {
	c, err := v.site.Service.Channel(ctx, v.actor, id)
	if err != nil {
		return staleForm{}, err
	}
	typed := v.submittedChannel(c.Kind, c.ID, nil)
	e := staleForm{
		title: c.Name, formPath: view.ChannelPath(c.ID), backPath: view.ChannelPath(c.ID), version: manage.ChannelVersion(c),
		fields: channelFormLabels(c.Kind), saved: savedChannel(c).formValues(), submitted: typed.formValues(),
		hidden: []view.Option{{Value: typed.sealedSecrets, Label: "kept"}, {Value: c.Kind, Label: "kind"}},
	}
	for name := range typed.secrets {
		e.secrets = append(e.secrets, "settings."+name)
	}
	e.lastChange, err = v.site.Service.LastChange(ctx, v.actor, "channel.change", manage.ChannelAuditTarget(c))
	return e, err
}
