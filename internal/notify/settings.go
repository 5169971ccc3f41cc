package notify

import (
	"fmt"
	"maps"
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

// Validate returns the settings in their stored form, or all problems in the
// order of the fields. If there are problems, the settings are nil. Empty
// members are removed.
func (k Kind) Validate(set Settings) (Settings, []Problem) {
	out := Settings{}
	var problems []Problem
	for _, f := range k.Fields {
		value := set[f.Name]
		if value != nil {
			normal, problem := f.normalize(value)
			if problem != "" {
				problems = append(problems, Problem{f.Name, problem})
				continue
			}
			value = normal
		}
		switch {
		case !isEmpty(value):
			out[f.Name] = value
		case f.Required:
			problems = append(problems, Problem{f.Name, f.Label + " is required."})
		}
	}
	problems = append(problems, k.unknown(set)...)
	if len(problems) > 0 {
		return nil, problems
	}
	return out, nil
}

// unknown returns a problem for each member that the kind does not have.
func (k Kind) unknown(set Settings) []Problem {
	var problems []Problem
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if _, known := k.Field(name); known {
			continue
		}
		problems = append(problems, Problem{name, fmt.Sprintf(
			"A channel of kind %s has no setting %q. Valid settings: %s.", k.Name, name, strings.Join(k.names(), ", "))})
	}
	return problems
}

// names returns the names of the fields.
func (k Kind) names() []string {
	var names []string
	for _, f := range k.Fields {
		names = append(names, f.Name)
	}
	return names
}

// Mask returns the settings with secrets replaced by dots. It removes unknown
// members, because they may be secrets.
func (k Kind) Mask(set Settings) Settings {
	out := Settings{}
	for _, f := range k.Fields {
		value, given := set[f.Name]
		switch {
		case !given:
		case f.Secret && !isEmpty(value):
			out[f.Name] = mask(value)
		default:
			out[f.Name] = value
		}
	}
	return out
}

// mask replaces each string in value by dots. The names of an object stay.
func mask(value any) any {
	object, ok := objectMembers(value)
	if !ok {
		return Masked
	}
	out := map[string]any{}
	for name := range object {
		out[name] = Masked
	}
	return out
}

// Merge applies new to old member by member, as in RFC 7396: an absent member
// stays, null removes it, a value replaces it. Dots keep the old secret, also
// for a single header. The result must still be validated. A secret that stays
// while its destination changes is a problem. In that case the result has no
// secrets, so they cannot be sent elsewhere by mistake.
func (k Kind) Merge(old, new Settings) (Settings, []Problem) {
	out := maps.Clone(old)
	if out == nil {
		out = Settings{}
	}
	for name, value := range new {
		if value == nil {
			delete(out, name)
			continue
		}
		if f, known := k.Field(name); known && f.Secret {
			value = keepMasked(old[name], value)
		}
		out[name] = value
	}
	problems := k.secretsToReenter(old, new, out)
	if len(problems) > 0 {
		for _, f := range k.Fields {
			if f.Secret {
				delete(out, f.Name)
			}
		}
	}
	return out, problems
}

// keepMasked returns value with its dots replaced by the secrets of old. Dots
// without an old secret stay, and Validate rejects them.
func keepMasked(old, value any) any {
	if text, ok := value.(string); ok {
		if text == Masked && !isEmpty(old) {
			return old
		}
		return value
	}
	object, ok := objectMembers(value)
	if !ok {
		return value
	}
	before, _ := objectMembers(old)
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
