package schedule

import (
	"fmt"
	"slices"
	"strings"
)

// explainFields recognizes lines of five to seven fields, optionally followed by a user and a
// command.
func explainFields(line string) *Problem {
	fields := strings.Fields(line)
	n := 0
	for n < len(fields) && n < 8 && looksLikeCronField(fields[n]) {
		n++
	}
	if n < 5 || n > 7 {
		return nil
	}
	command := len(fields) > n
	all := possibleMeanings(fields[:n])
	if len(all) == 0 {
		return nil
	}
	if n == 5 && (command || all[0].text == "") {
		return nil // the line itself is wrong, not its dialect
	}
	if n == 5 {
		return &Problem{Suggestions: []Suggestion{all[0].suggestion()}} // the message already explains the field
	}
	p := problemOfMeanings(all, strings.Join(fields[:n], " "))
	if command {
		p.Message += "; remove the text after the fields"
	}
	return p
}

// looksLikeCronField reports whether a text can be a field of any dialect.
func looksLikeCronField(s string) bool {
	if strings.Trim(s, "0123456789*/,-?#LWlw") == "" {
		return true
	}
	for part := range strings.FieldsFuncSeq(strings.ToLower(s), func(r rune) bool { return strings.ContainsRune("0123456789*/,-?#", r) }) {
		named := false
		for _, f := range []cronField{monthField, weekdayField} {
			for _, name := range f.names {
				named = named || part == name || part == name+"l"
			}
		}
		if !named && strings.Trim(part, "lw") != "" {
			return false
		}
	}
	return true
}

// possibleMeanings returns the meanings of the fields in the dialects. Dialects with the same
// meaning are one entry.
func possibleMeanings(fields []string) []meaning {
	candidates := []dialect{quartz, spring, cronexpr, eventBridge}
	switch question := strings.Contains(strings.Join(fields, " "), "?"); {
	case len(fields) == 5:
		candidates = []dialect{plainCron}
	case len(fields) == 7 && !question:
		candidates = []dialect{cronexpr}
	}
	var all []meaning
	for _, d := range candidates {
		r, ok := d.parse(fields)
		if !ok {
			continue
		}
		same := false
		for i := range all {
			if same = all[i].kind == r.kind && all[i].text == r.text && (r.text != "" || all[i].noEquivalent == r.noEquivalent); same {
				all[i].merge(r)
				break
			}
		}
		if !same {
			all = append(all, r)
		}
	}
	return all
}

// problemOfMeanings returns the problem of a line, with its meanings as suggestions.
func problemOfMeanings(all []meaning, line string) *Problem {
	p := &Problem{}
	var choices, none []string
	for _, r := range all {
		if r.text == "" {
			why := r.noEquivalent
			if len(all) > 1 {
				why = r.describeDialect(all) + ": " + why
			}
			none = append(none, why)
			continue
		}
		p.Suggestions = append(p.Suggestions, r.suggestion())
		choices = append(choices, r.describeDialect(all)+": "+r.advice())
	}
	switch {
	case len(all) == 1 && len(choices) == 1:
		p.Message = problemf("%s looks like %s: %s", quote(line), all[0].title, all[0].advice()).Message
	case len(choices) == 0:
		p.Message = problemf("%s looks like %s, and Overdue has no equivalent: %s; write five fields such as 0 3 * * *", quote(line), all[0].title, strings.Join(none, "; ")).Message
	default:
		p.Message = problemf("%s has more than one meaning; %s", quote(line), strings.Join(append(choices, none...), "; ")).Message
	}
	if len(all) == 1 && all[0].note != "" && all[0].text != "" {
		p.Message += " (" + strings.TrimSuffix(all[0].note, ".") + ")"
	}
	return p
}

// merge records that another dialect gives the line the same meaning.
func (r *meaning) merge(other meaning) {
	r.dialect, r.phrase = r.dialect+" or "+other.dialect, r.phrase+" or "+other.phrase
	r.title, r.note = "a "+r.dialect+" expression", firstNonEmpty(r.note, other.note)
}

// suggestion returns the meaning as a Suggestion.
func (r meaning) suggestion() Suggestion {
	return Suggestion{Kind: r.kind, Text: r.text, Dialect: r.dialect, Note: r.note}
}

// describeDialect returns the dialect as a clause, with its number for Sunday if other dialects use
// a different one.
func (r meaning) describeDialect(all []meaning) string {
	where := r.phrase
	if slices.ContainsFunc(all, func(other meaning) bool { return other.numbersWeekdays && other.sundayNumber != r.sundayNumber }) {
		where += fmt.Sprintf(", where Sunday is %d", r.sundayNumber)
	}
	return where
}

// advice describes what to write instead.
func (r meaning) advice() string {
	switch r.kind {
	case KindInterval:
		return "use an interval of " + r.text
	case KindOnCalendar:
		return "write " + excerptUpTo(r.text, maxSuggestionLength) + " as OnCalendar"
	}
	return "write " + excerptUpTo(r.text, maxSuggestionLength)
}
