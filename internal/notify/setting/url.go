package setting

import (
	"net/url"
	"strconv"
	"strings"
)

// WebURL accepts an absolute http or https URL.
func WebURL(text string) (normal, problem string) {
	u, err := url.Parse(text)
	if err != nil {
		// The error of url.Parse contains the URL with its credentials.
		return "", "Enter a complete URL such as https://example.com/overdue."
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", !ValidPort(u.Port()):
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

// ValidPort accepts an empty port, or one from 1 to 65535.
func ValidPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.Atoi(port)
	return err == nil && n > 0 && n < 1<<16
}
