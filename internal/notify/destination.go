package notify

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// Destination returns the scheme, host and port of each destination field. It
// is empty for a kind without destinations, and equal for two spellings of one
// URL.
func (k Kind) Destination(set setting.Values) string {
	var all []string
	for _, f := range k.Fields {
		if f.Destination {
			all = append(all, f.Origin(set[f.Name]))
		}
	}
	return strings.Join(all, " ")
}

// Target returns where alerts go, for people: the recipients, the host of the requests, or the name of the program.
// It contains no secret, and no path, which may be one. It is empty for a kind without both.
func (k Kind) Target(set setting.Values) string {
	if k.Recipients != nil {
		if to := k.Recipients(set); len(to) == 3 {
			return strings.Join(to[:2], ", ") + " and 1 other"
		} else if len(to) > 3 {
			return fmt.Sprintf("%s and %d others", strings.Join(to[:2], ", "), len(to)-2)
		} else if len(to) > 0 {
			return strings.Join(to, ", ")
		}
	}
	if k.Preview == nil {
		return ""
	}
	if host := k.Preview("", set, message.Notification{Event: message.EventOpened}).Host; host != "" {
		return host
	}
	for _, f := range k.Fields { // a kind without requests: the name of the program
		if items := set.List(f.Name); f.Type == setting.FieldList && f.Required && !f.Secret && len(items) > 0 {
			return items[0]
		}
	}
	return ""
}

// WithoutPaths returns the settings with each destination shortened to scheme,
// host and port. The path may be a credential, and people who cannot change the
// channel only need the host.
func (k Kind) WithoutPaths(set setting.Values) setting.Values {
	out := maps.Clone(set)
	for _, f := range k.Fields {
		text, _ := set[f.Name].(string)
		if !f.Destination || text == "" {
			continue
		}
		out[f.Name] = setting.Masked
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
func (k Kind) secretsToReenter(old, new, merged setting.Values) []setting.Problem {
	if k.Destination(old) == k.Destination(merged) || k.lacksDestination(merged) {
		return nil
	}
	var problems []setting.Problem
	for _, f := range k.Fields {
		if !f.Secret || setting.IsEmpty(old[f.Name]) {
			continue
		}
		value, given := new[f.Name]
		if !given {
			value = setting.Mask(old[f.Name])
		}
		if text := f.ReenterAdvice(value); text != "" {
			problems = append(problems, setting.Problem{Field: f.Name, Text: text})
		}
	}
	return problems
}

// lacksDestination reports whether a required destination is missing. Validate rejects
// that.
func (k Kind) lacksDestination(set setting.Values) bool {
	return slices.ContainsFunc(k.Fields, func(f setting.Field) bool { return f.Destination && f.Required && setting.IsEmpty(set[f.Name]) })
}
