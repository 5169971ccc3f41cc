package discover

import (
	"slices"
	"strings"
)

// unitFile is a unit with its drop-ins, merged as systemd merges them.
type unitFile struct {
	name        string              // without aliases
	settings    map[string][]string // "Timer.OnCalendar" to its values, resets applied
	text        string              // all files, one after the other
	userManager bool                // of the service manager of a user
	transient   bool                // made by systemd-run: it has no file that stays
	masked      bool                // systemd never starts it
}

// parse adds a file to the unit, as in systemd.syntax(7): later values are added to
// earlier ones, and an empty value resets the setting.
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

// joinLines takes out comments within a continued line and then the continuation.
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

// lastValue is the value that counts for a setting that can be given once.
func (u *unitFile) lastValue(key string) string {
	if all := u.settings[key]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// has reports whether a setting has a value.
func (u *unitFile) has(key string) bool { return len(u.settings[key]) > 0 }

// words returns all words of all values of a setting that is a list.
func (u *unitFile) words(key string) []string {
	return strings.Fields(strings.Join(u.settings[key], " "))
}

// conditions are the settings that can keep systemd from starting the unit, sorted.
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

// isTrue reads a boolean of systemd.
func isTrue(value string) bool {
	return slices.Contains([]string{"1", "yes", "y", "true", "t", "on"}, strings.ToLower(value))
}

// firstNonEmpty is the first that is not empty.
func firstNonEmpty(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}
