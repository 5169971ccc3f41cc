package discover

import (
	"slices"
	"strings"
)

// unitFile is a unit merged with its drop-ins, as systemd merges them.
type unitFile struct {
	name        string              // without aliases
	settings    map[string][]string // "Timer.OnCalendar" to its values, after resets
	text        string              // content of all files
	userManager bool                // belongs to the service manager of a user
	transient   bool                // created by systemd-run: it has no permanent file
	masked      bool                // systemd never starts it
}

// newUnit returns a unit with the content of its files. userManager says that it belongs to the
// service manager of a user.
func newUnit(name string, userManager bool, texts ...string) *unitFile {
	u := &unitFile{name: name, userManager: userManager, settings: map[string][]string{}}
	for _, text := range texts {
		u.parse(text)
	}
	return u
}

// parse adds a file to the unit, as in systemd.syntax(7): later values are appended to earlier
// ones, and an empty value resets the setting.
func (u *unitFile) parse(text string) {
	u.text += text + "\n"
	section := ""
	for line := range strings.SplitSeq(joinLines(text), "\n") {
		line = strings.TrimSpace(line)
		if inner, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSuffix(inner, "]")
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.ContainsAny(line[:1], "#;") {
			continue
		}
		u.set(section+"."+strings.TrimSpace(key), strings.TrimSpace(value))
	}
}

// joinLines removes comments within a continued line and then joins the lines.
func joinLines(text string) string {
	var b strings.Builder
	continued := false
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if trimmed := strings.TrimSpace(line); continued && trimmed != "" && strings.ContainsAny(trimmed[:1], "#;") {
			continue
		}
		line, continued = strings.CutSuffix(line, `\`)
		b.WriteString(line)
		if continued {
			b.WriteByte(' ')
		} else {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func (u *unitFile) set(key, value string) {
	switch {
	case value != "":
		u.settings[key] = append(u.settings[key], value)
	case slices.Contains(startSettings, key):
		for _, start := range startSettings {
			delete(u.settings, start)
		}
	default:
		delete(u.settings, key)
	}
}

// lastValue returns the effective value of a setting that has one value.
func (u *unitFile) lastValue(key string) string {
	if all := u.settings[key]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// has reports whether a setting has a value.
func (u *unitFile) has(key string) bool { return len(u.settings[key]) > 0 }

// words returns all words of all values of a list setting.
func (u *unitFile) words(key string) []string {
	return strings.Fields(strings.Join(u.settings[key], " "))
}

// conditions returns the settings that can prevent systemd from starting the unit, sorted.
func (u *unitFile) conditions() []string {
	var all []string
	for key := range u.settings {
		section, name, _ := strings.Cut(key, ".")
		if section == "Unit" && (strings.HasPrefix(name, "Condition") || strings.HasPrefix(name, "Assert")) {
			all = append(all, name+"=")
		}
	}
	slices.Sort(all)
	return all
}

// isTrue parses a systemd boolean.
func isTrue(value string) bool {
	return slices.Contains([]string{"1", "yes", "y", "true", "t", "on"}, strings.ToLower(value))
}
