package notify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"overdue/internal/notify/message"
	"overdue/internal/notify/provider"
	"overdue/internal/notify/setting"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// RequestPreview is the HTTP request of an alert as text for people.
type RequestPreview struct {
	Host string // host of the destination, or "" if the settings name none
	Text string // request line, headers and body; secrets are masked
}

// previewWebhook returns the request of [sendWebhook]. The body has the same members
// and values; only its line breaks are added.
func previewWebhook(userAgent string, set setting.Values, n message.Notification) RequestPreview {
	body, contentType, err := webhookBody(set, n)
	if err != nil {
		return RequestPreview{Text: err.Error()}
	}
	header := webhookHeader(userAgent, set, n, n.At, contentType)
	for name := range set.Map("headers") {
		header.Set(name, setting.Masked)
	}
	header.Set(standardwebhooks.HeaderWebhookSignature, "v1,"+setting.Masked)
	return newRequestPreview(set.Text("url"), header, body)
}

// newRequestPreview returns a POST as text. It shows no path and no query of the URL,
// because many providers put a credential there.
func newRequestPreview(address string, header http.Header, body []byte) RequestPreview {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		u = &url.URL{Scheme: "https", Host: "example.com"}
		address = ""
	}
	target := u.Scheme + "://" + u.Host + "/"
	if address == "" || strings.Trim(u.RequestURI(), "/") != "" {
		target += setting.Masked
	}
	p := RequestPreview{Text: requestText(provider.Request{URL: target, Header: header, Body: body})}
	if address != "" {
		p.Host = u.Host
	}
	return p
}

// requestText returns a request as text for people: JSON is indented, and a form has one member per line.
func requestText(r provider.Request) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s\n", cmp.Or(r.Method, http.MethodPost), r.URL)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&text, "%s: %s\n", name, r.Header.Get(name))
	}
	text.WriteByte('\n')
	var indented bytes.Buffer
	switch {
	case json.Indent(&indented, r.Body, "", "  ") == nil:
		text.Write(indented.Bytes())
	case r.Header.Get("Content-Type") == "application/x-www-form-urlencoded":
		text.WriteString(formText(string(r.Body)))
	default:
		text.Write(r.Body)
	}
	return text.String()
}

// formText returns an encoded form with one decoded member per line.
func formText(body string) string {
	var lines []string
	for pair := range strings.SplitSeq(body, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(value); err == nil {
			value = decoded
		}
		lines = append(lines, name+"="+value)
	}
	return strings.Join(lines, "\n")
}
