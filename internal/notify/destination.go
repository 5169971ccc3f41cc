package notify

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
)

// Destination returns the scheme, host and port of each destination field. It
// is empty for a kind without destinations, and equal for two spellings of one
// URL.
func (k Kind) Destination(set Settings) string {
	var all []string
	for _, f := range k.Fields {
		if f.Destination {
			all = append(all, f.origin(set[f.Name]))
		}
	}
	return strings.Join(all, " ")
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

// origin returns the scheme, host and port of a value of the field, or the value
// itself if it is not a URL.
func (f Field) origin(value any) string {
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

// WithoutPaths returns the settings with each destination shortened to scheme,
// host and port. The path may be a credential, and people who cannot change the
// channel only need the host.
func (k Kind) WithoutPaths(set Settings) Settings {
	out := maps.Clone(set)
	for _, f := range k.Fields {
		text, _ := set[f.Name].(string)
		if !f.Destination || text == "" {
			continue
		}
		out[f.Name] = Masked
		if u, err := url.Parse(text); err == nil && u.Host != "" {
			short := (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
			if strings.TrimSuffix(text, "/") != short {
				short += "/…"
			}
			out[f.Name] = short
		}
	}
	return out
}

// secretsToReenter returns a problem for each secret that stays the same while the
// destination changes. A secret belongs to the destination for which it was entered.
func (k Kind) secretsToReenter(old, new, merged Settings) []Problem {
	if k.Destination(old) == k.Destination(merged) || k.lacksDestination(merged) {
		return nil
	}
	var problems []Problem
	for _, f := range k.Fields {
		if !f.Secret || isEmpty(old[f.Name]) {
			continue
		}
		value, given := new[f.Name]
		if !given {
			value = mask(old[f.Name])
		}
		if text := f.reenterAdvice(value); text != "" {
			problems = append(problems, Problem{f.Name, text})
		}
	}
	return problems
}

// lacksDestination reports whether a required destination is missing. Validate rejects
// that.
func (k Kind) lacksDestination(set Settings) bool {
	return slices.ContainsFunc(k.Fields, func(f Field) bool { return f.Destination && f.Required && isEmpty(set[f.Name]) })
}

// reenterAdvice returns advice for a masked secret that an edit would send to
// another host, or "" if the edit replaces or removes it.
func (f Field) reenterAdvice(value any) string {
	if object, many := objectMembers(value); many {
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
