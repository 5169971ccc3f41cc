package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/present"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// pauseHeartbeat pauses a heartbeat.
func pauseHeartbeat(req *request) error {
	h, err := req.site.Service.PauseHeartbeat(req.ctx(), req.actor, req.r.PathValue("key"))
	if err != nil {
		return err
	}
	req.toast("Paused "+h.Name, paths.Heartbeat(present.HeartbeatKey(h))+"/resume")
	return req.redirect(paths.Heartbeat(present.HeartbeatKey(h)))
}

// resumeHeartbeat resumes a paused heartbeat.
func resumeHeartbeat(req *request) error {
	h, err := req.site.Service.ResumeHeartbeat(req.ctx(), req.actor, req.r.PathValue("key"))
	if err != nil {
		return err
	}
	req.toast("Resumed "+h.Name, "")
	return req.redirect(paths.Heartbeat(present.HeartbeatKey(h)))
}

// confirmHeartbeatDeletion asks for confirmation on a separate page.
func confirmHeartbeatDeletion(req *request) error {
	h, err := req.site.Service.Heartbeat(req.ctx(), req.actor, req.r.PathValue("key"))
	if err != nil {
		return err
	}
	return req.renderHeartbeatDeletion(h, ui.Input{})
}

// renderHeartbeatDeletion shows the page that asks for the name.
func (req *request) renderHeartbeatDeletion(h monitor.Heartbeat, word ui.Input) error {
	path := paths.Heartbeat(present.HeartbeatKey(h))
	status := http.StatusOK
	if word.Error != "" {
		status = statusInvalid
	}
	return req.renderStatus(status, layout.Confirm(layout.ConfirmPage{
		Shell: req.shell(""), Section: "Heartbeats", Title: "Delete “" + h.Name + "”?",
		Text:   "Jobs that still call its URL get 404. You can undo the deletion on the next page.",
		Action: path + "/delete", Label: "Type the name to confirm", Typed: word, Button: "Delete heartbeat", CancelPath: path,
	}))
}

// deleteHeartbeat deletes a heartbeat after its name was typed.
func deleteHeartbeat(req *request) error {
	h, err := req.site.Service.Heartbeat(req.ctx(), req.actor, req.r.PathValue("key"))
	if err != nil {
		return err
	}
	if word := req.formValue("confirm"); !sameName(word, h.Name) {
		return req.renderHeartbeatDeletion(h, ui.Input{Value: word, Error: "The name does not match. Type it as shown above."})
	}
	if err := req.site.Service.DeleteHeartbeat(req.ctx(), req.actor, present.HeartbeatKey(h)); err != nil {
		return err
	}
	undo := paths.Heartbeat(h.Ref) + "/restore"
	if h.Status == monitor.Paused {
		undo += "?paused=1"
	}
	req.toast("Deleted "+h.Name, undo)
	return req.redirect(paths.Heartbeats)
}

// sameName reports whether two names are equal, except for whitespace.
func sameName(typed, name string) bool {
	return strings.Join(strings.Fields(typed), " ") == strings.Join(strings.Fields(name), " ")
}

// restoreHeartbeat undoes a deletion.
func restoreHeartbeat(req *request) error {
	h, err := req.site.Service.RestoreHeartbeat(req.ctx(), req.actor, req.r.PathValue("key"), req.r.URL.Query().Get("paused") != "")
	if err != nil {
		return err
	}
	req.toast("Restored "+h.Name, "")
	return req.redirect(paths.Heartbeat(present.HeartbeatKey(h)))
}

// bulkAction is an action on several heartbeats.
type bulkAction struct {
	pastTense string // begins the toast: "Paused 3 heartbeats"
	apply     func(context.Context, *manage.Service, auth.Actor, string) error
}

// changeHeartbeats applies one action to all selected heartbeats.
func changeHeartbeats(req *request) error {
	_ = req.formValue("do") // reads the form
	ids := req.r.PostForm["id"]
	ids = slices.DeleteFunc(ids[:min(len(ids), manage.MaxLimit)], func(id string) bool { return id == "" })
	if len(ids) == 0 {
		req.toast("No heartbeat was selected", "")
		return req.redirect(paths.Heartbeats)
	}
	switch req.formValue("do") {
	case "edit":
		return req.redirect(paths.Heartbeat(ids[0]) + "/edit")
	case "delete":
		if req.formValue("confirm") != "delete" {
			return req.confirmHeartbeatDeletions(ids)
		}
		return req.deleteHeartbeats(ids)
	}
	what, err := req.bulkAction()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := what.apply(req.ctx(), req.site.Service, req.actor, id); err != nil && !isMissing(err) {
			return err
		}
	}
	req.toast(what.pastTense+" "+ui.Plural(len(ids), "heartbeat"), "")
	return req.redirect(paths.Heartbeats)
}

// bulkAction returns the action of the form.
func (req *request) bulkAction() (bulkAction, error) {
	switch req.formValue("do") {
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
		return addTag(strings.TrimSpace(req.formValue("tag")))
	case "channels":
		return setChannels(req.r.PostForm["channel"])
	}
	return bulkAction{}, monitor.Faultf(monitor.Invalid, "", "No action was chosen. Go back and choose one.")
}

// addTag returns the action that adds a tag.
func addTag(tag string) (bulkAction, error) {
	if tag == "" {
		return bulkAction{}, monitor.Faultf(monitor.Invalid, "", "The tag is empty. Go back and enter a tag.")
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

// setChannels returns the action that sets the channels.
func setChannels(channels []string) (bulkAction, error) {
	if len(channels) == 0 {
		return bulkAction{}, monitor.Faultf(monitor.Invalid, "", "No channel was chosen. Go back and choose at least one.")
	}
	return bulkAction{"Set the channels of", func(ctx context.Context, d *manage.Service, a auth.Actor, id string) error {
		_, err := d.ChangeHeartbeat(ctx, a, id, manage.HeartbeatEdit{Channels: &channels})
		return err
	}}, nil
}

// deleteHeartbeats deletes several heartbeats. One click restores them.
func (req *request) deleteHeartbeats(ids []string) error {
	undo := url.Values{}
	for _, id := range ids {
		h, err := req.site.Service.Heartbeat(req.ctx(), req.actor, id)
		if err == nil {
			err = req.site.Service.DeleteHeartbeat(req.ctx(), req.actor, id)
		}
		switch {
		case isMissing(err):
			continue
		case err != nil:
			return err
		case h.Status == monitor.Paused:
			undo.Add("paused", h.Ref)
		default:
			undo.Add("id", h.Ref)
		}
	}
	n := len(undo["id"]) + len(undo["paused"])
	if n == 0 {
		req.toast("The heartbeats were already deleted", "")
		return req.redirect(paths.Heartbeats)
	}
	req.toast("Deleted "+ui.Plural(n, "heartbeat"), paths.RestoreHeartbeats+"?"+undo.Encode())
	return req.redirect(paths.Heartbeats)
}

// restoreHeartbeats undoes the deletion of several heartbeats. It skips those that
// were already restored.
func restoreHeartbeats(req *request) error {
	q, n := req.r.URL.Query(), 0
	for _, how := range []string{"id", "paused"} {
		for _, ref := range q[how][:min(len(q[how]), manage.MaxLimit)] {
			_, err := req.site.Service.RestoreHeartbeat(req.ctx(), req.actor, ref, how == "paused")
			if err != nil && !isMissing(err) {
				return err
			}
			if err == nil {
				n++
			}
		}
	}
	if n == 0 {
		return monitor.Faultf(monitor.NotFound, "", "The heartbeats can no longer be restored, or were already restored.")
	}
	req.toast("Restored "+ui.Plural(n, "heartbeat"), "")
	return req.redirect(paths.Heartbeats)
}

// confirmHeartbeatDeletions asks for confirmation before several heartbeats are
// deleted.
func (req *request) confirmHeartbeatDeletions(ids []string) error {
	page := layout.ConfirmPage{
		Section: "Heartbeats", Action: paths.BulkHeartbeats, CancelPath: paths.Heartbeats,
		Text:  "Jobs that still call their URLs get 404. You can undo the deletion on the next page.",
		Label: "Type delete to confirm", Fields: []ui.Option{{Value: "delete", Label: "do"}},
	}
	for _, id := range ids {
		h, err := req.site.Service.Heartbeat(req.ctx(), req.actor, id)
		if isMissing(err) {
			continue
		}
		if err != nil {
			return err
		}
		page.Items = append(page.Items, h.Name)
		page.Fields = append(page.Fields, ui.Option{Value: present.HeartbeatKey(h), Label: "id"})
	}
	page.Title = "Delete " + ui.Plural(len(page.Items), "heartbeat") + "?"
	page.Button = "Delete " + ui.Plural(len(page.Items), "heartbeat")
	status := http.StatusOK
	if word := req.formValue("confirm"); word != "" {
		page.Typed, status = ui.Input{Value: word, Error: "Type the word “delete”."}, statusInvalid
	}
	page.Shell = req.shell("")
	return req.renderStatus(status, layout.Confirm(page))
}
