package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"overdue/internal/httpd"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/schedule"
	"overdue/internal/web/bulk"
	"overdue/internal/web/present"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// pauseHeartbeat pauses a heartbeat. It asks before it resolves an open incident.
func pauseHeartbeat(req *request) error {
	if req.formValue("confirm") == "" {
		key := req.r.PathValue("key")
		down, err := bulk.OpenIncidents(req.ctx(), req.site.Service, req.actor, []string{key})
		if err != nil {
			return err
		}
		if len(down) > 0 {
			return req.render(layout.Confirm(layout.ConfirmPage{
				Shell: req.shell(""), Section: "Heartbeats", Title: "Pause “" + down[0] + "”?",
				Text:   "This resolves its open incident. You can undo the pause, but the incident stays resolved.",
				Action: paths.Heartbeat(key) + "/pause", Fields: []ui.Option{{Value: "pause", Label: "confirm"}},
				Button: "Pause heartbeat", Cancel: "Do not pause", CancelPath: paths.Heartbeat(key),
			}))
		}
	}
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

// quietPeriod returns how long the form says that something is quiet: a typed duration, or a choice.
func (req *request) quietPeriod() (q manage.QuietPeriod) {
	length := strings.TrimSpace(req.formValue("length"))
	if length == "" {
		length = req.formValue("quiet")
	}
	switch length {
	case ui.QuietOpen:
	case ui.QuietMorning:
		zone, err := time.LoadLocation(req.actor.Project.Zone)
		if err != nil {
			zone = time.UTC
		}
		today := req.now.In(zone)
		until := time.Date(today.Year(), today.Month(), today.Day()+1, 8, 0, 0, 0, zone).Format(time.RFC3339)
		q.Until = &until
	default:
		q.For = &length
	}
	return q
}

// quietError returns the fault of a quiet period as that of the whole form.
func quietError(err error) error {
	fields, _ := fieldErrors(err)
	if text := fields["for"] + fields["until"]; text != "" {
		return monitor.Faultf(monitor.Invalid, "", "%s Go back and enter how long, such as 2h.", text)
	}
	return err
}

// muteHeartbeat mutes the alerts of a heartbeat for the chosen time.
func muteHeartbeat(req *request) error {
	h, err := req.site.Service.MuteHeartbeat(req.ctx(), req.actor, req.r.PathValue("key"), req.quietPeriod())
	if err != nil {
		return quietError(err)
	}
	path := paths.Heartbeat(present.HeartbeatKey(h))
	req.toast("Muted the alerts of "+h.Name, path+"/unmute")
	return req.redirect(path)
}

// forgetHost removes a host of a heartbeat.
func forgetHost(req *request) error {
	host := req.formValue("host")
	h, err := req.site.Service.ForgetHost(req.ctx(), req.actor, req.r.PathValue("key"), host)
	if err != nil {
		return err
	}
	req.toast("Forgot the host "+host+" of "+h.Name, "")
	return req.redirect(paths.Heartbeat(present.HeartbeatKey(h)))
}

// unmuteHeartbeat sends the alerts of a heartbeat again.
func unmuteHeartbeat(req *request) error {
	h, err := req.site.Service.UnmuteHeartbeat(req.ctx(), req.actor, req.r.PathValue("key"))
	if err != nil {
		return err
	}
	req.toast("Unmuted "+h.Name, "")
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
	h, err := req.site.Service.RestoreHeartbeat(req.ctx(), req.actor, req.r.PathValue("key"), req.formValue("paused") != "")
	if err != nil {
		return err
	}
	req.toast("Restored "+h.Name, "")
	return req.redirect(paths.Heartbeat(present.HeartbeatKey(h)))
}

// changeHeartbeats applies one action to all selected heartbeats, and returns to the
// list as it was.
func changeHeartbeats(req *request) error {
	do, ids := req.formValue("do"), bulk.IDs(req.r.PostForm)
	if len(ids) == 0 {
		req.toast("No heartbeat was selected", "")
		return req.redirect(listAddress(req.formValue("back")))
	}
	switch do {
	case "edit":
		return req.redirect(paths.Heartbeat(ids[0]) + "/edit")
	case "duplicate":
		return req.redirect(paths.DuplicateHeartbeat(ids[0]))
	case "delete":
		if req.formValue("confirm") != "delete" {
			return req.confirmHeartbeatDeletions(ids)
		}
		return req.deleteHeartbeats(ids)
	case "pause":
		down, err := bulk.OpenIncidents(req.ctx(), req.site.Service, req.actor, ids)
		if err != nil {
			return err
		}
		if len(down) > 0 && req.formValue("confirm") != "pause" {
			return req.confirmPause(ids, down)
		}
	}
	if do == "grace" || do == "" { // the button, or Enter in a field
		grace := strings.TrimSpace(req.formValue("grace"))
		if choices, bare := schedule.DurationsWithoutUnit(grace); bare {
			return monitor.Faultf(monitor.Invalid, "", "%s has no unit. Go back and write %s.", grace, schedule.JoinAlternatives(choices))
		}
	}
	if do == "mute" {
		end, err := req.quietPeriod().End(req.now)
		if err != nil {
			return quietError(err)
		}
		return req.applyAction(bulk.Mute(end), ids)
	}
	action, err := bulk.Parse(do, req.r.PostForm)
	if err != nil {
		return err
	}
	return req.applyAction(action, ids)
}

// applyAction applies an action. The toast has its result, and a button that undoes
// it.
func (req *request) applyAction(action bulk.Action, ids []string) error {
	back := listAddress(req.formValue("back"))
	result := action.Apply(req.ctx(), req.site.Service, req.actor, ids)
	text, undo := "No heartbeat changed: they already have this setting", ""
	if result.Missing == len(ids) {
		text = "No heartbeat changed: they were deleted"
	}
	if result.Changed > 0 {
		text = action.PastTense + " " + ui.Plural(result.Changed, "heartbeat")
		result.Undo.Set("back", back)
		undo = paths.UndoHeartbeats + "?" + result.Undo.Encode()
	}
	switch {
	case result.Failure == nil:
	case result.Changed == 0:
		return result.Failure.Err
	default:
		text += fmt.Sprintf(". “%s” and those after it did not change: %s", result.Failure.Name, req.reason(result.Failure.Err))
	}
	req.toast(text, undo)
	return req.redirect(back)
}

// reason returns the cause of a failure for the person. The log has the cause of an
// internal error.
func (req *request) reason(err error) string {
	if _, isFault := httpd.ProblemOf(err, func(field string) string { return field }); isFault {
		return err.Error()
	}
	req.site.Logger.Error("request failed", "component", "web", "error", err, "path", req.r.Pattern, "request_id", httpd.RequestID(req.r))
	return "The server could not save it. Try again."
}

// undoHeartbeats undoes an action on several heartbeats.
func undoHeartbeats(req *request) error {
	form := req.r.PostForm
	result, err := bulk.Undo(req.ctx(), req.site.Service, req.actor, form)
	if err != nil {
		return err
	}
	text := "Undone for " + ui.Plural(result.Restored, "heartbeat")
	switch {
	case result.Failure != nil && result.Restored == 0:
		return result.Failure.Err
	case result.Restored == 0:
		text = "Nothing was undone: the heartbeats have changed since"
	case result.Skipped > 0:
		text += "; " + ui.Count(result.Skipped) + " changed since"
	}
	if result.Failure != nil {
		text += fmt.Sprintf("; not for %s. “%s”: %s", ui.Count(result.Failed), result.Failure.Name, req.reason(result.Failure.Err))
	}
	req.toast(text, "")
	return req.redirect(listAddress(form.Get("back")))
}

// confirmPause asks before a pause that resolves open incidents. down are the names
// of their heartbeats.
func (req *request) confirmPause(ids, down []string) error {
	back := listAddress(req.formValue("back"))
	page := layout.ConfirmPage{
		Shell: req.shell(""), Section: "Heartbeats", Title: "Pause " + ui.Plural(len(ids), "heartbeat") + "?", Items: down,
		Text:   "This resolves " + ui.Plural(len(down), "open incident") + ". You can undo the pause, but the incidents stay resolved.",
		Action: paths.BulkHeartbeats, Button: "Pause " + ui.Plural(len(ids), "heartbeat"), Cancel: "Do not pause", CancelPath: back,
		Fields: []ui.Option{{Value: "pause", Label: "do"}, {Value: "pause", Label: "confirm"}, {Value: back, Label: "back"}},
	}
	for _, id := range ids {
		page.Fields = append(page.Fields, ui.Option{Value: id, Label: "id"})
	}
	return req.render(layout.Confirm(page))
}

// deleteHeartbeats deletes several heartbeats. One click restores them.
func (req *request) deleteHeartbeats(ids []string) error {
	back, undo := listAddress(req.formValue("back")), url.Values{}
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
		return req.redirect(back)
	}
	undo.Set("back", back)
	req.toast("Deleted "+ui.Plural(n, "heartbeat"), paths.RestoreHeartbeats+"?"+undo.Encode())
	return req.redirect(back)
}

// restoreHeartbeats undoes the deletion of several heartbeats. It skips those that
// were already restored.
func restoreHeartbeats(req *request) error {
	form, n := req.r.PostForm, 0
	for _, how := range []string{"id", "paused"} {
		for _, ref := range form[how][:min(len(form[how]), manage.MaxLimit)] {
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
	return req.redirect(listAddress(form.Get("back")))
}

// confirmHeartbeatDeletions asks for confirmation before several heartbeats are
// deleted.
func (req *request) confirmHeartbeatDeletions(ids []string) error {
	back := listAddress(req.formValue("back"))
	page := layout.ConfirmPage{
		Section: "Heartbeats", Action: paths.BulkHeartbeats, CancelPath: back,
		Text:  "Jobs that still call their URLs get 404. You can undo the deletion on the next page.",
		Label: "Type delete to confirm", Fields: []ui.Option{{Value: "delete", Label: "do"}, {Value: back, Label: "back"}},
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
