package web

import (
	"net/url"
	"strings"

	"overdue/internal/manage"
	"overdue/internal/web/view"
)

// deeds say what the actions of the audit log are, before the name of what they
// were done to.
var deeds = map[string]string{
	"heartbeat.create": "created the heartbeat", "heartbeat.change": "changed the heartbeat", "heartbeat.pause": "paused",
	"heartbeat.resume": "resumed", "heartbeat.delete": "deleted the heartbeat", "heartbeat.restore": "restored the heartbeat",
	"incident.acknowledge": "acknowledged the incident", "incident.note": "wrote a note on the incident",
	"channel.create": "created the channel", "channel.change": "changed the channel", "channel.delete": "deleted the channel",
	"channel.test": "sent a test alert to",
	"key.create":   "created the API key", "key.revoke": "revoked the API key",
	"member.invite": "invited", "member.withdraw": "withdrew the invitation of", "member.join": "joined:",
	"member.role": "changed the role of", "member.remove": "removed",
	"person.setup":   "set up Overdue:",
	"project.create": "created the project", "project.change": "changed the project", "project.delete": "deleted the project",
}

// did puts an action into words; one without words is shown as it is.
func did(action string) string {
	if words, known := deeds[action]; known {
		return words
	}
	return strings.ReplaceAll(action, ".", " ")
}

// showAudit shows who changed what. Its pages lead only onward, since the log
// grows at the other end; the browser leads back.
func showAudit(v *visit) error {
	q := v.r.URL.Query()
	listing, err := v.site.Desk.AuditLog(v.ctx(), v.actor, manage.AuditQuery{
		Text: strings.TrimSpace(q.Get("q")), Page: manage.Page{Cursor: q.Get("after")},
	})
	if err != nil {
		return err
	}
	p := view.AuditPage{Shell: v.shell(""), Query: q.Get("q"), Pager: view.Pager{First: 1, Last: len(listing.Items), Total: -1}}
	if listing.Next != "" {
		p.Pager.Next = view.AuditPath + "?" + url.Values{"q": {q.Get("q")}, "after": {listing.Next}}.Encode()
	}
	for _, e := range listing.Items {
		p.Entries = append(p.Entries, view.AuditEntry{
			At: e.At, Who: e.Actor, Did: did(e.Action), What: e.Target, Detail: e.Detail, Source: e.Source,
		})
	}
	return v.show(view.Audit(p))
}
