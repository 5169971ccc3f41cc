package present

import (
	"net/url"
	"strings"

	"overdue/internal/monitor"
	"overdue/internal/web/view/accountview"
	"overdue/internal/web/view/paths"
)

// APIKey returns the row of an API key.
func APIKey(k monitor.APIKey) accountview.APIKey {
	shown := accountview.APIKey{
		ID: k.ID, Name: k.Name, Prefix: k.Prefix + "…", ReadOnly: k.ReadOnly, Created: k.Created, CreatedBy: k.CreatedBy, LastUsed: k.LastUsed,
	}
	if shown.CreatedBy == "" {
		shown.CreatedBy, shown.Prefix = "an earlier version", "ovd_…" // keys without these facts
	}
	return shown
}

// AuditActions describe the actions of the audit log. The name of the target
// follows.
var AuditActions = map[string]string{
	"heartbeat.create": "created the heartbeat", "heartbeat.change": "changed the heartbeat", "heartbeat.pause": "paused",
	"heartbeat.forget_host": "forgot a host of",
	"heartbeat.mute":        "muted the alerts of", "heartbeat.unmute": "unmuted the alerts of",
	"heartbeat.resume": "resumed", "heartbeat.delete": "deleted the heartbeat", "heartbeat.restore": "restored the heartbeat",
	"heartbeat.export": "downloaded the event log of", "incident.export": "downloaded the list of",
	"incident.snooze": "snoozed the incident", "incident.unsnooze": "ended the snooze of the incident",
	"incident.acknowledge": "acknowledged the incident", "incident.note": "added a note to the incident",
	"channel.create": "created the channel", "channel.change": "changed the channel", "channel.delete": "deleted the channel",
	"channel.test": "sent a test alert to", "channel.retry": "retried the pending alerts of",
	"maintenance.create": "created the maintenance", "maintenance.change": "changed the maintenance", "maintenance.delete": "deleted the maintenance",
	"maintenance.end": "ended the maintenance", "maintenance.extend": "extended the maintenance",
	"policy.create": "created the policy", "policy.change": "changed the policy", "policy.delete": "deleted the policy",
	"key.create": "created the API key", "key.revoke": "revoked the API key",
	"member.invite": "invited", "member.withdraw": "withdrew the invitation of", "member.join": "joined:",
	"member.role": "changed the role of", "member.remove": "removed",
	"session.start": "signed in as", "session.end": "signed out", "session.end-other": "ended another session of",
	"session.end-others": "ended all other sessions of", "session.end-all": "ended all sessions of",
	"person.rename": "changed their name to", "person.reset-link": "created a password link for",
	"person.setup": "set up Overdue:", "person.password": "set a new password for",
	"database.repair": "repaired the",
	"project.create":  "created the project", "project.change": "changed the project", "project.delete": "deleted the project",
}

// ActorKinds are the texts of the kinds of actor.
var ActorKinds = map[monitor.ActorKind]string{
	monitor.ActorPerson: "Person", monitor.ActorAPIKey: "API key", monitor.ActorAlertLink: "Alert link", monitor.ActorCommandLine: "Command line",
	monitor.ActorAnonymous: "Not signed in", monitor.ActorSystem: "System",
}

// shortIDLength is the number of characters of an actor's id in the log, enough to
// distinguish two actors with the same name.
const shortIDLength = 8

// AuditEntry returns the row of an audit entry.
func AuditEntry(e monitor.AuditEntry) accountview.AuditEntry {
	shown := accountview.AuditEntry{
		At: e.At, Actor: e.Actor, ActorKind: ActorKinds[e.Kind], ActorID: e.ActorID,
		Action: AuditAction(e.Action), Target: e.Target, Detail: e.Detail, Address: e.Source,
	}
	switch {
	case e.ActorID == "":
		return shown
	case e.Kind == monitor.ActorCommandLine, e.Kind == monitor.ActorAnonymous, e.Kind == monitor.ActorSystem:
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
	shown.ActorPath = paths.AuditLog + "?" + url.Values{"actor": {e.ActorID}}.Encode()
	return shown
}

// AuditAction returns the text of an action, or the action itself if it is unknown.
func AuditAction(action string) string {
	if words, known := AuditActions[action]; known {
		return words
	}
	return strings.ReplaceAll(action, ".", " ")
}

// Tokens of user agents and their names. A browser that contains the token of another
// one comes first.
var (
	browserTokens = [][2]string{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
		{"curl/", "curl"},
	}
	systemTokens = [][2]string{
		{"Android", "Android"},
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"CrOS", "ChromeOS"},
		{"Windows", "Windows"},
		{"Mac OS X", "macOS"},
		{"Linux", "Linux"},
	}
)

// BrowserName returns the name of a browser for people: "Firefox on Linux". User
// agents can lie, so nothing else may depend on it.
func BrowserName(agent string) string {
	name, system := firstMatch(browserTokens, agent), firstMatch(systemTokens, agent)
	switch {
	case name != "" && system != "":
		return name + " on " + system
	case name != "":
		return name
	case system != "":
		return "A browser on " + system
	}
	return "Unknown browser"
}

// firstMatch returns the name of the first token in a text.
func firstMatch(marks [][2]string, text string) string {
	for _, m := range marks {
		if strings.Contains(text, m[0]) {
			return m[1]
		}
	}
	return ""
}
