package notify

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"overdue/internal/notify/setting"
)

// Validate returns the settings in their stored form, or all problems in the
// order of the fields. If there are problems, the settings are nil. Empty
// members are removed.
func (k Kind) Validate(set setting.Values) (setting.Values, []setting.Problem) {
	out := setting.Values{}
	var problems []setting.Problem
	for _, f := range k.Fields {
		value := set[f.Name]
		if value != nil {
			normal, problem := f.Normalize(value)
			if problem != "" {
				problems = append(problems, setting.Problem{Field: f.Name, Text: problem})
				continue
			}
			value = normal
		}
		switch {
		case !setting.IsEmpty(value):
			out[f.Name] = value
		case f.Required:
			problems = append(problems, setting.Problem{Field: f.Name, Text: f.Label + " is required."})
		}
	}
	problems = append(problems, k.unknown(set)...)
	if k.Check != nil && len(problems) == 0 {
		problems = k.Check(out)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return out, nil
}

// unknown returns a problem for each member that the kind does not have.
func (k Kind) unknown(set setting.Values) []setting.Problem {
	var problems []setting.Problem
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if _, known := k.Field(name); known {
			continue
		}
		problems = append(problems, setting.Problem{Field: name, Text: fmt.Sprintf(
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
func (k Kind) Mask(set setting.Values) setting.Values {
	out := setting.Values{}
	for _, f := range k.Fields {
		value, given := set[f.Name]
		switch {
		case !given:
		case f.Secret && !setting.IsEmpty(value):
			out[f.Name] = setting.Mask(value)
		default:
			out[f.Name] = value
		}
	}
	return out
}

// Merge applies new to old member by member, as in RFC 7396: an absent member
// stays, null removes it, a value replaces it. Dots keep the old secret, also
// for a single header. The result must still be validated. A secret that stays
// while its destination changes is a problem. In that case the result has no
// secrets, so they cannot be sent elsewhere by mistake.
func (k Kind) Merge(old, new setting.Values) (setting.Values, []setting.Problem) {
	out := maps.Clone(old)
	if out == nil {
		out = setting.Values{}
	}
	for name, value := range new {
		if value == nil {
			delete(out, name)
			continue
		}
		if f, known := k.Field(name); known && f.Secret {
			value = setting.KeepMasked(old[name], value)
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
