package web

import (
	"net/http"
	"net/url"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// deleteHeartbeats ends several heartbeats, which one click brings back.
func (v *request) deleteHeartbeats(ids []string) error {
	undo := url.Values{}
	for _, id := range ids {
		h, err := v.site.Service.Heartbeat(v.ctx(), v.actor, id)
		if err == nil {
			err = v.site.Service.DeleteHeartbeat(v.ctx(), v.actor, id)
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
		v.toast("They were deleted already", "")
		return v.redirect(view.HeartbeatsPath)
	}
	v.toast("Deleted "+view.Plural(n, "heartbeat"), view.RestorePath+"?"+undo.Encode())
	return v.redirect(view.HeartbeatsPath)
}

// restoreHeartbeats takes the deletion of several back. What somebody restored
// meanwhile stays as it is.
func restoreHeartbeats(v *request) error {
	q, n := v.r.URL.Query(), 0
	for _, how := range []string{"id", "paused"} {
		for _, ref := range q[how][:min(len(q[how]), manage.MaxLimit)] {
			_, err := v.site.Service.RestoreHeartbeat(v.ctx(), v.actor, ref, how == "paused")
			if err != nil && !isMissing(err) {
				return err
			}
			if err == nil {
				n++
			}
		}
	}
	if n == 0 {
		return monitor.Faultf(monitor.NotFound, "", "They cannot be restored any more, or were restored already.")
	}
	v.toast("Restored "+view.Plural(n, "heartbeat"), "")
	return v.redirect(view.HeartbeatsPath)
}

// confirmHeartbeatDeletions asks before several are deleted.
func (v *request) confirmHeartbeatDeletions(ids []string) error {
	page := view.ConfirmPage{
		Section: "Heartbeats", Action: view.BulkPath, CancelPath: view.HeartbeatsPath,
		Text:  "Jobs that still call their URLs get 404. Right after it, you can undo it.",
		Label: "Type delete to confirm", Fields: []view.Option{{Value: "delete", Label: "do"}},
	}
	for _, id := range ids {
		h, err := v.site.Service.Heartbeat(v.ctx(), v.actor, id)
		if isMissing(err) {
			continue
		}
		if err != nil {
			return err
		}
		page.Items = append(page.Items, h.Name)
		page.Fields = append(page.Fields, view.Option{Value: HeartbeatKey(h), Label: "id"})
	}
	page.Title = "Delete " + view.Plural(len(page.Items), "heartbeat") + "?"
	page.Button = "Delete " + view.Plural(len(page.Items), "heartbeat")
	status := http.StatusOK
	if word := v.formValue("confirm"); word != "" {
		page.Typed, status = view.Input{Value: word, Error: "Type the word delete."}, statusInvalid
	}
	page.Shell = v.shell("")
	return v.renderStatus(status, view.Confirm(page))
}
