package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/schedule"
	"overdue/internal/web/view"
)

// runsPreviewed is how many runs the preview of a form lists.
const runsPreviewed = 5

// newHeartbeat is the empty form.
func newHeartbeat(v *visit) error {
	f := view.HeartbeatForm{
		OnlyInterval: true, Schedule: "interval", Interval: view.Input{Value: "24h"}, Grace: view.Input{Value: "1h"},
	}
	return v.showForm(http.StatusOK, view.HeartbeatFormPage{Form: f}, nil)
}

// createHeartbeat saves a new heartbeat, and leads to its URL.
func createHeartbeat(v *visit) error {
	h, err := v.site.Desk.CreateHeartbeat(v.ctx(), v.actor, v.heartbeatEdit())
	if about, wrong := wrongs(err); wrong {
		return v.showForm(refused, view.HeartbeatFormPage{Form: v.typed(about)}, v.r.PostForm["channel"])
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
	f := view.HeartbeatForm{
		OnlyInterval: true, Schedule: "interval",
		Name: view.Input{Value: h.Name}, Interval: view.Input{Value: view.Span(h.Rule.Interval)}, Grace: view.Input{Value: view.Span(h.Rule.Grace)},
		Tags: view.Input{Value: strings.Join(h.Tags, ", ")}, Description: view.Input{Value: h.Description},
		PostOnly: h.Rule.Methods == monitor.PostOnly, StaysPaused: h.Rule.ManualResume, OnlySome: !h.AllChannels,
	}
	if h.Rule.MaxRunTime > 0 {
		f.MaxRunTime.Value = view.Span(h.Rule.MaxRunTime)
	}
	return v.showForm(http.StatusOK, view.HeartbeatFormPage{Key: keyOf(h), Title: h.Name, Form: f}, h.Channels)
}

// changeHeartbeat saves the form of an existing heartbeat.
func changeHeartbeat(v *visit) error {
	key := v.r.PathValue("key")
	h, err := v.site.Desk.ChangeHeartbeat(v.ctx(), v.actor, key, v.heartbeatEdit())
	if about, wrong := wrongs(err); wrong {
		before, err := v.site.Desk.Heartbeat(v.ctx(), v.actor, key)
		if err != nil {
			return err
		}
		return v.showForm(refused, view.HeartbeatFormPage{Key: keyOf(before), Title: before.Name, Form: v.typed(about)}, v.r.PostForm["channel"])
	}
	if err != nil {
		return err
	}
	v.toast("Saved", "")
	return v.redirect(view.HeartbeatPath(keyOf(h)))
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
	p.Preview = preview(p.Form, whoIsTold(p.Form.OnlySome, told), v.now)
	p.Shell = v.shell("")
	return v.showStatus(status, view.HeartbeatEditor(p))
}

// previewHeartbeat answers what a form that is being filled in would mean.
func previewHeartbeat(v *visit) error {
	_, err := v.site.Desk.CheckHeartbeat(v.ctx(), v.actor, v.heartbeatEdit())
	about, _ := wrongs(err)
	if err != nil && len(about) == 0 {
		return err
	}
	f := v.typed(about)
	l, err := v.site.Desk.Channels(v.ctx(), v.actor, manage.Page{Limit: manage.MostItems})
	if err != nil {
		return err
	}
	told := len(l.Items)
	if f.OnlySome {
		told = len(v.r.PostForm["channel"])
	}
	return v.show(view.HeartbeatPreview(v.clock, f, preview(f, whoIsTold(f.OnlySome, told), v.now)))
}

// preview is what a form means, empty as long as it cannot be read.
func preview(f view.HeartbeatForm, told string, now time.Time) view.Preview {
	interval, err := schedule.ParseDuration(f.Interval.Value)
	grace, wrong := schedule.ParseDuration(f.Grace.Value)
	if err != nil || wrong != nil || f.Interval.Error != "" || f.Grace.Error != "" || interval < time.Second || grace < 0 {
		return view.Preview{}
	}
	p := view.Preview{
		Schedule: "every " + schedule.Duration(interval), Grace: grace, Channels: told, Ping: now, Due: now.Add(interval),
	}
	for i := range runsPreviewed {
		p.Runs = append(p.Runs, now.Add(time.Duration(i+1)*interval))
	}
	return p
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

// heartbeatEdit reads the form.
func (v *visit) heartbeatEdit() manage.HeartbeatEdit {
	tags := strings.Split(v.text("tags"), ",")
	methods, stays := string(monitor.AnyMethod), v.text("manual_resume") != ""
	if v.text("methods") == string(monitor.PostOnly) {
		methods = string(monitor.PostOnly)
	}
	e := manage.HeartbeatEdit{
		Name: new(v.text("name")), Description: new(v.text("description")), Tags: &tags,
		Interval: new(v.text("interval")), Grace: new(v.text("grace")), MaxRunTime: new(strings.TrimSpace(v.text("max_run_time"))),
		Methods: &methods, ManualResume: &stays,
	}
	var chosen []string // nil: all
	if v.text("channels") == "some" {
		chosen = append([]string{}, v.r.PostForm["channel"]...)
		if len(chosen) == 0 {
			e.Found = append(e.Found, monitor.Wrong(monitor.Invalid, "channels", "Choose at least one channel, or all of the project."))
		}
	}
	e.Channels = &chosen
	return e
}

// typed is the form as it was sent, with what is wrong beside each field.
func (v *visit) typed(about map[string]string) view.HeartbeatForm {
	in := func(field string) view.Input { return view.Input{Value: v.text(field), Error: about[field]} }
	return view.HeartbeatForm{
		OnlyInterval: true, Schedule: "interval", Name: in("name"), Interval: in("interval"), Grace: in("grace"),
		Tags: in("tags"), Description: in("description"), MaxRunTime: in("max_run_time"),
		PostOnly: v.text("methods") == string(monitor.PostOnly), StaysPaused: v.text("manual_resume") != "",
		OnlySome: v.text("channels") == "some", ChannelError: about["channels"],
	}
}
