package schedule

import (
	"fmt"
	"slices"
	"strings"
)

// foreignFields reads lines of five to seven fields, optionally followed by a user
// and a command.
func foreignFields(line string) *Problem {
	fields := strings.Fields(line)
	n := 0
	for n < len(fields) && n < 8 && cronLike(fields[n]) {
		n++
	}
	if n < 5 || n > 7 {
		return nil
	}
	command := len(fields) > n
	all := meanings(fields[:n])
	if len(all) == 0 {
		return nil
	}
	if n == 5 && (command || all[0].text == "") {
		return nil // the mistake is in the line, not in the dialect
	}
	if n == 5 {
		return &Problem{Suggestions: []Suggestion{all[0].suggestion()}} // what is wrong with the field is said already
	}
	p := readAs(all, strings.Join(fields[:n], " "))
	if command {
		p.Text += "; leave out what follows the fields"
	}
	return p
}

// cronLike reports whether a text can be a field of any dialect.
func cronLike(s string) bool {
	if strings.Trim(s, "0123456789*/,-?#LWlw") == "" {
		return true
	}
	for part := range strings.FieldsFuncSeq(strings.ToLower(s), func(r rune) bool { return strings.ContainsRune("0123456789*/,-?#", r) }) {
		named := false
		for _, f := range []field{monthField, weekdayField} {
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

// meanings are the meanings that the fields have in the dialects. Two dialects
// that read a line alike are one reading.
func meanings(fields []string) []meaning {
	candidates := []dialect{quartz, spring, cronexpr, eventBridge}
	switch question := strings.Contains(strings.Join(fields, " "), "?"); {
	case len(fields) == 5:
		candidates = []dialect{plainCron}
	case len(fields) == 7 && !question:
		candidates = []dialect{cronexpr}
	}
	var all []meaning
	for _, d := range candidates {
		r, ok := d.read(fields)
		if !ok {
			continue
		}
		same := false
		for i := range all {
			if same = all[i].kind == r.kind && all[i].text == r.text && (r.text != "" || all[i].why == r.why); same {
				all[i].join(r)
				break
			}
		}
		if !same {
			all = append(all, r)
		}
	}
	return all
}

// readAs returns the problem of a line, with its meanings as suggestions.
func readAs(all []meaning, line string) *Problem {
	p := &Problem{}
	var choices, none []string
	for _, r := range all {
		if r.text == "" {
			why := r.why
			if len(all) > 1 {
				why = r.where(all) + ": " + why
			}
			none = append(none, why)
			continue
		}
		p.Suggestions = append(p.Suggestions, r.suggestion())
		choices = append(choices, r.where(all)+": "+r.advice())
	}
	switch {
	case len(all) == 1 && len(choices) == 1:
		p.Text = problem("%s looks like %s: %s", quote(line), all[0].title, all[0].advice()).Text
	case len(choices) == 0:
		p.Text = problem("%s looks like %s, and Overdue has no equivalent: %s; write five fields such as 0 3 * * *", quote(line), all[0].title, strings.Join(none, "; ")).Text
	default:
		p.Text = problem("%s has more than one meaning; %s", quote(line), strings.Join(append(choices, none...), "; ")).Text
	}
	if len(all) == 1 && all[0].note != "" && all[0].text != "" {
		p.Text += " (" + strings.TrimSuffix(all[0].note, ".") + ")"
	}
	return p
}

// join records that another dialect reads the line in the same way.
func (r *meaning) join(other meaning) {
	r.dialect, r.phrase = r.dialect+" or "+other.dialect, r.phrase+" or "+other.phrase
	r.title, r.note = "a "+r.dialect+" expression", firstWord(r.note, other.note)
}

// suggestion returns the meaning as a Suggestion.
func (r meaning) suggestion() Suggestion {
	return Suggestion{Kind: r.kind, Text: r.text, Reading: r.dialect, Note: r.note}
}

// where returns the dialect as a clause, with its numbering of the days if the
// other dialects number them differently.
func (r meaning) where(all []meaning) string {
	where := r.phrase
	if slices.ContainsFunc(all, func(other meaning) bool { return other.weekdays && other.sunday != r.sunday }) {
		where += fmt.Sprintf(", where Sunday is %d", r.sunday)
	}
	return where
}

// advice returns what to write instead.
func (r meaning) advice() string {
	switch r.kind {
	case KindInterval:
		return "use an interval of " + r.text
	case KindOnCalendar:
		return "write " + shortTo(r.text, mostAdvised) + " as OnCalendar"
	}
	return "write " + shortTo(r.text, mostAdvised)
}
