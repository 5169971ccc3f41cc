package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// RequestPreview is the HTTP request of an alert as text for people.
type RequestPreview struct {
	Host string // host of the destination, or "" if the settings name none
	Text string // request line, headers and body; secrets are masked
}

// previewWebhook returns the request of [sendWebhook]. The body has the same members
// and values; only its line breaks are added.
func previewWebhook(userAgent string, set Settings, n Notification) RequestPreview {
	header := webhookHeader(userAgent, set, n, n.At)
	for name := range set.stringMap("headers") {
		header.Set(name, Masked)
	}
	header.Set(standardwebhooks.HeaderWebhookSignature, "v1,"+Masked)
	body, err := json.Marshal(n.webhookBody())
	if err != nil {
		return RequestPreview{}
	}
	return newRequestPreview(set.text("url"), header, body)
}

// newRequestPreview returns a POST as text. It shows no path and no query of the URL,
// because many providers put a credential there.
func newRequestPreview(address string, header http.Header, body []byte) RequestPreview {
	var text strings.Builder
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		u = &url.URL{Scheme: "https", Host: "example.com"}
		address = ""
	}
	target := u.Scheme + "://" + u.Host + "/"
	if address == "" || strings.Trim(u.RequestURI(), "/") != "" {
		target += Masked
	}
	fmt.Fprintf(&text, "POST %s\n", target)
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&text, "%s: %s\n", name, header.Get(name))
	}
	text.WriteByte('\n')
	var indented bytes.Buffer
	if json.Indent(&indented, body, "", "  ") == nil {
		body = indented.Bytes()
	}
	text.Write(body)
	p := RequestPreview{Text: text.String()}
	if address != "" {
		p.Host = u.Host
	}
	return p
}
