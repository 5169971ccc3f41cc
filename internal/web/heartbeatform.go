package web

import (
	"net/http"
	"slices"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// newHeartbeat is the empty form.
func newHeartbeat(v *visit) error {
	zone := view.Input{Value: v.actor.Project.Zone}
	f := view.HeartbeatForm{
		Schedule: byInterval, Interval: view.Input{Value: "24h"}, Grace: view.Input{Value: "1h"}, CronZone: zone, OnCalendarZone: zone,
	}
	return v.showForm(http.StatusOK, view.HeartbeatFormPage{Form: f}, nil)
}

// createHeartbeat saves a new heartbeat, and leads to its URL.
func createHeartbeat(v *visit) error {
	if v.onlyLooks() {
		return newAgain(v)
	}
	h, err := v.site.Desk.CreateHeartbeat(v.ctx(), v.actor, v.heartbeatEdit(monitor.Rule{}))
	if about, wrong := wrongs(err); wrong {
		return v.showForm(refused, view.HeartbeatFormPage{Form: v.offered(v.typed(about), err)}, v.r.PostForm["channel"])
	}
	if err != nil {
		return err
	}
	return v.redirect(view.HeartbeatPath(h.ID) + justSaved)
}

// editHeartbeat is the form as it was saved.
func editHeartbeat(v *visit) error {
	h, err := v.site.Desk.Heartbeat(v.ctx(), v.actor, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	return v.showForm(http.StatusOK, view.HeartbeatFormPage{
		Key: keyOf(h), Title: h.Name, Form: v.saved(h),
		Version: manage.HeartbeatVersion(h), Shown: shownText(heartbeatValues(v.saved(h), h.Channels)),
	}, h.Channels)
}

// changeHeartbeat saves the form of an existing heartbeat.
func changeHeartbeat(v *visit) error {
	key := v.r.PathValue("key")
	before, err := v.site.Desk.Heartbeat(v.ctx(), v.actor, key)
	if err != nil {
		return err
	}
	if v.onlyLooks() {
		return editAgain(v)
	}
	edit := v.heartbeatEdit(before.Rule)
	edit.MadeOn = []string{v.text(view.VersionField)}
	h, err := v.site.Desk.ChangeHeartbeat(v.ctx(), v.actor, key, edit)
	if isStale(err) {
		now, err2 := v.staleHeartbeat(v.ctx())
		if err2 != nil {
			return err2
		}
		if v.touches(now) {
			return v.conflict(now)
		}
		edit.MadeOn = []string{now.version} // what changed is not in the form
		h, err = v.site.Desk.ChangeHeartbeat(v.ctx(), v.actor, key, edit)
	}
	p := v.editor(before)
	if about, wrong := wrongs(err); wrong {
		p.Form = v.offered(v.typed(about), err)
		return v.showForm(refused, p, v.r.PostForm["channel"])
	}
	if err != nil {
		return err
	}
	v.toast("Saved", "")
	return v.redirect(view.HeartbeatPath(keyOf(h)))
}

// newAgain shows the form of a new heartbeat, filled in.
func newAgain(v *visit) error { return v.look(view.HeartbeatFormPage{}, monitor.Rule{}) }

// editAgain shows the form of an existing heartbeat, filled in.
func editAgain(v *visit) error {
	before, err := v.site.Desk.Heartbeat(v.ctx(), v.actor, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	return v.look(v.editor(before), before.Rule)
}

// editor is the page of a form that came back: still of the version that it was
// opened on.
func (v *visit) editor(before monitor.Heartbeat) view.HeartbeatFormPage {
	return view.HeartbeatFormPage{
		Key: keyOf(before), Title: before.Name, Version: v.text(view.VersionField), Shown: v.text(view.ShownField),
	}
}

// onlyLooks reports whether a browser without script asks what the form would
// mean, rather than to save it.
func (v *visit) onlyLooks() bool { return v.usesInstead() || v.text("look") != "" }

// look shows the form as it is filled in, with its preview and its mistakes.
func (v *visit) look(p view.HeartbeatFormPage, before monitor.Rule) error {
	_, err := v.site.Desk.CheckHeartbeat(v.ctx(), v.actor, v.heartbeatEdit(before))
	about, wrong := wrongs(err)
	if err != nil && !wrong {
		return err
	}
	p.Form = v.offered(v.typed(about), err)
	return v.showForm(http.StatusOK, p, v.r.PostForm["channel"])
}

// showForm answers with the form, with what it would mean and the channels of
// which some are chosen.
func (v *visit) showForm(status int, p view.HeartbeatFormPage, chosen []string) error {
	l, err := v.site.Desk.Channels(v.ctx(), v.actor, manage.Page{Limit: manage.MostItems})
	if err != nil {
		return err
	}
	for _, c := range l.Items {
		p.Channels = append(p.Channels, view.ChannelChoice{ID: c.ID, Name: c.Name, Kind: kindLabel(c.Kind), Chosen: slices.Contains(chosen, c.ID)})
	}
	told := len(l.Items)
	if p.Form.OnlySome {
		told = len(chosen)
	}
	p.Form, p.Preview = v.explained(p.Form, told)
	p.Zones = zones
	p.Shell = v.shell("")
	return v.showStatus(status, view.HeartbeatEditor(p))
}

// previewHeartbeat answers what a form that is being filled in would mean.
func previewHeartbeat(v *visit) error {
	_, err := v.site.Desk.CheckHeartbeat(v.ctx(), v.actor, v.heartbeatEdit(monitor.Rule{}))
	about, wrong := wrongs(err)
	if err != nil && !wrong {
		return err
	}
	f := v.offered(v.typed(about), err)
	l, err := v.site.Desk.Channels(v.ctx(), v.actor, manage.Page{Limit: manage.MostItems})
	if err != nil {
		return err
	}
	told := len(l.Items)
	if f.OnlySome {
		told = len(v.r.PostForm["channel"])
	}
	f, p := v.explained(f, told)
	return v.show(view.HeartbeatPreview(v.clock, f, p))
}

// whoIsTold says how many channels that is.
func whoIsTold(some bool, n int) string {
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
