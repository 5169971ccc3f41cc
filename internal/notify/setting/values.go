package setting

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
)

// Masked replaces secrets in displayed settings.
const Masked = "••••"

// Problem is a problem with one setting of a channel.
type Problem struct {
	// Field is the name of the setting.
	Field string
	// Text is a sentence for people with advice. It never contains a secret.
	Text string
}

// Values are the settings of one channel, as in its JSON object: each member
// is a string, a list of strings ([]any) or an object of strings
// (map[string]any).
type Values map[string]any

// Text returns a string member, or "" if it is absent or not a string.
func (s Values) Text(name string) string {
	text, _ := s[name].(string)
	return text
}

// List returns the strings of a list member.
func (s Values) List(name string) []string {
	var out []string
	items, _ := s[name].([]any)
	for _, item := range items {
		if text, ok := item.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

// Map returns the strings of an object member.
func (s Values) Map(name string) map[string]string {
	out := map[string]string{}
	members, _ := s[name].(map[string]any)
	for key, value := range members {
		if text, ok := value.(string); ok {
			out[key] = text
		}
	}
	return out
}

// IsEmpty reports whether the value of a member is empty.
func IsEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// Mask replaces each string in value by dots. The names of an object stay.
func Mask(value any) any {
	object, ok := ObjectMembers(value)
	if !ok {
		return Masked
	}
	out := map[string]any{}
	for name := range object {
		out[name] = Masked
	}
	return out
}

// KeepMasked returns value with its dots replaced by the secrets of old. Dots
// without an old secret stay, and Validate rejects them.
func KeepMasked(old, value any) any {
	if text, ok := value.(string); ok {
		if text == Masked && !IsEmpty(old) {
			return old
		}
		return value
	}
	object, ok := ObjectMembers(value)
	if !ok {
		return value
	}
	before, _ := ObjectMembers(old)
	out := map[string]any{}
	for name, text := range object {
		out[name] = text
		if text != Masked {
			continue
		}
		for was, secret := range before {
			if strings.EqualFold(was, name) {
				out[name] = secret
			}
		}
	}
	return out
}

// HostOf returns the host and port of a URL, for people, or "" if the text is not
// a URL. It contains no path, which may be a credential.
func HostOf(value any) string {
	text, _ := value.(string)
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		return ""
	}
	return u.Host
}

// Origin returns the scheme, host and port of a value of the field, or the value
// itself if it is not a URL.
func (f Field) Origin(value any) string {
	text, _ := value.(string)
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return text
	}
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// ReenterAdvice returns advice for a masked secret that an edit would send to
// another host, or "" if the edit replaces or removes it.
func (f Field) ReenterAdvice(value any) string {
	if object, many := ObjectMembers(value); many {
		var names []string
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if object[name] == Masked {
				names = append(names, name)
			}
		}
		switch len(names) {
		case 0:
			return ""
		case 1:
			return fmt.Sprintf("Enter the header %s again: it would be sent to another host.", names[0])
		}
		return fmt.Sprintf("Enter the headers %s again: they would be sent to another host.", strings.Join(names, ", "))
	}
	switch {
	case value != Masked:
		return ""
	case f.Generate != nil:
		return fmt.Sprintf("Enter the %s again, or generate a new one: it would be used for another host.", strings.ToLower(f.Label))
	}
	return fmt.Sprintf("Enter the %s again: it would be sent to another host.", strings.ToLower(f.Label))
}
