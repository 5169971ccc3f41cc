package pingid

import "strings"

// match is a position in a text with an id, or with the start of one.
type match struct {
	start, end int
	hex        [idDigits]byte // lower case
	count      int            // number of digits; fewer than an id has if it ends early
	hyphens    bool           // at least one hyphen was between the digits
	utf16      bool           // a zero byte was between two digits
}

// canonical returns the id in its stored form.
func (m match) canonical() string {
	h := string(m.hex[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// isRandomUUID reports whether the digits are those of a random UUID (RFC 9562, version 4).
func (m match) isRandomUUID() bool {
	return m.hex[12] == '4' && strings.ContainsRune("89ab", rune(m.hex[16]))
}

// matchAt reads the digits of an id from the given position.
func matchAt(text string, at int) match {
	m := match{start: at, end: at}
	for next := at; m.count < idDigits; {
		if m.count > 0 {
			skipped := skipInvisible(text, next)
			m.utf16 = m.utf16 || strings.Contains(text[next:skipped], "\x00")
			next = skipped
		}
		if m.count == 8 || m.count == 12 || m.count == 16 || m.count == 20 {
			if end, ok := hyphenAt(text, next); ok {
				m.hyphens = true
				next = skipInvisible(text, end)
			}
		}
		digit, end, ok := digitAt(text, next)
		if !ok {
			return m
		}
		m.hex[m.count] = digit
		m.count++
		next, m.end = end, end
	}
	return m
}

// charAt returns the character at a position and where it ends. It decodes percent-encoding.
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
	high, ok1 := hexValue(text[at+1])
	low, ok2 := hexValue(text[at+2])
	return high<<4 | low, at + 3, ok1 && ok2
}

// digitAt returns the hexadecimal digit at a position, in lower case.
func digitAt(text string, at int) (digit byte, end int, ok bool) {
	char, end, ok := charAt(text, at)
	if !ok {
		return 0, at, false
	}
	if _, ok = hexValue(char); !ok {
		return 0, at, false
	}
	if char >= 'A' && char <= 'F' {
		char += 'a' - 'A'
	}
	return char, end, true
}

// hyphenAt reports whether there is a hyphen at a position, and where it ends.
func hyphenAt(text string, at int) (end int, ok bool) {
	char, end, ok := charAt(text, at)
	return end, ok && char == '-'
}

// skipInvisible returns the position after characters that are removed before a text is shown:
// control characters except line breaks and tabs, and escape sequences (ECMA-48, section 5.4: CSI,
// parameters, a final byte).
func skipInvisible(text string, at int) int {
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

// hexValue returns the value of a hexadecimal digit.
func hexValue(c byte) (byte, bool) {
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

// hasDigitBefore reports whether a digit precedes a position.
func hasDigitBefore(text string, at int) bool {
	if at == 0 {
		return false
	}
	_, is := hexValue(text[at-1])
	return is
}

// hasDigitAfter reports whether a digit is at a position.
func hasDigitAfter(text string, at int) bool {
	_, _, is := digitAt(text, at)
	return is
}
