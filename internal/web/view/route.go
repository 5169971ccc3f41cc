package view

import "net/url"

// Paths of the pages and of the forms on them. A thing is named by its own id,
// never by the project that happens to be chosen: a link in an alert must lead
// to the same page for everyone.
const (
	HeartbeatsPath     = "/heartbeats"
	NewHeartbeatPath   = "/heartbeats/new"
	PreviewPath        = "/heartbeats/preview"
	BulkPath           = "/heartbeats/bulk"
	RestorePath        = "/heartbeats/restore"
	IncidentsPath      = "/incidents"
	IncidentsCSVPath   = "/incidents.csv"
	ChannelsPath       = "/channels"
	NewChannelPath     = "/channels/new"
	ChannelTestPath    = "/channels/test"
	TeamPath           = "/team"
	InvitePath         = "/team/invitations"
	KeysPath           = "/api-keys"
	AuditPath          = "/audit"
	FeedbackPath       = "/feedback"
	SettingsPath       = "/settings"
	ProjectsPath       = "/projects"
	NewProjectPath     = "/settings#new-project"
	AccountPath        = "/account"
	PasswordPath       = "/account/password"
	SessionsPath       = "/account/sessions"
	SetupPath          = "/setup"
	SignInPath         = "/sign-in"
	SignOutPath        = "/sign-out"
	ResetPath          = "/reset"
	ResumePath         = "/resume"
	DocsPath           = "/docs"
	DocsSearchPath     = "/docs/search"
	DocsAnswerPath     = "/docs/feedback"
	FirstHeartbeatPath = "/docs/first-heartbeat"
	MailServerPath     = "/docs/channels#e-mail"
)

// HeartbeatPath is the page of one heartbeat. The key is its id for those who
// may ping, and its ref for everyone else.
func HeartbeatPath(key string) string { return HeartbeatsPath + "/" + url.PathEscape(key) }

// IncidentPath is the page of one incident, by id, not by its number in the
// project.
func IncidentPath(id string) string { return IncidentsPath + "/" + url.PathEscape(id) }

// ChannelPath is the page of one channel.
func ChannelPath(id string) string { return ChannelsPath + "/" + url.PathEscape(id) }

// ProjectPath is where one project is chosen, changed or deleted.
func ProjectPath(id string) string { return ProjectsPath + "/" + url.PathEscape(id) }

// MemberPath is where a member's role is changed or the member removed.
func MemberPath(id string) string { return TeamPath + "/" + url.PathEscape(id) }

// InvitationPath is the page behind the link in an invitation.
func InvitationPath(token string) string { return "/invitations/" + url.PathEscape(token) }

// ResetTokenPath is the page behind the link that sets a new password.
func ResetTokenPath(token string) string { return ResetPath + "/" + url.PathEscape(token) }

// SentInvitationPath is where a sent invitation is withdrawn.
func SentInvitationPath(id string) string { return InvitePath + "/" + url.PathEscape(id) }

// KeyPath is where an API key is revoked.
func KeyPath(id string) string { return KeysPath + "/" + url.PathEscape(id) }

// SessionPath is where a session is ended.
func SessionPath(id string) string { return SessionsPath + "/" + url.PathEscape(id) }

// DocPath is a page of the manual.
func DocPath(slug string) string { return DocsPath + "/" + url.PathEscape(slug) }

// NewChannelOfKindPath is the form for a kind of channel.
func NewChannelOfKindPath(kind string) string { return NewChannelPath + query("kind", kind) }

// query is a query string with one parameter.
func query(name, value string) string { return "?" + url.Values{name: {value}}.Encode() }

// AcknowledgePath is the page behind the signed link in an alert.
func AcknowledgePath(token string) string { return "/acknowledge/" + url.PathEscape(token) }
