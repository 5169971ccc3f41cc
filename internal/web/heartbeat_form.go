package web

import (
	"net/http"
	"slices"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// showNewHeartbeat is the empty form.
func showNewHeartbeat(v *request) error {
	zone := view.Input{Value: v.actor.Project.Zone}
	f := view.HeartbeatForm{
		Schedule: scheduleInterval, Interval: view.Input{Value: "24h"}, Grace: view.Input{Value: "1h"}, CronZone: zone, OnCalendarZone: zone,
	}
	return v.renderHeartbeatForm(http.StatusOK, view.HeartbeatFormPage{Form: f}, nil)
}

// createHeartbeat saves a new heartbeat, and leads to its URL.
func createHeartbeat(v *request) error {
	if v.isPreview() {
		return rerenderNewHeartbeat(v)
	}
	h, err := v.site.Service.CreateHeartbeat(v.ctx(), v.actor, v.heartbeatEdit(monitor.Rule{}))
	if about, wrong := fieldErrors(err); wrong {
		return v.renderHeartbeatForm(statusInvalid, view.HeartbeatFormPage{Form: v.withSuggestions(v.submittedHeartbeat(about), err)}, v.r.PostForm["channel"])
	}
	if err != nil {
		return err
	}
	return v.redirect(view.HeartbeatPath(h.ID) + justSavedQuery)
}

// showHeartbeatForm is the form as it was saved.
func showHeartbeatForm(v *request) error {
	h, err := v.site.Service.Heartbeat(v.ctx(), v.actor, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	return v.renderHeartbeatForm(http.StatusOK, view.HeartbeatFormPage{
		Key: HeartbeatKey(h), Title: h.Name, Form: v.savedHeartbeat(h),
		Version: manage.HeartbeatVersion(h), OriginalValues: encodeShownValues(heartbeatFormValues(v.savedHeartbeat(h), h.Channels)),
	}, h.Channels)
}

// changeHeartbeat saves the form of an existing heartbeat.
func changeHeartbeat(v *request) error {
	key := v.r.PathValue("key")
	before, err := v.site.Service.Heartbeat(v.ctx(), v.actor, key)
	if err != nil {
		return err
	}
	if v.isPreview() {
		return rerenderHeartbeatForm(v)
	}
	edit := v.heartbeatEdit(before.Rule)
	edit.IfVersion = []string{v.formValue(view.VersionField)}
	h, err := v.site.Service.ChangeHeartbeat(v.ctx(), v.actor, key, edit)
	if isStale(err) {
		now, err2 := v.staleHeartbeat(v.ctx())
		if err2 != nil {
			return err2
		}
		if v.isConflict(now) {
			return v.renderConflict(now)
		}
		edit.IfVersion = []string{now.version} // what changed is not in the form
		h, err = v.site.Service.ChangeHeartbeat(v.ctx(), v.actor, key, edit)
	}
	p := v.heartbeatFormPage(before)
	if about, wrong := fieldErrors(err); wrong {
		p.Form = v.withSuggestions(v.submittedHeartbeat(about), err)
		return v.renderHeartbeatForm(statusInvalid, p, v.r.PostForm["channel"])
	}
	if err != nil {
		return err
	}
	v.toast("Saved", "")
	return v.redirect(view.HeartbeatPath(HeartbeatKey(h)))
}

// rerenderNewHeartbeat shows the form of a new heartbeat, filled in.
func rerenderNewHeartbeat(v *request) error {
	return v.renderHeartbeatPreview(view.HeartbeatFormPage{}, monitor.Rule{})
}

// rerenderHeartbeatForm shows the form of an existing heartbeat, filled in.
func rerenderHeartbeatForm(v *request) error {
	before, err := v.site.Service.Heartbeat(v.ctx(), v.actor, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	return v.renderHeartbeatPreview(v.heartbeatFormPage(before), before.Rule)
}

// heartbeatFormPage is the page of a form that came back: still of the version that it was
// opened on.
func (v *request) heartbeatFormPage(before monitor.Heartbeat) view.HeartbeatFormPage {
	return view.HeartbeatFormPage{
		Key: HeartbeatKey(before), Title: before.Name, Version: v.formValue(view.VersionField), OriginalValues: v.formValue(view.OriginalValuesField),
	}
}

// isPreview reports whether a browser without script asks what the form would
// mean, rather than to save it.
func (v *request) isPreview() bool { return v.applySuggestion() || v.formValue("look") != "" }

// renderHeartbeatPreview shows the form as it is filled in, with its preview and its mistakes.
func (v *request) renderHeartbeatPreview(p view.HeartbeatFormPage, before monitor.Rule) error {
	_, err := v.site.Service.ValidateHeartbeat(v.ctx(), v.actor, v.heartbeatEdit(before))
	about, wrong := fieldErrors(err)
	if err != nil && !wrong {
		return err
	}
	p.Form = v.withSuggestions(v.submittedHeartbeat(about), err)
	return v.renderHeartbeatForm(http.StatusOK, p, v.r.PostForm["channel"])
}

// renderHeartbeatForm answers with the form, with what it would mean and the channels of
// which some are chosen.
func (v *request) renderHeartbeatForm(status int, p view.HeartbeatFormPage, chosen []string) error {
	l, err := v.site.Service.Channels(v.ctx(), v.actor, manage.PageQuery{Limit: manage.MaxLimit})
	if err != nil {
		return err
	}
	for _, c := range l.Items {
		p.Channels = append(p.Channels, view.ChannelOption{ID: c.ID, Name: c.Name, Kind: ChannelKindLabel(c.Kind), Selected: slices.Contains(chosen, c.ID)})
	}
	told := len(l.Items)
	if p.Form.SelectedChannelsOnly {
		told = len(chosen)
	}
	p.Form, p.Preview = v.withPreview(p.Form, told)
	p.Zones = TimeZones
	p.Shell = v.shell("")
	return v.renderStatus(status, view.HeartbeatEditor(p))
}

// previewHeartbeat answers what a form that is being filled in would mean.
func previewHeartbeat(v *request) error {
	_, err := v.site.Service.ValidateHeartbeat(v.ctx(), v.actor, v.heartbeatEdit(monitor.Rule{}))
	about, wrong := fieldErrors(err)
	if err != nil && !wrong {
		return err
	}
	f := v.withSuggestions(v.submittedHeartbeat(about), err)
	l, err := v.site.Service.Channels(v.ctx(), v.actor, manage.PageQuery{Limit: manage.MaxLimit})
	if err != nil {
		return err
	}
	told := len(l.Items)
	if f.SelectedChannelsOnly {
		told = len(v.r.PostForm["channel"])
	}
	f, p := v.withPreview(f, told)
	return v.render(view.HeartbeatPreview(v.clock, f, p))
}

// channelCountText says how many channels that is.
func channelCountText(some bool, n int) string {
	switch {
	case n == 0:
		return "no channels"
	case some:
		return view.Plural(n, "channel")
	case n == 1:
		return "the one channel of the project"
	default:
		return "all " + view.Plural(n, "channel")
	}
}
