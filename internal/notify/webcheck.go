package notify

import (
	"crypto/rand"
	"encoding/base64"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// The Standard Webhooks specification: a secret is 24 to 64 random bytes,
// written in base64 behind a prefix.
const (
	secretPrefix      = "whsec_"
	minKeyBytes       = 24
	maxKeyBytes       = 64
	generatedKeyBytes = 32
	webhookHeaders    = "Webhook-"
)

// webURL accepts an absolute http or https URL.
func webURL(text string) (normal, problem string) {
	u, err := url.Parse(text)
	if err != nil {
		// The error of url.Parse repeats the text, credentials and all.
		return "", "Write a complete address such as https://example.com/overdue."
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", !validPort(u.Port()):
		return "", "Write a complete address such as https://example.com/overdue."
	case strings.ContainsAny(u.Host, " \t<>\"\\"):
		return "", "Write a host name without spaces and quotes."
	case u.User != nil:
		return "", "Leave user and password out of the URL: put them into a header named Authorization."
	}
	// A fragment is never sent, so keeping it would only mislead.
	u.Fragment, u.RawFragment = "", ""
	return u.String(), ""
}

// validPort accepts no port, or one that can be dialled.
func validPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.Atoi(port)
	return err == nil && n > 0 && n < 1<<16
}

// newSecret makes a signing secret.
func newSecret() string {
	key := make([]byte, generatedKeyBytes)
	_, _ = rand.Read(key) // never returns an error: documented since Go 1.24
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// signingSecret accepts a secret in the form of the specification.
func signingSecret(text string) (normal, problem string) {
	coded, found := strings.CutPrefix(text, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(coded)
	if !found || err != nil || len(key) < minKeyBytes || len(key) > maxKeyBytes {
		return "", "Write " + secretPrefix + " followed by 24 to 64 bytes in base64, or leave it empty to have one made."
	}
	return text, ""
}

// headerName accepts the name of a header that is the user's to set: the ones
// that carry the message, its signature or the connection are ours.
func headerName(name string) (normal, problem string) {
	if !httpguts.ValidHeaderFieldName(name) {
		return "", "Write header names with letters, digits and dashes only."
	}
	name = textproto.CanonicalMIMEHeaderKey(name)
	if strings.HasPrefix(name, webhookHeaders) || strings.HasPrefix(name, "Proxy-") || slices.Contains(reservedHeaders(), name) {
		return "", "The header " + name + " is set by Overdue itself: choose another name."
	}
	return name, ""
}

// reservedHeaders are the headers that belong to the body or the connection (RFC
// 9110 section 7.6.1, RFC 9112).
func reservedHeaders() []string {
	return []string{
		"Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Host",
		"Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	}
}

// credentialForms returns the value of a header and its words, for other sides
// like to repeat a token without the scheme before it.
func credentialForms(value string) []string {
	return append([]string{value}, strings.Fields(value)...)
}
