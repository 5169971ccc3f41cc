package notify

import (
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strings"

	"overdue/internal/notify/message"

	"golang.org/x/net/idna"
)

// fullNamePattern matches a domain name of at least two labels. Many mail servers accept
// no other names in EHLO.
var fullNamePattern = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

// maxDomainName is the maximum length of a domain name in bytes (RFC 5321, section 4.5.3.1.2).
const maxDomainName = 255

// domainName returns text as a domain name of at least two labels in ASCII, or "". It
// rejects IP addresses and localhost.localdomain, a common default.
func domainName(text string) string {
	name, err := idna.Lookup.ToASCII(strings.TrimSuffix(text, "."))
	if err != nil || len(name) > maxDomainName || !fullNamePattern.MatchString(name) {
		return ""
	}
	if _, err := netip.ParseAddr(name); err == nil || strings.HasPrefix(name, "localhost.") {
		return ""
	}
	return name
}

// heloName chooses the name for EHLO: the setting, the host name if it has a dot, or
// the host of the public URL. "" means the address of the connection. A bare name,
// such as that of a container, is never used: many servers reject it.
func heloName(setting, hostname, publicURL string) (string, error) {
	if setting != "" {
		if name := domainName(setting); name != "" {
			return name, nil
		}
		if literal := addressLiteralOf(setting); literal != "" {
			return literal, nil
		}
		return "", errors.New("smtp-helo is not a full name: set a name with a dot, such as overdue.example.com, or an address such as [192.0.2.7]")
	}
	if name := domainName(hostname); name != "" {
		return name, nil
	}
	if u, err := url.Parse(publicURL); err == nil {
		return domainName(u.Hostname()), nil
	}
	return "", nil
}

// addressLiteralOf reads a setting such as [192.0.2.7] or [IPv6:2001:db8::7].
func addressLiteralOf(setting string) string {
	inside, found := strings.CutPrefix(setting, "[")
	inside, closed := strings.CutSuffix(inside, "]")
	ip, err := netip.ParseAddr(strings.TrimPrefix(inside, "IPv6:"))
	if !found || !closed || err != nil {
		return ""
	}
	return addressLiteral(ip)
}

// addressLiteral returns an address in the syntax for EHLO (RFC 5321, section 4.1.3).
func addressLiteral(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return "[" + ip.String() + "]"
	}
	return "[IPv6:" + ip.String() + "]"
}

// ehloName returns the argument of EHLO on a connection from the local address.
func (r *relay) ehloName(local net.Addr) string {
	if r.helo != "" {
		return r.helo
	}
	if tcp, ok := local.(*net.TCPAddr); ok {
		return addressLiteral(tcp.AddrPort().Addr())
	}
	return "[127.0.0.1]" // not reached: all connections are TCP
}

// idDomain returns the right side of message ids: the domain of the sender, or the
// EHLO name if that has no dot.
func (r *relay) idDomain() string {
	_, domain, _ := strings.Cut(r.from.Address, "@")
	if name := domainName(domain); name != "" {
		return name
	}
	if name := domainName(r.helo); name != "" {
		return name
	}
	return message.HeaderToken(domain)
}

// randomID returns the left side of a message id.
func randomID() string { return strings.ToLower(rand.Text()) }

// hostname is the name of this machine, "" if it has none.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// isASCII reports whether text has only ASCII characters.
func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 })
}

// asciiDomain returns an address with its domain in ASCII (RFC 5891). Servers without
// SMTPUTF8 accept no other form. A domain without an ASCII form is returned
// unchanged.
func asciiDomain(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	name, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return address
	}
	return local + "@" + name
}
