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
func pauseHeartbeat(v *visit) error {
	h, err := v.site.Desk.PauseHeartbeat(v.ctx(), v.actor, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	v.toast("Paused "+h.Name, view.HeartbeatPath(keyOf(h))+"/resume")
	return v.redirect(view.HeartbeatPath(keyOf(h)))
}

// resumeHeartbeat judges again.
func resumeHeartbeat(v *visit) error {
	h, err := v.site.Desk.ResumeHeartbeat(v.ctx(), v.actor, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	v.toast("Resumed "+h.Name, "")
	return v.redirect(view.HeartbeatPath(keyOf(h)))
}

// confirmDeletion asks on a page of its own.
func confirmDeletion(v *visit) error {
	h, err := v.site.Desk.Heartbeat(v.ctx(), v.actor, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	return v.askDeletion(h, view.Input{})
}

// askDeletion shows the page that asks for the name.
func (v *visit) askDeletion(h monitor.Heartbeat, word view.Input) error {
	path := view.HeartbeatPath(keyOf(h))
	status := http.StatusOK
	if word.Error != "" {
		status = refused
	}
	return v.showStatus(status, view.Confirm(view.ConfirmPage{
		Shell: v.shell(""), Section: "Heartbeats", Title: "Delete “" + h.Name + "”?",
		Text:   "Jobs that still call its URL get 404. Right after it, you can undo it.",
		Action: path + "/delete", Label: "Type the name to confirm", Word: word, Button: "Delete heartbeat", Back: path,
	}))
}

// deleteHeartbeat ends a heartbeat whose name was typed.
func deleteHeartbeat(v *visit) error {
	h, err := v.site.Desk.Heartbeat(v.ctx(), v.actor, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	if word := v.text("confirm"); !same(word, h.Name) {
		return v.askDeletion(h, view.Input{Value: word, Error: "Type the name as it is written above."})
	}
	if err := v.site.Desk.DeleteHeartbeat(v.ctx(), v.actor, keyOf(h)); err != nil {
		return err
	}
	undo := view.HeartbeatPath(h.Ref) + "/restore"
	if h.Status == monitor.Paused {
		undo += "?paused=1"
	}
	v.toast("Deleted "+h.Name, undo)
	return v.redirect(view.HeartbeatsPath)
}

// same reports whether a name was typed, blanks aside.
func same(typed, name string) bool {
	return strings.Join(strings.Fields(typed), " ") == strings.Join(strings.Fields(name), " ")
}

// restoreHeartbeat takes a deletion back.
func restoreHeartbeat(v *visit) error {
	h, err := v.site.Desk.RestoreHeartbeat(v.ctx(), v.actor, v.r.PathValue("key"), v.r.URL.Query().Get("paused") != "")
	if err != nil {
		return err
	}
	v.toast("Restored "+h.Name, "")
	return v.redirect(view.HeartbeatPath(keyOf(h)))
}

// many is what can be done to several heartbeats at once.
type many struct {
	done string // what the toast says before their number
	to   func(context.Context, *manage.Desk, auth.Actor, string) error
}

// changeMany does one thing to all that were picked.
func changeMany(v *visit) error {
	_ = v.text("do") // reads the form
	ids := v.r.PostForm["id"]
	ids = slices.DeleteFunc(ids[:min(len(ids), manage.MostItems)], func(id string) bool { return id == "" })
	if len(ids) == 0 {
		v.toast("Nothing was selected", "")
		return v.redirect(view.HeartbeatsPath)
	}
	switch v.text("do") {
	case "edit":
		return v.redirect(view.HeartbeatPath(ids[0]) + "/edit")
	case "delete":
		if v.text("confirm") != "delete" {
			return v.askDeletions(ids)
		}
		return v.deleteMany(ids)
	}
	what, err := v.chosen()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := what.to(v.ctx(), v.site.Desk, v.actor, id); err != nil && !gone(err) {
			return err
		}
	}
	v.toast(what.done+" "+view.Plural(len(ids), "heartbeat"), "")
	return v.redirect(view.HeartbeatsPath)
}

// gone reports that somebody else deleted it meanwhile, which is no reason to
// leave the others as they are.
func gone(err error) bool { return isFault(err, monitor.Missing) }

// chosen is what was asked for.
func (v *visit) chosen() (many, error) {
	switch v.text("do") {
	case "pause":
		return many{"Paused", func(ctx context.Context, d *manage.Desk, a auth.Actor, id string) error {
			_, err := d.PauseHeartbeat(ctx, a, id)
			return err
		}}, nil
	case "resume":
		return many{"Resumed", func(ctx context.Context, d *manage.Desk, a auth.Actor, id string) error {
			_, err := d.ResumeHeartbeat(ctx, a, id)
			return err
		}}, nil
	case "tag":
		return tagging(strings.TrimSpace(v.text("tag")))
	case "channels":
		return routing(v.r.PostForm["channel"])
	}
	return many{}, monitor.Wrong(monitor.Invalid, "", "Go back, and choose what to do with what was selected.")
}

// tagging adds a tag.
func tagging(tag string) (many, error) {
	if tag == "" {
		return many{}, monitor.Wrong(monitor.Invalid, "", "Go back, and write the tag to add.")
	}
	return many{"Tagged", func(ctx context.Context, d *manage.Desk, a auth.Actor, id string) error {
		h, err := d.Heartbeat(ctx, a, id)
		if err != nil {
			return err
		}
		tags := append(slices.Clone(h.Tags), tag)
		_, err = d.ChangeHeartbeat(ctx, a, id, manage.HeartbeatEdit{Tags: &tags})
		return err
	}}, nil
}

// routing sets which channels are told.
func routing(channels []string) (many, error) {
	if len(channels) == 0 {
		return many{}, monitor.Wrong(monitor.Invalid, "", "Go back, and choose at least one channel.")
	}
	return many{"Set the channels of", func(ctx context.Context, d *manage.Desk, a auth.Actor, id string) error {
		_, err := d.ChangeHeartbeat(ctx, a, id, manage.HeartbeatEdit{Channels: &channels})
		return err
	}}, nil
}
