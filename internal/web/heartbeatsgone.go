package web

import (
	"net/http"
	"net/url"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// deleteMany ends several heartbeats, which one click brings back.
func (v *visit) deleteMany(ids []string) error {
	undo := url.Values{}
	for _, id := range ids {
		h, err := v.site.Desk.Heartbeat(v.ctx(), v.actor, id)
		if err == nil {
			err = v.site.Desk.DeleteHeartbeat(v.ctx(), v.actor, id)
		}
		switch {
		case gone(err):
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

// restoreMany takes the deletion of several back. What somebody restored
// meanwhile stays as it is.
func restoreMany(v *visit) error {
	q, n := v.r.URL.Query(), 0
	for _, how := range []string{"id", "paused"} {
		for _, ref := range q[how][:min(len(q[how]), manage.MostItems)] {
			_, err := v.site.Desk.RestoreHeartbeat(v.ctx(), v.actor, ref, how == "paused")
			if err != nil && !gone(err) {
				return err
			}
			if err == nil {
				n++
			}
		}
	}
	if n == 0 {
		return monitor.Wrong(monitor.Missing, "", "They cannot be restored any more, or were restored already.")
	}
	v.toast("Restored "+view.Plural(n, "heartbeat"), "")
	return v.redirect(view.HeartbeatsPath)
}

// askDeletions asks before several are deleted.
func (v *visit) askDeletions(ids []string) error {
	page := view.ConfirmPage{
		Section: "Heartbeats", Action: view.BulkPath, Back: view.HeartbeatsPath,
		Text:  "Jobs that still call their URLs get 404. Right after it, you can undo it.",
		Label: "Type delete to confirm", Fields: []view.Choice{{Value: "delete", Label: "do"}},
	}
	for _, id := range ids {
		h, err := v.site.Desk.Heartbeat(v.ctx(), v.actor, id)
		if gone(err) {
			continue
		}
		if err != nil {
			return err
		}
		page.Names = append(page.Names, h.Name)
		page.Fields = append(page.Fields, view.Choice{Value: keyOf(h), Label: "id"})
	}
	page.Title = "Delete " + view.Plural(len(page.Names), "heartbeat") + "?"
	page.Button = "Delete " + view.Plural(len(page.Names), "heartbeat")
	status := http.StatusOK
	if word := v.text("confirm"); word != "" {
		page.Word, status = view.Input{Value: word, Error: "Type the word delete."}, refused
	}
	page.Shell = v.shell("")
	return v.showStatus(status, view.Confirm(page))
}
