package httpd

import (
	"bytes"

	"overdue/internal/pingurl"
)

// plainRequest is a ping in its usual form: HTTP/1.1, no query, no body, and only header
// fields that cannot change how the request is handled. Its parts are slices of the text
// from which it was parsed.
type plainRequest struct {
	method       string
	path         []byte
	host         []byte
	userAgent    []byte // nil if there is none
	forwardedFor []byte // nil if there is none
}

// The header fields of a plain request. It has no others: an unknown field can mean that a
// body follows, or that the connection changes its protocol.
const (
	fieldHost = iota
	fieldUserAgent
	fieldForwardedFor
	fieldContentLength // 0
	fieldConnection    // keep-alive
	fieldAccept
	fieldAcceptEncoding
	fieldAcceptLanguage
	fieldForwardedProto
	fieldForwardedHost
	fieldRealIP
)

// plainFields are the names of the fields.
var plainFields = [...]string{
	fieldHost: "Host", fieldUserAgent: "User-Agent", fieldForwardedFor: "X-Forwarded-For", fieldContentLength: "Content-Length", fieldConnection: "Connection",
	fieldAccept: "Accept", fieldAcceptEncoding: "Accept-Encoding", fieldAcceptLanguage: "Accept-Language",
	fieldForwardedProto: "X-Forwarded-Proto", fieldForwardedHost: "X-Forwarded-Host", fieldRealIP: "X-Real-Ip",
}

// parsePlainRequest parses a text that is exactly one plain request. It is stricter than
// RFC 9112: ok is false for any text that is not clearly plain, and net/http handles it.
func parsePlainRequest(text []byte) (p plainRequest, ok bool) {
	line, rest, ok := bytes.Cut(text, []byte("\r\n"))
	if !ok || !p.parseRequestLine(line) {
		return p, false
	}
	for seen := 0; ; {
		line, rest, ok = bytes.Cut(rest, []byte("\r\n"))
		switch {
		case !ok:
			return p, false
		case len(line) == 0:
			return p, len(rest) == 0 && len(p.host) > 0
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		field := plainField(name)
		value = bytes.TrimPrefix(value, []byte(" "))
		if field < 0 || seen&(1<<field) != 0 || !isPlainValue(value) || !p.setField(field, value) {
			return p, false
		}
		seen |= 1 << field
	}
}

// parseRequestLine parses the first line.
func (p *plainRequest) parseRequestLine(line []byte) bool {
	var ok bool
	for _, method := range [...]string{"POST", "GET"} {
		if bytes.HasPrefix(line, []byte(method)) {
			p.method = method
		}
	}
	if p.path, ok = bytes.CutSuffix(line[len(p.method):], []byte(" HTTP/1.1")); !ok || p.method == "" {
		return false
	}
	if p.path, ok = bytes.CutPrefix(p.path, []byte(" ")); !ok {
		return false
	}
	for _, c := range p.path {
		if !isLetterOrDigit(c) && c != '/' && c != '-' && c != '_' {
			return false
		}
	}
	for _, prefix := range pingurl.Paths {
		if bytes.HasPrefix(p.path, []byte(prefix)) {
			return true
		}
	}
	return false
}

// setField records the value of a field. It returns false if the request is not plain.
func (p *plainRequest) setField(field int, value []byte) bool {
	switch field {
	case fieldHost:
		for _, c := range value {
			if !isLetterOrDigit(c) && c != '.' && c != '-' && c != ':' {
				return false
			}
		}
		p.host = value
	case fieldUserAgent:
		p.userAgent = value
	case fieldForwardedFor:
		p.forwardedFor = value
	case fieldContentLength:
		return string(value) == "0"
	case fieldConnection:
		return bytes.EqualFold(value, []byte("keep-alive"))
	}
	return true
}

// plainField returns the field with a name, or -1.
func plainField(name []byte) int {
	for field, known := range plainFields {
		if len(name) == len(known) && bytes.EqualFold(name, []byte(known)) {
			return field
		}
	}
	return -1
}

// isPlainValue reports whether a value is visible ASCII with single spaces between.
func isPlainValue(value []byte) bool {
	before := byte(' ')
	for _, c := range value {
		if c < ' ' || c > '~' || c == ' ' && before == ' ' {
			return false
		}
		before = c
	}
	return len(value) > 0 && before != ' '
}

// isLetterOrDigit reports whether a byte is an ASCII letter or digit.
func isLetterOrDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
