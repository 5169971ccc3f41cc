package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/schedule"
	"overdue/internal/web/present"
	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// heartbeatFormLabels are the fields of a heartbeat's form.
var heartbeatFormLabels = []ui.Option{
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
	{Value: "manual_resume", Label: "Stay paused when pinged"},
}

// heartbeatFormValues are what a browser sends of a form that nobody touches.
func heartbeatFormValues(f heartbeatview.FormValues, channels []string) url.Values {
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
func (req *request) staleHeartbeat(ctx context.Context) (editConflict, error) {
	h, err := req.site.Service.Heartbeat(ctx, req.actor, req.r.PathValue("key"))
	if err != nil {
		return editConflict{}, err
	}
	e := editConflict{
		title: h.Name, formPath: paths.Heartbeat(present.HeartbeatKey(h)), backPath: paths.Heartbeat(present.HeartbeatKey(h)), version: manage.HeartbeatVersion(h),
		fields: heartbeatFormLabels, saved: heartbeatFormValues(req.savedHeartbeat(h), h.Channels), submitted: heartbeatFormValues(req.submittedHeartbeat(nil), req.r.PostForm["channel"]),
	}
	if e.lastChange, err = req.site.Service.LastChange(ctx, req.actor, "heartbeat.change", manage.HeartbeatAuditTarget(h)); err != nil {
		return e, err
	}
	names := map[string]string{}
	l, err := req.site.Service.Channels(ctx, req.actor, manage.PageQuery{Limit: manage.MaxLimit})
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

// showNewHeartbeat is the empty form.
func showNewHeartbeat(req *request) error {
	zone := ui.Input{Value: req.actor.Project.Zone}
	f := heartbeatview.FormValues{
		Schedule: scheduleInterval, Interval: ui.Input{Value: "24h"}, Grace: ui.Input{Value: "1h"}, CronZone: zone, OnCalendarZone: zone,
	}
	return req.renderHeartbeatForm(http.StatusOK, heartbeatview.FormPage{Form: f}, nil)
}

// createHeartbeat saves a new heartbeat, and leads to its URL.
func createHeartbeat(req *request) error {
	if req.isPreview() {
		return rerenderNewHeartbeat(req)
	}
	h, err := req.site.Service.CreateHeartbeat(req.ctx(), req.actor, req.heartbeatEdit(monitor.Rule{}))
	if about, wrong := fieldErrors(err); wrong {
		return req.renderHeartbeatForm(statusInvalid, heartbeatview.FormPage{Form: req.withSuggestions(req.submittedHeartbeat(about), err)}, req.r.PostForm["channel"])
	}
	if err != nil {
		return err
	}
	return req.redirect(paths.Heartbeat(h.ID) + justSavedQuery)
}

// showHeartbeatForm is the form as it was saved.
func showHeartbeatForm(req *request) error {
	h, err := req.site.Service.Heartbeat(req.ctx(), req.actor, req.r.PathValue("key"))
	if err != nil {
		return err
	}
	return req.renderHeartbeatForm(http.StatusOK, heartbeatview.FormPage{
		Key: present.HeartbeatKey(h), Title: h.Name, Form: req.savedHeartbeat(h),
		Version: manage.HeartbeatVersion(h), OriginalValues: encodeOriginalValues(heartbeatFormValues(req.savedHeartbeat(h), h.Channels)),
	}, h.Channels)
}

// changeHeartbeat saves the form of an existing heartbeat.
func changeHeartbeat(req *request) error {
	key := req.r.PathValue("key")
	before, err := req.site.Service.Heartbeat(req.ctx(), req.actor, key)
	if err != nil {
		return err
	}
	if req.isPreview() {
		return rerenderHeartbeatForm(req)
	}
	edit := req.heartbeatEdit(before.Rule)
	edit.IfVersion = []string{req.formValue(ui.VersionField)}
	h, err := req.site.Service.ChangeHeartbeat(req.ctx(), req.actor, key, edit)
	if isStale(err) {
		now, err2 := req.staleHeartbeat(req.ctx())
		if err2 != nil {
			return err2
		}
		if req.isConflict(now) {
			return req.renderConflict(now)
		}
		edit.IfVersion = []string{now.version} // what changed is not in the form
		h, err = req.site.Service.ChangeHeartbeat(req.ctx(), req.actor, key, edit)
	}
	p := req.heartbeatFormPage(before)
	if about, wrong := fieldErrors(err); wrong {
		p.Form = req.withSuggestions(req.submittedHeartbeat(about), err)
		return req.renderHeartbeatForm(statusInvalid, p, req.r.PostForm["channel"])
	}
	if err != nil {
		return err
	}
	req.toast("Saved", "")
	return req.redirect(paths.Heartbeat(present.HeartbeatKey(h)))
}

// rerenderNewHeartbeat shows the form of a new heartbeat, filled in.
func rerenderNewHeartbeat(req *request) error {
	return req.renderHeartbeatPreview(heartbeatview.FormPage{}, monitor.Rule{})
}

// rerenderHeartbeatForm shows the form of an existing heartbeat, filled in.
func rerenderHeartbeatForm(req *request) error {
	before, err := req.site.Service.Heartbeat(req.ctx(), req.actor, req.r.PathValue("key"))
	if err != nil {
		return err
	}
	return req.renderHeartbeatPreview(req.heartbeatFormPage(before), before.Rule)
}

// heartbeatFormPage is the page of a form that came back: still of the version that it was
// opened on.
func (req *request) heartbeatFormPage(before monitor.Heartbeat) heartbeatview.FormPage {
	return heartbeatview.FormPage{
		Key: present.HeartbeatKey(before), Title: before.Name, Version: req.formValue(ui.VersionField), OriginalValues: req.formValue(ui.OriginalValuesField),
	}
}

// isPreview reports whether a browser without script asks what the form would
// mean, rather than to save it.
func (req *request) isPreview() bool { return req.applySuggestion() || req.formValue("look") != "" }

// renderHeartbeatPreview shows the form as it is filled in, with its preview and its mistakes.
func (req *request) renderHeartbeatPreview(p heartbeatview.FormPage, before monitor.Rule) error {
	_, err := req.site.Service.ValidateHeartbeat(req.ctx(), req.actor, req.heartbeatEdit(before))
	about, wrong := fieldErrors(err)
	if err != nil && !wrong {
		return err
	}
	p.Form = req.withSuggestions(req.submittedHeartbeat(about), err)
	return req.renderHeartbeatForm(http.StatusOK, p, req.r.PostForm["channel"])
}

// renderHeartbeatForm answers with the form, with what it would mean and the channels of
// which some are chosen.
func (req *request) renderHeartbeatForm(status int, p heartbeatview.FormPage, chosen []string) error {
	l, err := req.site.Service.Channels(req.ctx(), req.actor, manage.PageQuery{Limit: manage.MaxLimit})
	if err != nil {
		return err
	}
	for _, c := range l.Items {
		p.Channels = append(p.Channels, heartbeatview.ChannelOption{ID: c.ID, Name: c.Name, Kind: present.ChannelKindLabel(c.Kind), Selected: slices.Contains(chosen, c.ID)})
	}
	told := len(l.Items)
	if p.Form.SelectedChannelsOnly {
		told = len(chosen)
	}
	p.Form, p.Preview = req.withPreview(p.Form, told)
	p.Zones = present.TimeZones
	p.Shell = req.shell("")
	return req.renderStatus(status, heartbeatview.Form(p))
}

// previewHeartbeat answers what a form that is being filled in would mean.
func previewHeartbeat(req *request) error {
	_, err := req.site.Service.ValidateHeartbeat(req.ctx(), req.actor, req.heartbeatEdit(monitor.Rule{}))
	about, wrong := fieldErrors(err)
	if err != nil && !wrong {
		return err
	}
	f := req.withSuggestions(req.submittedHeartbeat(about), err)
	l, err := req.site.Service.Channels(req.ctx(), req.actor, manage.PageQuery{Limit: manage.MaxLimit})
	if err != nil {
		return err
	}
	told := len(l.Items)
	if f.SelectedChannelsOnly {
		told = len(req.r.PostForm["channel"])
	}
	f, p := req.withPreview(f, told)
	return req.render(heartbeatview.PreviewResponse(req.clock, f, p))
}

// channelCountText says how many channels that is.
func channelCountText(some bool, n int) string {
	switch {
	case n == 0:
		return "no channels"
	case some:
		return ui.Plural(n, "channel")
	case n == 1:
		return "the one channel of the project"
	default:
		return "all " + ui.Plural(n, "channel")
	}
}

// previewRuns is how many runs the preview of a form lists in either direction.
const previewRuns = 5

// withPreview is the form with what it would mean beside it. Told is how many
// channels are.
func (req *request) withPreview(f heartbeatview.FormValues, told int) (heartbeatview.FormValues, heartbeatview.Preview) {
	r, ok := req.ruleOf(f)
	if !ok {
		return f, heartbeatview.Preview{}
	}
	p := rulePreview(r, req.now)
	if r.Calendar != nil {
		f.ScheduleText = p.Schedule
		usual := r
		usual.Early = monitor.DefaultEarly
		if !p.Due.IsZero() {
			f.DefaultEarly = ui.ExactDuration(usual.EarlyWindow(p.Due).Truncate(time.Second))
		}
	}
	p.Channels, p.SingleChannel = channelCountText(f.SelectedChannelsOnly, told), told == 1
	return f, p
}

// ruleOf is the rule that a form says. It is false while something in it cannot be
// read: what that is, package manage tells, and here there is only no preview.
func (req *request) ruleOf(f heartbeatview.FormValues) (r monitor.Rule, ok bool) {
	sound := f.AlertAfter.Error == "" && f.ExpectFirstBy.Error == ""
	length := func(in ui.Input, empty time.Duration) time.Duration {
		if strings.TrimSpace(in.Value) == "" {
			return empty
		}
		d, err := schedule.ParseDuration(in.Value)
		sound = sound && err == nil && in.Error == ""
		return d
	}
	r = monitor.Rule{
		Grace: length(f.Grace, -1), MaxRunTime: length(f.MaxRunTime, 0), MinRunTime: length(f.MinRunTime, 0),
		StartGrace: length(f.StartGrace, 0), Early: length(f.Early, monitor.DefaultEarly),
	}
	r.ExpectFirstBy, _ = req.parseLocalTime(f.ExpectFirstBy.Value) // none is zero, which is never
	inARow, _ := strconv.Atoi(strings.TrimSpace(f.AlertAfter.Value))
	r.AlertAfter = max(0, min(inARow, monitor.MaxAlertAfter))
	switch f.Schedule {
	case scheduleCron:
		sound = parseCalendar(&r, monitor.Cron, f.Cron, f.CronZone) && sound
	case scheduleOnCalendar:
		sound = parseCalendar(&r, monitor.OnCalendar, f.OnCalendar, f.OnCalendarZone) && sound
	default:
		r.Interval = length(f.Interval, 0)
		sound = sound && r.Interval >= time.Second
	}
	return r, sound && r.Grace >= 0
}

// parseCalendar reads the lines of a calendar into a rule.
func parseCalendar(r *monitor.Rule, kind monitor.CalendarKind, text, zone ui.Input) bool {
	var err error
	r.Calendar, err = monitor.NewCalendar(kind, splitLines(text.Value), zone.Value)
	return err == nil && text.Error == "" && zone.Error == ""
}

// rulePreview is what a rule means if a ping came now.
func rulePreview(r monitor.Rule, now time.Time) heartbeatview.Preview {
	o := schedule.NewPreview(r.Schedule(), now, previewRuns)
	p := heartbeatview.Preview{
		Schedule: o.Description, Zone: o.Zone, Calendar: r.Calendar != nil, Grace: r.Grace, AlertAfter: r.AlertAfter, From: now,
		MaxRunTime: r.MaxRunTime, MinRunTime: r.MinRunTime, ExpectFirstBy: r.ExpectFirstBy, Next: o.Next, Previous: o.Previous,
	}
	for _, c := range o.ClockChanges {
		p.ClockChanges = append(p.ClockChanges, c.Describe())
	}
	if len(o.Next) == 0 {
		return p
	}
	p.Due, p.GraceHint = o.Next[0], longGraceHint(o.Next, r.Grace)
	p.Alert, p.StartDeadline = r.AlertingSlot(p.Due).Add(r.Grace), r.StartDeadline(p.Due)
	if early := r.EarlyWindow(p.Due); early > 0 {
		p.EarlyFrom = p.Due.Add(-early)
	}
	return p
}
