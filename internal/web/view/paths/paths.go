// Package paths has the address of every page and of every form.
package paths

import "net/url"

// Paths of the pages and of the forms on them. A thing is named by its own id,
// never by the project that happens to be chosen: a link in an alert must lead
// to the same page for everyone.
const (
	Heartbeats        = "/heartbeats"
	NewHeartbeat      = "/heartbeats/new"
	PreviewHeartbeat  = "/heartbeats/preview"
	BulkHeartbeats    = "/heartbeats/bulk"
	RestoreHeartbeats = "/heartbeats/restore"
	Incidents         = "/incidents"
	IncidentsCSV      = "/incidents.csv"
	Channels          = "/channels"
	NewChannel        = "/channels/new"
	TestChannel       = "/channels/test"
	Team              = "/team"
	TeamInvitations   = "/team/invitations"
	APIKeys           = "/api-keys"
	AuditLog          = "/audit"
	DocsFeedback      = "/feedback"
	Settings          = "/settings"
	Projects          = "/projects"
	NewProject        = "/settings#new-project"
	Account           = "/account"
	AccountPassword   = "/account/password"
	AccountSessions   = "/account/sessions"
	Setup             = "/setup"
	SignIn            = "/sign-in"
	SignOut           = "/sign-out"
	PasswordReset     = "/reset"
	ResumeForm        = "/resume"
	Docs              = "/docs"
	DocsSearch        = "/docs/search"
	DocsAnswer        = "/docs/feedback"
	FirstHeartbeatDoc = "/docs/first-heartbeat"
	MailServerDoc     = "/docs/channels#e-mail"
)

// Heartbeat is the page of one heartbeat. The key is its id for those who
// may ping, and its ref for everyone else.
func Heartbeat(key string) string { return Heartbeats + "/" + url.PathEscape(key) }

// Incident is the page of one incident, by id, not by its number in the
// project.
func Incident(id string) string { return Incidents + "/" + url.PathEscape(id) }

// Channel is the page of one channel.
func Channel(id string) string { return Channels + "/" + url.PathEscape(id) }

// Project is where one project is chosen, changed or deleted.
func Project(id string) string { return Projects + "/" + url.PathEscape(id) }

// TeamMember is where a member's role is changed or the member removed.
func TeamMember(id string) string { return Team + "/" + url.PathEscape(id) }

// Invitation is the page behind the link in an invitation.
func Invitation(token string) string { return "/invitations/" + url.PathEscape(token) }

// PasswordResetLink is the page behind the link that sets a new password.
func PasswordResetLink(token string) string { return PasswordReset + "/" + url.PathEscape(token) }

// TeamInvitation is where a sent invitation is withdrawn.
func TeamInvitation(id string) string { return TeamInvitations + "/" + url.PathEscape(id) }

// APIKey is where an API key is revoked.
func APIKey(id string) string { return APIKeys + "/" + url.PathEscape(id) }

// AccountSession is where a session is ended.
func AccountSession(id string) string { return AccountSessions + "/" + url.PathEscape(id) }

// Doc is a page of the manual.
func Doc(slug string) string { return Docs + "/" + url.PathEscape(slug) }

// NewChannelOfKind is the form for a kind of channel.
func NewChannelOfKind(kind string) string { return NewChannel + Query("kind", kind) }

// Query is a query string with one parameter.
func Query(name, value string) string { return "?" + url.Values{name: {value}}.Encode() }

// Acknowledge is the page behind the signed link in an alert.
func Acknowledge(token string) string { return "/acknowledge/" + url.PathEscape(token) }
