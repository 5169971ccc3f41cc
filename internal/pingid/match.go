package pingid

import "strings"

// match is a position in a text with an id, or the beginning of one.
type match struct {
	start, end int
	hex        [digits]byte // in lower case
	n          int          // how many there are; fewer than an id has if it ends early
	hyphens    bool         // at least one was between the digits
	wide       bool         // in UTF-16: a zero byte was between two digits
}

// id returns the id in its stored form.
func (m match) id() string {
	h := string(m.hex[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// random reports whether the digits are those of a random UUID (RFC 9562, version 4).
func (m match) random() bool {
	return m.hex[12] == '4' && strings.ContainsRune("89ab", rune(m.hex[16]))
}

// matchAt reads the digits of an id that begin at a place.
func matchAt(text string, at int) match {
	m := match{start: at, end: at}
	for next := at; m.n < digits; {
		if m.n > 0 {
			skipped := skip(text, next)
			m.wide = m.wide || strings.Contains(text[next:skipped], "\x00")
			next = skipped
		}
		if m.n == 8 || m.n == 12 || m.n == 16 || m.n == 20 {
			if end, ok := hyphenAt(text, next); ok {
				m.hyphens = true
				next = skip(text, end)
			}
		}
		digit, end, ok := digitAt(text, next)
		if !ok {
			return m
		}
		m.hex[m.n] = digit
		m.n++
		next, m.end = end, end
	}
	return m
}

// charAt returns the character at a place and where it ends: percent-encoding is
// undone.
func charAt(text string, at int) (char byte, end int, ok bool) {
	if at >= len(text) {
		return 0, at, false
	}
	if text[at] != '%' {
		return text[at], at + 1, true
	}
	if at+2 >= len(text) {
		return 0, at, false
	}
	high, ok1 := value(text[at+1])
	low, ok2 := value(text[at+2])
	return high<<4 | low, at + 3, ok1 && ok2
}

// digitAt returns the hexadecimal digit at a place, in lower case.
func digitAt(text string, at int) (digit byte, end int, ok bool) {
	char, end, ok := charAt(text, at)
	if !ok {
		return 0, at, false
	}
	if _, ok = value(char); !ok {
		return 0, at, false
	}
	if char >= 'A' && char <= 'F' {
		char += 'a' - 'A'
	}
	return char, end, true
}

// hyphenAt reports whether a hyphen is at a place, and where it ends.
func hyphenAt(text string, at int) (end int, ok bool) {
	char, end, ok := charAt(text, at)
	return end, ok && char == '-'
}

// skip returns the position after characters that are removed before a text is
// shown: control characters other than line breaks and tabs, and escape sequences
// (ECMA-48, section 5.4: CSI, parameters, a final byte).
func skip(text string, at int) int {
	for at < len(text) {
		switch c := text[at]; {
		case c == 0x1b && at+1 < len(text) && text[at+1] == '[':
			end := at + 2
			for end < len(text) && text[end] >= 0x20 && text[end] <= 0x3f {
				end++
			}
			at = min(end+1, len(text))
		case c == '\n' || c == '\r' || c == '\t':
			return at
		case c < 0x20 || c == 0x7f:
			at++
		default:
			return at
		}
	}
	return at
}

// value returns the value of a hexadecimal digit.
func value(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// digitBefore reports whether a digit precedes a place.
func digitBefore(text string, at int) bool {
	if at == 0 {
		return false
	}
	_, is := value(text[at-1])
	return is
}

// digitAfter reports whether a digit follows a place.
func digitAfter(text string, at int) bool {
	_, _, is := digitAt(text, at)
	return is
}
