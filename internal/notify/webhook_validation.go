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

// The Standard Webhooks specification: a secret is a prefix and 24 to 64 random
// bytes in base64.
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
		// The error of url.Parse contains the URL with its credentials.
		return "", "Enter a complete URL such as https://example.com/overdue."
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", !validPort(u.Port()):
		return "", "Enter a complete URL such as https://example.com/overdue."
	case strings.ContainsAny(u.Host, " \t<>\"\\"):
		return "", "Enter a host name without spaces and quotes."
	case u.User != nil:
		return "", "Remove the user and password from the URL: use a header named Authorization instead."
	}
	// Fragments are never sent.
	u.Fragment, u.RawFragment = "", ""
	return u.String(), ""
}

// validPort accepts an empty port, or one from 1 to 65535.
func validPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.Atoi(port)
	return err == nil && n > 0 && n < 1<<16
}

// newSecret returns a new signing secret.
func newSecret() string {
	key := make([]byte, generatedKeyBytes)
	_, _ = rand.Read(key) // never fails, see crypto/rand
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// signingSecret accepts a secret in the format of the specification.
func signingSecret(text string) (normal, problem string) {
	coded, found := strings.CutPrefix(text, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(coded)
	if !found || err != nil || len(key) < minKeyBytes || len(key) > maxKeyBytes {
		return "", "Enter " + secretPrefix + " followed by 24 to 64 bytes in base64, or leave it empty to generate one."
	}
	return text, ""
}

// headerName accepts the name of a header that users can set. Headers of the
// message, its signature and the connection are reserved.
func headerName(name string) (normal, problem string) {
	if !httpguts.ValidHeaderFieldName(name) {
		return "", "Header names can contain letters, digits and dashes only."
	}
	name = textproto.CanonicalMIMEHeaderKey(name)
	if strings.HasPrefix(name, webhookHeaders) || strings.HasPrefix(name, "Proxy-") || slices.Contains(reservedHeaders(), name) {
		return "", "The header " + name + " is set by Overdue: use another name."
	}
	return name, ""
}

// reservedHeaders are the headers of the body and the connection (RFC 9110,
// section 7.6.1, and RFC 9112).
func reservedHeaders() []string {
	return []string{
		"Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Host",
		"Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	}
}

// credentialForms returns the value of a header and its words, because servers
// may echo a token without its scheme.
func credentialForms(value string) []string {
	return append([]string{value}, strings.Fields(value)...)
}
