package provider

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// maxAppriseMessage is the maximum number of characters of a message: most services behind Apprise accept it.
const maxAppriseMessage = 2000

// apprise sends through an Apprise API server, which knows more than a hundred services.
func apprise() Service {
	return Service{
		Name: "apprise", Label: "Apprise", Group: GroupGeneric,
		Help: "Sends through your Apprise API server, which reaches more than a hundred services.",
		Setup: []string{
			"Run the Apprise API (the container caronc/apprise).",
			"Open its **Configuration Manager**, save the URLs of your services under a key, and enter the key here. Or enter the URLs here, and nothing is stored there.",
			"If the server has a private address, the operator of Overdue must allow it with --allow-networks.",
		},
		Fields: []setting.Field{
			{
				Name: "url", Label: "Server", Type: setting.FieldURL, Destination: true, Required: true, Check: setting.WebURL,
				Placeholder: "https://apprise.example.com", Help: "Address of the Apprise API.",
			},
			{Name: "key", Label: "Key", Type: setting.FieldText, Check: appriseKey, Help: "Of a stored configuration. Or enter URLs."},
			{
				Name: "urls", Label: "Apprise URLs", Type: setting.FieldSecret, Secret: true, Placeholder: "mailto://…, tgram://…",
				Help: "Separated by commas. Use one URL per channel: only then is a failure noticed and tried again.",
			},
		},
		Check: func(set setting.Values) []setting.Problem {
			if set.Text("key") != "" && set.Text("urls") != "" {
				return []setting.Problem{{Field: "urls", Text: "Use either a key or Apprise URLs: remove one."}}
			}
			if set.Text("key") == "" && set.Text("urls") == "" {
				return []setting.Problem{{Field: "key", Text: "Enter the key of a stored configuration, or Apprise URLs."}}
			}
			return nil
		},
		Can:    Abilities{Tested: TestedDocumented},
		Render: renderApprise, Interpret: interpretApprise,
	}
}

var appriseKeyPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// appriseKey accepts the keys that the Apprise API accepts.
func appriseKey(text string) (normal, problem string) {
	if !appriseKeyPattern.MatchString(text) {
		return "", "A key has at most 128 letters, digits, dashes and underscores."
	}
	return text, ""
}

// appriseBody is the body of a request.
type appriseBody struct {
	URLs   string `json:"urls,omitempty"`
	Title  string `json:"title"`
	Body   string `json:"body"`
	Type   string `json:"type"`
	Format string `json:"format"`
}

// renderApprise returns one request.
func renderApprise(set setting.Values, n message.Notification) ([]Request, error) {
	m := n.Message()
	address := strings.TrimRight(set.Text("url"), "/") + "/notify"
	if key := set.Text("key"); key != "" {
		address += "/" + url.PathEscape(key)
	}
	r, err := newJSON(address, appriseBody{
		URLs: set.Text("urls"), Title: m.Subject, Body: layout{markup: plain(), limit: maxAppriseMessage, noTitle: true}.text(m),
		Type: map[string]string{"down": "failure", "late": "warning", "up": "success", "quiet": "info"}[m.Tone], Format: "text",
	})
	return []Request{r}, err
}

// interpretApprise interprets a response. 204 means that nothing is stored under the key, and 424 that at least one target
// failed (Apprise API, views.py, 2024). With one target, nothing was sent, and another attempt repeats nothing. With several,
// another attempt would repeat the message to the targets that have it, so it counts as sent, with a warning.
func interpretApprise(r Response) Verdict {
	v := InterpretStatus(r)
	switch r.Status {
	case http.StatusNoContent:
		return Verdict{Permanent: true, Detail: "Nothing is stored under this key at the Apprise server (204): save a configuration there, or correct the key."}
	case http.StatusFailedDependency:
		if appriseTargets(r.Request) == 1 {
			return Verdict{Detail: "Apprise could not send to its target (424): " + appriseError(r.Body)}
		}
		return Verdict{Sent: true, Detail: "Warning: Apprise could not send to at least one of its targets (424), and Overdue does not try again, because the others have the alert. " + appriseError(r.Body)}
	}
	return v
}

// appriseError returns the error in a body.
func appriseError(body []byte) string {
	var said struct {
		Error string `json:"error"`
	}
	if decode(body, &said) {
		return said.Error
	}
	return ""
}

// appriseTargets returns the number of URLs in a request; 0: not known, because the server has them.
func appriseTargets(r Request) int {
	var body appriseBody
	if json.Unmarshal(r.Body, &body) != nil || body.URLs == "" {
		return 0
	}
	return len(appriseURL.FindAllString(body.URLs, -1))
}

// appriseURL matches the beginning of each URL in a list.
var appriseURL = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://`)
