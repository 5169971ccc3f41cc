package systemd

import (
	"strconv"
	"strings"
)

// The specifiers of systemd.unit(5) that are derived from the name of the unit. systemd accepts
// only nameSpecifiers in a unit name: the others are unescaped, and can contain a slash.
const (
	nameSpecifiers = "npiNj"
	TextSpecifiers = "npiNjPIJ"
)

// Expand replaces the specifiers in a value of the unit. It returns false if it does not know one
// of them, such as %H for the host name.
func (u *Unit) Expand(value, known string) (string, bool) {
	var b strings.Builder
	for value != "" {
		before, after, found := strings.Cut(value, "%")
		b.WriteString(before)
		if !found {
			break
		}
		if after == "" {
			return "", false
		}
		switch letter := after[0]; {
		case letter == '%':
			b.WriteByte('%')
		case strings.IndexByte(known, letter) >= 0:
			b.WriteString(u.specifier(letter))
		default:
			return "", false
		}
		value = after[1:]
	}
	return b.String(), true
}

// specifier returns the value of a letter: upper case is the unescaped form, except N.
func (u *Unit) specifier(letter byte) string {
	stem := u.Name[:max(0, strings.LastIndexByte(u.Name, '.'))]
	prefix, instance, _ := strings.Cut(stem, "@")
	final := prefix[strings.LastIndexByte(prefix, '-')+1:]
	switch letter {
	case 'n':
		return u.Name
	case 'N':
		return stem
	case 'p':
		return prefix
	case 'P':
		return unescapeUnit(prefix)
	case 'i':
		return instance
	case 'I':
		return unescapeUnit(instance)
	case 'j':
		return final
	default: // J
		return unescapeUnit(final)
	}
}

// unescapeUnit reverses systemd-escape(1): a dash is a slash, and \x2d is the byte with that
// number.
func unescapeUnit(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if code, ok := strings.CutPrefix(s[i:], `\x`); ok && len(code) >= 2 {
			if n, err := strconv.ParseUint(code[:2], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		if s[i] == '-' {
			b.WriteByte('/')
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
