package web

import (
	"net/url"
	"strconv"
	"strings"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// AuditActions say what the actions of the audit log are, before the name of what they
// were done to.
var AuditActions = map[string]string{
	"heartbeat.create": "created the heartbeat", "heartbeat.change": "changed the heartbeat", "heartbeat.pause": "paused",
	"heartbeat.resume": "resumed", "heartbeat.delete": "deleted the heartbeat", "heartbeat.restore": "restored the heartbeat",
	"heartbeat.export": "downloaded the event log of", "incident.export": "downloaded the list of",
	"incident.acknowledge": "acknowledged the incident", "incident.note": "wrote a note on the incident",
	"channel.create": "created the channel", "channel.change": "changed the channel", "channel.delete": "deleted the channel",
	"channel.test": "sent a test alert to",
	"key.create":   "created the API key", "key.revoke": "revoked the API key",
	"member.invite": "invited", "member.withdraw": "withdrew the invitation of", "member.join": "joined:",
	"member.role": "changed the role of", "member.remove": "removed",
	"session.start": "signed in as", "session.end": "signed out", "session.end-other": "ended another session of",
	"session.end-others": "ended all other sessions of", "session.end-all": "ended all sessions of",
	"person.rename": "changed their name to", "person.reset-link": "made a link that sets a new password for",
	"person.setup": "set up Overdue:", "person.password": "set a new password for",
	"project.create": "created the project", "project.change": "changed the project", "project.delete": "deleted the project",
}

// ActorKinds are the words for who acted.
var ActorKinds = map[monitor.ActorKind]string{
	monitor.ActorPerson: "Person", monitor.ActorAPIKey: "API key", monitor.ActorAlertLink: "Alert link", monitor.ActorCommandLine: "Command line",
	monitor.ActorAnonymous: "Not signed in",
}

// shortIDLength is how many characters of an actor's id are shown: enough to distinguish
// two actors with the same name.
const shortIDLength = 8

// AuditEntry is an entry as the page shows it.
func AuditEntry(e monitor.AuditEntry) view.AuditEntry {
	shown := view.AuditEntry{
		At: e.At, Actor: e.Actor, ActorKind: ActorKinds[e.Kind], ActorID: e.ActorID,
		Action: AuditAction(e.Action), Target: e.Target, Detail: e.Detail, Address: e.Source,
	}
	switch {
	case e.ActorID == "":
		return shown
	case e.Kind == monitor.ActorCommandLine, e.Kind == monitor.ActorAnonymous:
		shown.ActorID = ""
		if e.Kind == monitor.ActorCommandLine {
			shown.Actor = e.ActorID
		}
		return shown
	case e.Kind == monitor.ActorAPIKey:
		shown.Actor = strings.TrimPrefix(e.Actor, "API key ")
	}
	// The end of the id: ids that were created at the same time begin alike.
	shown.ActorID = e.ActorID[max(len(e.ActorID)-shortIDLength, 0):]
	shown.ActorPath = view.AuditPath + "?" + url.Values{"actor": {e.ActorID}}.Encode()
	return shown
}

// AuditAction puts an action into words; one without words is shown as it is.
func AuditAction(action string) string {
	if words, known := AuditActions[action]; known {
		return words
	}
	return strings.ReplaceAll(action, ".", " ")
}

// showAudit shows who changed what.
func showAudit(v *request) error {
	q := v.r.URL.Query()
	cursor, back := q.Get("after"), false
	if newer := q.Get("newer"); newer != "" {
		cursor, back = newer, true
	}
	page, err := v.site.Service.AuditLog(v.ctx(), v.actor, manage.AuditQuery{
		Text: strings.TrimSpace(q.Get("q")), ActorID: q.Get("actor"), PageQuery: manage.PageQuery{Cursor: cursor}, Backwards: back,
	})
	if err != nil {
		return err
	}
	n := len(page.Items)
	first := 1
	if row, err := strconv.Atoi(q.Get("row")); err == nil && row > 1 && page.Prev != "" {
		first = row
	}
	p := view.AuditPage{Shell: v.shell(""), Query: q.Get("q"), Pager: view.Pager{First: first, Last: first + n - 1, Total: -1}}
	if page.Next != "" {
		p.Pager.Next = auditPageURL(q, "after", page.Next, first+n)
	}
	if page.Prev != "" {
		p.Pager.Prev = auditPageURL(q, "newer", page.Prev, first-manage.DefaultLimit)
	}
	for _, e := range page.Items {
		p.Entries = append(p.Entries, AuditEntry(e))
	}
	if by := q.Get("actor"); by != "" {
		p.AllPath = view.AuditPath
		p.Actor = by
		if n > 0 {
			p.Actor = page.Items[0].Actor
		}
	}
	return v.render(view.Audit(p))
}

// auditPageURL is the address of the page of the log on one side of a place; row is
// the number of its first line.
func auditPageURL(q url.Values, side, cursor string, row int) string {
	other := selectValues(q, "q", "actor")
	other.Set(side, cursor)
	other.Set("row", strconv.Itoa(max(row, 1)))
	return view.AuditPath + "?" + other.Encode()
}
