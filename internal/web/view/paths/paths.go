// Package paths has the address of every page and of every form.
package paths

import (
	"net/url"
	"strconv"
)

// Paths without an id. A path with an id never contains the project: a link in an
// alert must open the same page for everyone, whatever project they have open.
const (
	Heartbeats        = "/heartbeats"
	NewHeartbeat      = "/heartbeats/new"
	PreviewHeartbeat  = "/heartbeats/preview"
	BulkHeartbeats    = "/heartbeats/bulk"
	RestoreHeartbeats = "/heartbeats/restore"
	UndoHeartbeats    = "/heartbeats/undo"
	Incidents         = "/incidents"
	IncidentsCSV      = "/incidents.csv"
	Blackouts         = "/blackouts"
	// AcknowledgeIncidents acknowledges several incidents.
	AcknowledgeIncidents = "/incidents/acknowledge"
	SnoozeIncidents      = "/incidents/snooze"
	Channels             = "/channels"
	NewChannel           = "/channels/new"
	Policies             = "/policies"
	NewPolicy            = "/policies/new"
	PreviewPolicy        = "/policies/preview"
	PolicyDoc            = "/docs/alert-policy"
	TestChannel          = "/channels/test"
	Team                 = "/team"
	TeamInvitations      = "/team/invitations"
	APIKeys              = "/api-keys"
	Server               = "/server"
	AuditLog             = "/audit"
	DocsFeedback         = "/feedback"
	Settings             = "/settings"
	Projects             = "/projects"
	NewProject           = "/settings#new-project"
	Account              = "/account"
	AccountTimeZone      = "/account#time-zone"
	AccountZone          = "/account/zone"
	AccountPassword      = "/account/password"
	AccountSessions      = "/account/sessions"
	Setup                = "/setup"
	SignIn               = "/sign-in"
	SignOut              = "/sign-out"
	PasswordReset        = "/reset"
	ResumeForm           = "/resume"
	Docs                 = "/docs"
	DocsSearch           = "/docs/search"
	DocsAnswer           = "/docs/feedback"
	FirstHeartbeatDoc    = "/docs/first-heartbeat"
	PreviewChannel       = "/channels/preview"
	ChannelsDoc          = "/docs/channels"
	MailServerDoc        = "/docs/channels#email"
	BlackoutsDoc         = "/docs/delivery#when-overdue-was-not-watching"
	WatchedDoc           = "/docs/operations#who-watches-overdue"
	SeveralNodesDoc      = "/docs/self-hosting#several-servers"
)

// Heartbeat is the page of one heartbeat. The key is its id for readers who may
// see ping URLs, and its ref for all others.
func Heartbeat(key string) string { return Heartbeats + "/" + url.PathEscape(key) }

// DuplicateHeartbeat is the form for a new heartbeat with the settings of another.
func DuplicateHeartbeat(key string) string { return NewHeartbeat + Query("from", key) }

// IncidentGroup is the page of a group of incidents.
func IncidentGroup(number int64) string {
	return Incidents + "/groups/" + strconv.FormatInt(number, 10)
}

// Incident is the page of one incident. The id is not its number in the project.
func Incident(id string) string { return Incidents + "/" + url.PathEscape(id) }

// Blackout is the place of one blackout on the page of blackouts, with all of its heartbeats.
func Blackout(number int64) string {
	n := strconv.FormatInt(number, 10)
	return Blackouts + Query("blackout", n) + "#blackout-" + n
}

// Channel is the page of one channel.
func Channel(id string) string { return Channels + "/" + url.PathEscape(id) }

// Policy is the page of one policy, by slug or id.
func Policy(name string) string { return Policies + "/" + url.PathEscape(name) }

// Project is the address to open, change or delete a project.
func Project(id string) string { return Projects + "/" + url.PathEscape(id) }

// TeamMember is the address to change the role of a member or to remove them.
func TeamMember(id string) string { return Team + "/" + url.PathEscape(id) }

// Invitation is the page that the link in an invitation opens.
func Invitation(token string) string { return "/invitations/" + url.PathEscape(token) }

// PasswordResetLink is the page that the link in a password reset opens.
func PasswordResetLink(token string) string { return PasswordReset + "/" + url.PathEscape(token) }

// TeamInvitation is the address to withdraw an invitation.
func TeamInvitation(id string) string { return TeamInvitations + "/" + url.PathEscape(id) }

// APIKey is the address to revoke an API key.
func APIKey(id string) string { return APIKeys + "/" + url.PathEscape(id) }

// AccountSession is the address to end a session.
func AccountSession(id string) string { return AccountSessions + "/" + url.PathEscape(id) }

// Doc is a page of the manual.
func Doc(slug string) string { return Docs + "/" + url.PathEscape(slug) }

// NewChannelOfKind is the form for a new channel of one kind.
func NewChannelOfKind(kind string) string { return NewChannel + Query("kind", kind) }

// Query returns a query string with one parameter.
func Query(name, value string) string { return "?" + url.Values{name: {value}}.Encode() }

// Acknowledge is the page that the signed link in an alert opens.
func Acknowledge(token string) string { return "/acknowledge/" + url.PathEscape(token) }
