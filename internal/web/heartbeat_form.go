package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/schedule"
	"overdue/internal/web/present"
	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// showNewHeartbeat shows an empty form.
func showNewHeartbeat(req *request) error {
	if from := req.r.URL.Query().Get("from"); from != "" {
		return req.showDuplicate(from)
	}
	zone := ui.Input{Value: req.actor.Project.Zone}
	rule := monitor.Rule{Interval: 24 * time.Hour, Grace: time.Hour, Early: monitor.DefaultEarly}
	f := heartbeatview.FormValues{
		Schedule: scheduleInterval, Interval: durationInput(rule.Interval), Grace: durationInput(rule.Grace), CronZone: zone, OnCalendarZone: zone,
		Selects: selects(func(manage.HeartbeatField) string { return "" }),
	}
	return req.renderHeartbeatForm(http.StatusOK, heartbeatview.FormPage{Form: f}, &rule, nil)
}

// maxHeartbeatName is the maximum length of a name, in characters.
const maxHeartbeatName = 100

// showDuplicate shows the form for a new heartbeat with the settings of another.
func (req *request) showDuplicate(key string) error {
	h, err := req.site.Service.Heartbeat(req.ctx(), req.actor, key)
	if err != nil {
		return err
	}
	f := req.savedHeartbeat(h)
	f.ExpectFirstBy = ui.Input{} // belongs to the other heartbeat, and may be in the past
	f.Name.Value = "Copy of " + h.Name
	if utf8.RuneCountInString(f.Name.Value) > maxHeartbeatName {
		f.Name.Value = h.Name
	}
	return req.renderHeartbeatForm(http.StatusOK, heartbeatview.FormPage{Form: f}, &h.Rule, h.Channels)
}

// createHeartbeat creates a heartbeat, and shows its page with the ping URL.
func createHeartbeat(req *request) error {
	if req.isPreview() {
		return rerenderNewHeartbeat(req)
	}
	h, err := req.site.Service.CreateHeartbeat(req.ctx(), req.actor, req.heartbeatEdit(monitor.Rule{}))
	if _, invalid := fieldErrors(err); invalid {
		return req.renderSubmittedHeartbeat(statusInvalid, heartbeatview.FormPage{}, monitor.Rule{}, err)
	}
	if err != nil {
		return err
	}
	return req.redirect(paths.Heartbeat(h.ID) + justSavedQuery)
}

// showHeartbeatForm shows the form with the saved values.
func showHeartbeatForm(req *request) error {
	h, err := req.site.Service.Heartbeat(req.ctx(), req.actor, req.r.PathValue("key"))
	if err != nil {
		return err
	}
	return req.renderHeartbeatForm(http.StatusOK, heartbeatview.FormPage{
		Key: present.HeartbeatKey(h), Title: h.Name, Form: req.savedHeartbeat(h),
		Version: manage.HeartbeatVersion(h), OriginalValues: encodeOriginalValues(heartbeatFormValues(req.savedHeartbeat(h), h.Channels)),
	}, &h.Rule, h.Channels)
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
		edit.IfVersion = []string{now.version} // the form does not show what changed
		h, err = req.site.Service.ChangeHeartbeat(req.ctx(), req.actor, key, edit)
	}
	if _, invalid := fieldErrors(err); invalid {
		return req.renderSubmittedHeartbeat(statusInvalid, req.heartbeatFormPage(before), before.Rule, err)
	}
	if err != nil {
		return err
	}
	req.toast("Saved", "")
	return req.redirect(paths.Heartbeat(present.HeartbeatKey(h)))
}

// heartbeatFormLabels returns the controls of the heartbeat form with their labels.
func heartbeatFormLabels() []ui.Option {
	labels := []ui.Option{
		{Value: "schedule", Label: "Kind of schedule"},
		{Value: "cron_timezone", Label: "Time zone of cron"},
		{Value: "oncalendar_timezone", Label: "Time zone of OnCalendar"},
		{Value: "channels", Label: "Which channels"},
		{Value: "channel", Label: "Channels"},
	}
	for _, f := range manage.HeartbeatFields {
		if !slices.Contains([]string{"slug", "timezone", "channels", "policy"}, f.Name) {
			labels = append(labels, ui.Option{Value: f.Name, Label: f.Label})
		}
	}
	return labels
}

// heartbeatFormValues returns the values that a browser sends for an unchanged
// form.
func heartbeatFormValues(f heartbeatview.FormValues, channels []string) url.Values {
	values := url.Values{
		"name": {f.Name.Value}, "schedule": {f.Schedule}, "interval": {f.Interval.Value}, scheduleCron: {f.Cron.Value},
		"cron_timezone": {f.CronZone.Value}, scheduleOnCalendar: {f.OnCalendar.Value}, "oncalendar_timezone": {f.OnCalendarZone.Value},
		"grace": {f.Grace.Value}, "tags": {f.Tags.Value}, "description": {f.Description.Value}, "channels": {"all"}, "channel": channels,
		"max_run_time": {f.MaxRunTime.Value}, "min_run_time": {f.MinRunTime.Value}, "start_grace": {f.StartGrace.Value},
		"alert_after": {f.AlertAfter.Value}, "instances": {f.Instances.Value}, "early": {f.Early.Value}, "expect_first_by": {f.ExpectFirstBy.Value},
	}
	for _, s := range f.Selects {
		values[s.Name] = []string{s.Value}
	}
	for name, on := range map[string]bool{"methods": f.PostOnly, "manual_resume": f.ManualResume, "channels": f.SelectedChannelsOnly} {
		if on {
			values[name] = []string{map[string]string{"methods": "post", "manual_resume": "on", "channels": "some"}[name]}
		}
	}
	if f.Policy != "" {
		values.Set("channels", heartbeatview.PolicyPrefix+f.Policy)
	}
	return values
}

// staleHeartbeat returns the conflict of a form that is based on an old version.
func (req *request) staleHeartbeat(ctx context.Context) (editConflict, error) {
	h, err := req.site.Service.Heartbeat(ctx, req.actor, req.r.PathValue("key"))
	if err != nil {
		return editConflict{}, err
	}
	e := editConflict{
		title: h.Name, formPath: paths.Heartbeat(present.HeartbeatKey(h)), backPath: paths.Heartbeat(present.HeartbeatKey(h)), version: manage.HeartbeatVersion(h),
		fields: heartbeatFormLabels(), saved: heartbeatFormValues(req.savedHeartbeat(h), h.Channels), submitted: heartbeatFormValues(req.submittedHeartbeat(nil), req.r.PostForm["channel"]),
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
		if slug, ok := strings.CutPrefix(strings.Join(values, ""), heartbeatview.PolicyPrefix); ok && field == "channels" {
			return "Policy " + slug
		}
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

// heartbeatFormPage returns the page of a submitted form. It keeps the version that
// the form was opened with.
func (req *request) heartbeatFormPage(before monitor.Heartbeat) heartbeatview.FormPage {
	return heartbeatview.FormPage{
		Key: present.HeartbeatKey(before), Title: before.Name, Version: req.formValue(ui.VersionField), OriginalValues: req.formValue(ui.OriginalValuesField),
	}
}

// isPreview reports whether the form was submitted for its preview and not to be
// saved. Browsers without script do that.
func (req *request) isPreview() bool {
	return req.applySuggestion() || req.applyPreset() || req.formValue("look") != ""
}

// rerenderNewHeartbeat shows the submitted form of a new heartbeat.
func rerenderNewHeartbeat(req *request) error {
	return req.renderSubmittedHeartbeat(http.StatusOK, heartbeatview.FormPage{}, monitor.Rule{}, nil)
}

// rerenderHeartbeatForm shows the submitted form of an existing heartbeat.
func rerenderHeartbeatForm(req *request) error {
	before, err := req.site.Service.Heartbeat(req.ctx(), req.actor, req.r.PathValue("key"))
	if err != nil {
		return err
	}
	return req.renderSubmittedHeartbeat(http.StatusOK, req.heartbeatFormPage(before), before.Rule, nil)
}

// checkHeartbeat validates the submitted form. It returns the form with its errors and
// suggestions, and the rule for the preview, or nil if the rule is invalid. before is
// the rule of the edited heartbeat. saveErr, if not nil, is the error of saving the
// form; its errors are shown instead.
func (req *request) checkHeartbeat(before monitor.Rule, saveErr error) (heartbeatview.FormValues, *monitor.Rule, error) {
	edit := req.heartbeatEdit(before)
	h, err := req.site.Service.ValidateHeartbeat(req.ctx(), req.actor, edit)
	fieldErrs, invalid := fieldErrors(err)
	if err != nil && !invalid {
		return heartbeatview.FormValues{}, nil, err
	}
	rule := &h.Rule
	if edit.ExpectFirstBy == nil {
		rule.ExpectFirstBy = before.ExpectFirstBy
	}
	for field := range fieldErrs {
		if !slices.Contains(fieldsOutsideRule, field) {
			rule = nil
		}
	}
	if saveErr != nil {
		err = saveErr
		fieldErrs, _ = fieldErrors(err)
	}
	return req.withSuggestions(req.submittedHeartbeat(fieldErrs), err), rule, nil
}

// fieldsOutsideRule are the fields that the preview does not depend on.
var fieldsOutsideRule = []string{"name", "slug", "description", "tags", "channels", "policy"}

// renderSubmittedHeartbeat shows the submitted form with its preview and errors.
func (req *request) renderSubmittedHeartbeat(status int, p heartbeatview.FormPage, before monitor.Rule, saveErr error) error {
	form, rule, err := req.checkHeartbeat(before, saveErr)
	if err != nil {
		return err
	}
	p.Form = form
	return req.renderHeartbeatForm(status, p, rule, req.r.PostForm["channel"])
}

// renderHeartbeatForm shows a form with the preview of a rule, or without one if the
// rule is nil. chosen are the ids of the selected channels.
func (req *request) renderHeartbeatForm(status int, p heartbeatview.FormPage, rule *monitor.Rule, chosen []string) error {
	who, err := req.site.Service.Audience(req.ctx(), req.actor)
	if err != nil {
		return err
	}
	for _, o := range who.Policies {
		p.Policies = append(p.Policies, heartbeatview.PolicyOption{Slug: o.Slug, Name: o.Name, Steps: len(o.Steps), Default: o.Default})
	}
	for _, c := range who.Channels {
		p.Channels = append(p.Channels, heartbeatview.ChannelOption{ID: c.ID, Name: c.Name, Kind: present.ChannelKindLabel(c.Kind), Selected: slices.Contains(chosen, c.ID)})
	}
	p.Form, p.Preview = req.withPreview(p.Form, rule, who, chosen)
	p.Zones = present.TimeZones
	p.Shell = req.shell("")
	return req.renderStatus(status, heartbeatview.Form(p))
}

// previewHeartbeat returns the preview of a form that is being filled in.
func previewHeartbeat(req *request) error {
	form, rule, err := req.checkHeartbeat(monitor.Rule{}, nil)
	if err != nil {
		return err
	}
	who, err := req.site.Service.Audience(req.ctx(), req.actor)
	if err != nil {
		return err
	}
	form, p := req.withPreview(form, rule, who, req.r.PostForm["channel"])
	return req.render(heartbeatview.PreviewResponse(req.clock, form, p))
}

// withPreview returns the form with the preview of its rule. who can receive alerts, and chosen are the
// ids of the selected channels.
func (req *request) withPreview(f heartbeatview.FormValues, rule *monitor.Rule, who monitor.Audience, chosen []string) (heartbeatview.FormValues, heartbeatview.Preview) {
	if rule == nil {
		return f, heartbeatview.Preview{}
	}
	p := rulePreview(*rule, req.now)
	if rule.Calendar != nil {
		f.ScheduleText = p.Schedule
		usual := *rule
		usual.Early = monitor.DefaultEarly
		if !p.Due.IsZero() {
			f.DefaultEarly = ui.ExactDuration(usual.EarlyWindow(p.Due).Truncate(time.Second))
		}
	}
	h := monitor.Heartbeat{Project: req.actor.Project.Key, AllChannels: !f.SelectedChannelsOnly, Policy: f.Policy}
	if f.SelectedChannelsOnly {
		h.Channels = chosen
	}
	n := 0
	for _, planned := range h.NotificationPlan(who) {
		if planned.After == 0 {
			n++
		}
	}
	p.Channels, p.SingleChannel = channelCountText(f.SelectedChannelsOnly, n, h.NotifyRule(who).Policy), n == 1
	return f, p
}

// channelCountText describes the number of alerted channels.
func channelCountText(some bool, n int, policy *monitor.Policy) string {
	switch {
	case n == 0:
		return "no channels"
	case policy != nil:
		return ui.Plural(n, "channel") + " of policy " + policy.Name
	case some:
		return ui.Plural(n, "channel")
	case n == 1:
		return "the one channel of the project"
	default:
		return "all " + ui.Plural(n, "channel")
	}
}

// previewRuns is the number of past and of future runs in a preview.
const previewRuns = 5

// rulePreview returns the preview of a rule, as if a ping came now.
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

// applyPreset fills in the schedule of the pressed preset button. It returns false if
// none was pressed. The script does the same without a request.
func (req *request) applyPreset() bool {
	name := req.formValue(heartbeatview.PresetField)
	i := slices.IndexFunc(heartbeatview.SchedulePresets, func(p heartbeatview.SchedulePreset) bool { return p.Name == name })
	if i < 0 {
		return false
	}
	p := heartbeatview.SchedulePresets[i]
	if p.Interval != "" {
		req.r.PostForm.Set("schedule", scheduleInterval)
		req.r.PostForm.Set("interval", p.Interval)
		return true
	}
	at, valid := parseTimeOfDay(req.formValue(heartbeatview.PresetTimeField))
	if !valid {
		return true // the form shows the error at the time
	}
	req.r.PostForm.Set("schedule", scheduleCron)
	req.r.PostForm.Set(scheduleCron, fmt.Sprintf("%d %d %s", at.Minute(), at.Hour(), p.CronDays))
	return true
}

// presetTimeFault returns the error of the time of day of a pressed preset, or "".
func (req *request) presetTimeFault() string {
	if req.formValue(heartbeatview.PresetField) == "" {
		return ""
	}
	if _, valid := parseTimeOfDay(req.formValue(heartbeatview.PresetTimeField)); valid {
		return ""
	}
	return "Enter a time of day in 24-hour form, for example 03:00."
}

// parseTimeOfDay parses "3:00" or "03:00". An empty text is the default.
func parseTimeOfDay(text string) (time.Time, bool) {
	if text = strings.TrimSpace(text); text == "" {
		text = heartbeatview.DefaultPresetTime
	}
	at, err := time.Parse("15:04", text)
	return at, err == nil
}
