package web

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// pauseHeartbeat stops judging.
func pauseHeartbeat(v *request) error {
	h, err := v.site.Service.PauseHeartbeat(v.ctx(), v.actor, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	v.toast("Paused "+h.Name, view.HeartbeatPath(HeartbeatKey(h))+"/resume")
	return v.redirect(view.HeartbeatPath(HeartbeatKey(h)))
}

// resumeHeartbeat judges again.
func resumeHeartbeat(v *request) error {
	h, err := v.site.Service.ResumeHeartbeat(v.ctx(), v.actor, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	v.toast("Resumed "+h.Name, "")
	return v.redirect(view.HeartbeatPath(HeartbeatKey(h)))
}

// confirmHeartbeatDeletion asks on a page of its own.
func confirmHeartbeatDeletion(v *request) error {
	h, err := v.site.Service.Heartbeat(v.ctx(), v.actor, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	return v.renderHeartbeatDeletion(h, view.Input{})
}

// renderHeartbeatDeletion shows the page that asks for the name.
func (v *request) renderHeartbeatDeletion(h monitor.Heartbeat, word view.Input) error {
	path := view.HeartbeatPath(HeartbeatKey(h))
	status := http.StatusOK
	if word.Error != "" {
		status = statusInvalid
	}
	return v.renderStatus(status, view.Confirm(view.ConfirmPage{
		Shell: v.shell(""), Section: "Heartbeats", Title: "Delete “" + h.Name + "”?",
		Text:   "Jobs that still call its URL get 404. Right after it, you can undo it.",
		Action: path + "/delete", Label: "Type the name to confirm", Typed: word, Button: "Delete heartbeat", CancelPath: path,
	}))
}

// deleteHeartbeat ends a heartbeat whose name was typed.
func deleteHeartbeat(v *request) error {
	h, err := v.site.Service.Heartbeat(v.ctx(), v.actor, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	if word := v.formValue("confirm"); !sameName(word, h.Name) {
		return v.renderHeartbeatDeletion(h, view.Input{Value: word, Error: "Type the name as it is written above."})
	}
	if err := v.site.Service.DeleteHeartbeat(v.ctx(), v.actor, HeartbeatKey(h)); err != nil {
		return err
	}
	undo := view.HeartbeatPath(h.Ref) + "/restore"
	if h.Status == monitor.Paused {
		undo += "?paused=1"
	}
	v.toast("Deleted "+h.Name, undo)
	return v.redirect(view.HeartbeatsPath)
}

// sameName reports whether a name was typed, blanks aside.
func sameName(typed, name string) bool {
	return strings.Join(strings.Fields(typed), " ") == strings.Join(strings.Fields(name), " ")
}

// restoreHeartbeat takes a deletion back.
func restoreHeartbeat(v *request) error {
	h, err := v.site.Service.RestoreHeartbeat(v.ctx(), v.actor, v.r.PathValue("key"), v.r.URL.Query().Get("paused") != "")
	if err != nil {
		return err
	}
	v.toast("Restored "+h.Name, "")
	return v.redirect(view.HeartbeatPath(HeartbeatKey(h)))
}

// bulkAction is what can be done to several heartbeats at once.
type bulkAction struct {
	pastTense string // what the toast says before their number
	apply     func(context.Context, *manage.Service, auth.Actor, string) error
}

// changeHeartbeats does one thing to all that were picked.
func changeHeartbeats(v *request) error {
	_ = v.formValue("do") // reads the form
	ids := v.r.PostForm["id"]
	ids = slices.DeleteFunc(ids[:min(len(ids), manage.MaxLimit)], func(id string) bool { return id == "" })
	if len(ids) == 0 {
		v.toast("Nothing was selected", "")
		return v.redirect(view.HeartbeatsPath)
	}
	switch v.formValue("do") {
	case "edit":
		return v.redirect(view.HeartbeatPath(ids[0]) + "/edit")
	case "delete":
		if v.formValue("confirm") != "delete" {
			return v.confirmHeartbeatDeletions(ids)
		}
		return v.deleteHeartbeats(ids)
	}
	what, err := v.bulkAction()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := what.apply(v.ctx(), v.site.Service, v.actor, id); err != nil && !isMissing(err) {
			return err
		}
	}
	v.toast(what.pastTense+" "+view.Plural(len(ids), "heartbeat"), "")
	return v.redirect(view.HeartbeatsPath)
}

// isMissing reports that somebody else deleted it meanwhile, which is no reason to
// leave the others as they are.
func isMissing(err error) bool { return isFault(err, monitor.NotFound) }

// bulkAction is what was asked for.
func (v *request) bulkAction() (bulkAction, error) {
	switch v.formValue("do") {
	case "pause":
		return bulkAction{"Paused", func(ctx context.Context, d *manage.Service, a auth.Actor, id string) error {
			_, err := d.PauseHeartbeat(ctx, a, id)
			return err
		}}, nil
	case "resume":
		return bulkAction{"Resumed", func(ctx context.Context, d *manage.Service, a auth.Actor, id string) error {
			_, err := d.ResumeHeartbeat(ctx, a, id)
			return err
		}}, nil
	case "tag":
		return addTag(strings.TrimSpace(v.formValue("tag")))
	case "channels":
		return setChannels(v.r.PostForm["channel"])
	}
	return bulkAction{}, monitor.Faultf(monitor.Invalid, "", "Go back, and choose what to do with what was selected.")
}

// addTag adds a tag.
func addTag(tag string) (bulkAction, error) {
	if tag == "" {
		return bulkAction{}, monitor.Faultf(monitor.Invalid, "", "Go back, and write the tag to add.")
	}
	return bulkAction{"Tagged", func(ctx context.Context, d *manage.Service, a auth.Actor, id string) error {
		h, err := d.Heartbeat(ctx, a, id)
		if err != nil {
			return err
		}
		tags := append(slices.Clone(h.Tags), tag)
		_, err = d.ChangeHeartbeat(ctx, a, id, manage.HeartbeatEdit{Tags: &tags})
		return err
	}}, nil
}

// setChannels sets which channels are told.
func setChannels(channels []string) (bulkAction, error) {
	if len(channels) == 0 {
		return bulkAction{}, monitor.Faultf(monitor.Invalid, "", "Go back, and choose at least one channel.")
	}
	return bulkAction{"Set the channels of", func(ctx context.Context, d *manage.Service, a auth.Actor, id string) error {
		_, err := d.ChangeHeartbeat(ctx, a, id, manage.HeartbeatEdit{Channels: &channels})
		return err
	}}, nil
}
