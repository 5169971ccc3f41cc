// Package systemd is the only place that knows how timer and service units are written: it merges
// the files of a unit, and says when a timer runs, whether a service can ping, and which ends of a
// run are failures.
//
// It reads no files and runs no commands: package discover finds the files of a unit and adds their
// text. The syntax is that of systemd 252, with the settings of [Timer] up to 258.
package systemd

import (
	"slices"
	"strings"
)

// Unit is a unit merged with its drop-ins, as systemd merges them.
type Unit struct {
	Name        string              // without aliases
	Settings    map[string][]string // "Timer.OnCalendar" to its values, after resets
	Text        string              // content of all files
	UserManager bool                // belongs to the service manager of a user
	Transient   bool                // created by systemd-run: it has no permanent file
	Masked      bool                // systemd never starts it
}

// NewUnit returns a unit with the content of its files. UserManager says that it belongs to the
// service manager of a user.
func NewUnit(name string, userManager bool, texts ...string) *Unit {
	u := &Unit{Name: name, UserManager: userManager, Settings: map[string][]string{}}
	for _, text := range texts {
		u.Parse(text)
	}
	return u
}

// Parse adds a file to the unit, as in systemd.syntax(7): later values are appended to earlier
// ones, and an empty value resets the setting.
func (u *Unit) Parse(text string) {
	u.Text += text + "\n"
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

func (u *Unit) set(key, value string) {
	switch {
	case value != "":
		u.Settings[key] = append(u.Settings[key], value)
	case slices.Contains(startSettings, key):
		for _, start := range startSettings {
			delete(u.Settings, start)
		}
	default:
		delete(u.Settings, key)
	}
}

// LastValue returns the effective value of a setting that has one value.
func (u *Unit) LastValue(key string) string {
	if all := u.Settings[key]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// Has reports whether a setting has a value.
func (u *Unit) Has(key string) bool { return len(u.Settings[key]) > 0 }

// words returns all words of all values of a list setting.
func (u *Unit) words(key string) []string {
	return strings.Fields(strings.Join(u.Settings[key], " "))
}

// conditions returns the settings that can prevent systemd from starting the unit, sorted.
func (u *Unit) conditions() []string {
	var all []string
	for key := range u.Settings {
		section, name, _ := strings.Cut(key, ".")
		if section == "Unit" && (strings.HasPrefix(name, "Condition") || strings.HasPrefix(name, "Assert")) {
			all = append(all, name+"=")
		}
	}
	slices.Sort(all)
	return all
}

// IsTrue parses a systemd boolean.
func IsTrue(value string) bool {
	return slices.Contains([]string{"1", "yes", "y", "true", "t", "on"}, strings.ToLower(value))
}
