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

// edited is a submitted form that edits an outdated version.
type edited struct {
	title        string        // of what is edited
	action, back string        // where the form goes, and where it came from
	version      string        // there is now
	fields       []view.Choice // Value is the field, Label what people call it
	theirs       url.Values    // as saved now, as the form would show it
	yours        url.Values    // as it was sent
	by           manage.Deed   // who changed it last
	secrets      []string      // fields of yours that are not shown
	hidden       []view.Choice // further hidden fields; Label is the name
	say          func(field string, values []string) string
}

// isStale reports whether an edit failed because its version is outdated.
func isStale(err error) bool {
	_, is := errors.AsType[*manage.Stale](err)
	return is
}

// shownText is what a form shows, for its hidden field.
func shownText(values url.Values) string {
	text, _ := json.Marshal(values) // texts always marshal
	return string(text)
}

// opened is what the form showed when it was opened. It is nil when it does not
// say.
func (v *visit) opened() url.Values {
	var values url.Values
	if json.Unmarshal([]byte(v.text(view.ShownField)), &values) != nil {
		return nil
	}
	return values
}

// take begins the name of the field that says whose value of another is taken.
const take = "take."

// settle puts the other person's value in the place of one's own, in the fields
// for which they chose so.
func (v *visit) settle() {
	opened := v.opened()
	for name, values := range v.r.PostForm {
		field, is := strings.CutPrefix(name, take)
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

// touches reports whether anything that the form shows was changed by someone
// else, or could have been.
func (v *visit) touches(e edited) bool {
	opened := v.opened()
	return opened == nil || len(e.secrets) > 0 || slices.ContainsFunc(e.fields, func(f view.Choice) bool {
		return !sameValues(opened[f.Value], e.theirs[f.Value])
	})
}

// conflict shows who changed what, and asks which values to save.
func (v *visit) conflict(e edited) error {
	p := view.StalePage{
		Shell: v.shell(""), Title: e.title, Action: e.action, Back: e.back, By: e.by.Actor, At: e.by.At,
		Fields: append(e.hidden, view.Choice{Value: e.version, Label: view.VersionField}, view.Choice{Value: shownText(e.theirs), Label: view.ShownField}),
	}
	opened := v.opened()
	for _, f := range e.fields {
		was, theirs, yours := opened[f.Value], e.theirs[f.Value], e.yours[f.Value]
		secret := slices.Contains(e.secrets, f.Value)
		line := view.StaleLine{
			Field: f.Value, Label: f.Label, Was: e.said(f.Value, was), Theirs: e.said(f.Value, theirs), Yours: e.said(f.Value, yours),
		}
		saved := yours
		switch {
		case secret:
			line.Was, line.Theirs, line.Yours = "Not shown", "Not shown, may have changed", "Typed, not shown"
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
			p.Fields = append(p.Fields, view.Choice{Value: value, Label: f.Value})
		}
		if line.Label != "" {
			p.Lines = append(p.Lines, line)
		}
	}
	return v.showStatus(http.StatusConflict, view.Stale(p))
}

// said is what a field holds, for people.
func (e edited) said(field string, values []string) string {
	if e.say != nil {
		if text := e.say(field, values); text != "" {
			return text
		}
	}
	if len(values) == 1 && values[0] == "on" {
		return "Yes"
	}
	return strings.Join(slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" }), ", ")
}

// heartbeatFields are the fields of a heartbeat's form.
var heartbeatFields = []view.Choice{
	{Value: "name", Label: "Name"},
	{Value: "schedule", Label: "Kind of schedule"},
	{Value: "interval", Label: "Expected interval"},
	{Value: byCron, Label: "Cron expression"},
	{Value: "cron_timezone", Label: "Time zone of cron"},
	{Value: byOnCalendar, Label: "OnCalendar expression"},
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

// heartbeatValues are what a browser sends of a form that nobody touches.
func heartbeatValues(f view.HeartbeatForm, channels []string) url.Values {
	values := url.Values{
		"name": {f.Name.Value}, "schedule": {f.Schedule}, "interval": {f.Interval.Value}, byCron: {f.Cron.Value},
		"cron_timezone": {f.CronZone.Value}, byOnCalendar: {f.OnCalendar.Value}, "oncalendar_timezone": {f.OnCalendarZone.Value},
		"grace": {f.Grace.Value}, "tags": {f.Tags.Value}, "description": {f.Description.Value}, "channels": {"all"}, "channel": channels,
		"max_run_time": {f.MaxRunTime.Value}, "min_run_time": {f.MinRunTime.Value}, "start_grace": {f.StartGrace.Value},
		"alert_after": {f.AlertAfter.Value}, "early": {f.Early.Value}, "expect_first_by": {f.FirstPing.Value},
	}
	for name, on := range map[string]bool{"methods": f.PostOnly, "manual_resume": f.StaysPaused, "channels": f.OnlySome} {
		if on {
			values[name] = []string{map[string]string{"methods": "post", "manual_resume": "on", "channels": "some"}[name]}
		}
	}
	return values
}

// staleHeartbeat is a heartbeat's form that was saved on an older version.
func (v *visit) staleHeartbeat(ctx context.Context) (edited, error) {
	h, err := v.site.Desk.Heartbeat(ctx, v.actor, v.r.PathValue("key"))
	if err != nil {
		return edited{}, err
	}
	e := edited{
		title: h.Name, action: view.HeartbeatPath(keyOf(h)), back: view.HeartbeatPath(keyOf(h)), version: manage.HeartbeatVersion(h),
		fields: heartbeatFields, theirs: heartbeatValues(v.saved(h), h.Channels), yours: heartbeatValues(v.typed(nil), v.r.PostForm["channel"]),
	}
	if e.by, err = v.site.Desk.LastChange(ctx, v.actor, "heartbeat.change", manage.HeartbeatTarget(h)); err != nil {
		return e, err
	}
	names := map[string]string{}
	l, err := v.site.Desk.Channels(ctx, v.actor, manage.Page{Limit: manage.MostItems})
	for _, c := range l.Items {
		names[c.ID] = c.Name
	}
	e.say = func(field string, values []string) string {
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

// channelFields are the fields of a channel's form.
func channelFields(kind string) []view.Choice {
	all := []view.Choice{{Value: "name", Label: "Name"}}
	k, _ := notify.KindOf(kind)
	for _, f := range k.Fields {
		all = append(all, view.Choice{Value: "settings." + f.Name, Label: f.Label})
	}
	return append(all, view.Choice{Value: "notify_on_recovery", Label: "Message when it recovers"},
		view.Choice{Value: "notify_on_late", Label: "Message when it is Late"}, view.Choice{Value: "remind_every", Label: "Remind while Down, seconds"})
}

// values are what a browser sends of a channel's form that nobody touches.
func (d draft) values() url.Values {
	values := url.Values{"name": {d.name}, "remind_every": {d.remind}}
	k, _ := notify.KindOf(d.kind)
	for _, f := range k.Fields {
		values["settings."+f.Name] = []string{written(f, d.settings[f.Name])}
	}
	for name, on := range map[string]bool{"notify_on_recovery": d.recovered, "notify_on_late": d.late} {
		if on {
			values[name] = []string{"on"}
		}
	}
	return values
}

// staleChannel is a channel's form that was saved on an older version.
func (v *visit) staleChannel(ctx context.Context, id string) (edited, error) {
	c, err := v.site.Desk.Channel(ctx, v.actor, id)
	if err != nil {
		return edited{}, err
	}
	typed := v.typedChannel(c.Kind, c.ID, nil)
	e := edited{
		title: c.Name, action: view.ChannelPath(c.ID), back: view.ChannelPath(c.ID), version: manage.ChannelVersion(c),
		fields: channelFields(c.Kind), theirs: draftOf(c).values(), yours: typed.values(),
		hidden: []view.Choice{{Value: typed.kept, Label: "kept"}, {Value: c.Kind, Label: "kind"}},
	}
	for name := range typed.secrets {
		e.secrets = append(e.secrets, "settings."+name)
	}
	e.by, err = v.site.Desk.LastChange(ctx, v.actor, "channel.change", manage.ChannelTarget(c))
	return e, err
}
