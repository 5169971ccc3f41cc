// Package provider knows the HTTP interfaces of the services that channels send to: Slack, PagerDuty,
// ntfy and others. Pure: it returns requests and interprets responses, and package notify sends them.
//
//	Service.Render(settings, notification) ──▶ []Request ──▶ package notify ──▶ Response ──▶ Service.Interpret ──▶ Verdict
//
// A new service is one file with one [Service], and an entry in [All]. The form, the API, the command line,
// the manual and the masking of secrets use the same value.
//
// Invariants:
//
//   - The requests of a notification are the same on every attempt, except for what the service returned.
//   - Names and texts of jobs and people cannot add markup, a mention or a member to a request.
//   - A text that the service would reject as too long is cut, and ends with an ellipsis.
//   - No response makes Interpret fail: a body that is empty, truncated or of another type is interpreted by its status.
package provider

import (
	"net/http"
	"slices"
	"time"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// Group is a section of the gallery of kinds.
type Group string

// The groups, in the order of the gallery.
const (
	GroupChat    Group = "Chat"
	GroupPush    Group = "Push notifications"
	GroupOnCall  Group = "On-call and incident tools"
	GroupPhone   Group = "Text messages"
	GroupGeneric Group = "Other systems"
)

// Service is a kind of channel that is reached with HTTP requests.
type Service struct {
	// Name is the name in the database and the API: "slack". Label is the name for people: "Slack".
	Name, Label string
	Group       Group
	// Help describes the kind in one sentence. Setup are the steps to get the values of the fields, in the
	// service's own words; names of menus and buttons are between "**": "Open **Settings**, **Integrations**".
	Help  string
	Setup []string
	// Fields are the settings, in the order of the form. Check finds problems that concern several of them; nil:
	// there are none to find.
	Fields []setting.Field
	Check  func(set setting.Values) []setting.Problem
	// Can lists what the service can do.
	Can Abilities
	// MaxConcurrent is the maximum number of concurrent sends through one channel; 0: one.
	MaxConcurrent int
	// Recipients returns the recipients with separate results; nil: one destination.
	Recipients func(set setting.Values) []string
	// Render returns the requests of a notification, in the order in which they are sent. No request means that the
	// service has no message for the event. An error is a sentence about the settings.
	Render func(set setting.Values, n message.Notification) ([]Request, error)
	// Interpret says what a response means. Nil: [InterpretStatus].
	Interpret func(r Response) Verdict
	// ResendEvery is the interval at which open incidents are sent again, because the service forgets them. 0: it
	// does not.
	ResendEvery time.Duration
	// Resend returns the requests that send open incidents again, many in each request. The notifications include
	// incidents that were resolved a short time ago.
	Resend func(set setting.Values, all []message.Notification, now time.Time) ([]Request, error)
}

// Abilities are what a service can do with the messages of one incident.
type Abilities struct {
	// Resolve: a recovery closes the alert that the opening created. Acknowledge: an acknowledgement is shown there.
	Resolve, Acknowledge bool
	// Thread: messages about one incident form a thread.
	Thread bool
	// Severity: the severity of the heartbeat is mapped to one of the service.
	Severity bool
	// OnceOnly: the service drops a repeated request, so that an attempt with an unknown result is harmless.
	OnceOnly bool
	// Machine: a program receives every alert, so that alerts of a storm are not grouped.
	Machine bool
	// Tested says how the kind was tested.
	Tested Tested
}

// Tested says against what a kind was tested.
type Tested string

// The ways in which kinds were tested.
const (
	TestedReal       Tested = "real"       // with the real program
	TestedRecorded   Tested = "recorded"   // against recorded requests and answers
	TestedDocumented Tested = "documented" // against a stand-in written from the documentation of the service
)

// Request is one HTTP request.
type Request struct {
	Method string // default: POST
	URL    string
	Header http.Header
	Body   []byte
	// Recipient is the recipient, of a service with recipients.
	Recipient string
	// Optional requests do not decide about the delivery: a failure is ignored.
	Optional bool
}

// Response is the response of a service.
type Response struct {
	Status int
	Header http.Header
	Body   []byte    // at most 64 kB
	Now    time.Time // when it arrived
	// Request is the request that it answers.
	Request Request
}

// Verdict says what a response means.
type Verdict struct {
	// Sent: the service accepted the message.
	Sent bool
	// Permanent: a retry cannot succeed until a person changes something. RetryAfter is the minimum delay before the
	// next attempt; 0: the service does not say.
	Permanent  bool
	RetryAfter time.Duration
	// Detail is what people see: the service's own words and, for an error that they can fix, what to do. Empty: the
	// start of the body.
	Detail string
	// Thread identifies the message at the service. Later messages of the same incident have it in
	// [message.Notification.Thread].
	Thread string
	// Settings are settings that the service changed, such as the new id of a chat. The channel is updated.
	Settings setting.Values
	// Repeat: the request must be sent again at once, with Settings.
	Repeat bool
}

// All returns the services, in the order of the gallery. The caller may modify the slice.
func All() []Service {
	return slices.Concat(chatServices(), pushServices(), onCallServices(), phoneServices(), genericServices())
}

func chatServices() []Service {
	return []Service{
		slack(), teams(), discord(), googleChat(), telegram(), mattermost(), rocketchat(), matrix(), zulip(), webex(),
	}
}

func pushServices() []Service { return []Service{ntfy(), gotify(), pushover()} }

func onCallServices() []Service {
	return []Service{pagerduty(), opsgenie(), jsm(), victorops(), incidentio(), rootly(), squadcast(), goalert()}
}

func phoneServices() []Service { return []Service{twilio(), signal()} }

func genericServices() []Service { return []Service{alertmanager(), apprise()} }
