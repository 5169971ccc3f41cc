package schedule

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// foreign explains a cron line that was rejected by the program that it was written
// for, with the schedule here that has the same meaning. It returns nil if the line
// is not recognised.
func foreign(line string) *Problem {
	for _, recognise := range []func(string) *Problem{
		foreignZone, foreignCall, foreignWord, foreignHash, foreignRandom, foreignFields, foreignCommand, foreignCalendar, foreignInterval,
	} {
		if p := recognise(line); p != nil {
			return p
		}
	}
	return nil
}

// suggest returns a problem with one suggestion.
func suggest(s Suggestion, format string, args ...any) *Problem {
	p := problem(format, args...)
	p.Suggestions = []Suggestion{s}
	return p
}

// foreignZone reads a time zone before the line, as in robfig/cron and Kubernetes.
func foreignZone(line string) *Problem {
	name, rest, _ := strings.Cut(line, "=")
	if name != "TZ" && name != "CRON_TZ" {
		return nil
	}
	zone, rest, _ := strings.Cut(rest, " ")
	canonical, err := Zone(strings.Trim(zone, `"'`))
	if rest == "" || err != nil {
		return problem("%s sets a time zone: leave it out of the line, and choose the zone of the schedule", quote(line))
	}
	if _, err := explained(cronLine, foreign)(rest, canonical); err != nil {
		known, _ := errors.AsType[*Problem](err)
		p := problem("the line cannot hold the time zone: choose %s as the zone; without it, %s", short(canonical), err)
		for _, s := range known.Suggestions {
			if s.Kind != KindInterval { // which is the same in all zones
				s.Zone = canonical
			}
			p.Suggestions = append(p.Suggestions, s)
		}
		return p
	}
	return suggest(Suggestion{Kind: KindCron, Text: rest, Zone: canonical, Reading: "robfig/cron"},
		"the line cannot hold the time zone: choose %s as the zone, and write %s", short(canonical), short(rest))
}

// foreignCall reads the expressions of Amazon EventBridge.
func foreignCall(line string) *Problem {
	kind, inner, ok := strings.Cut(strings.TrimSuffix(line, ")"), "(")
	if !ok || !strings.HasSuffix(line, ")") {
		return nil
	}
	switch strings.TrimSpace(kind) {
	case "rate":
		return everySo(line, inner, "Amazon EventBridge")
	case "cron":
		r, ok := eventBridge.read(strings.Fields(inner))
		if !ok {
			return problem("%s looks like an EventBridge expression, but does not have the six fields minute, hour, day of month, month, day of week and year, one of the days as “?”: check it, and write five fields such as 0 3 * * *", quote(line))
		}
		return readAs([]meaning{r}, line)
	case "at":
		at, err := time.Parse("2006-01-02T15:04:05", strings.TrimSpace(inner))
		if err != nil {
			return nil
		}
		once := at.Format(time.DateTime)
		return suggest(Suggestion{Kind: KindOnCalendar, Text: once, Reading: eventBridge.name},
			"%s runs once, which only OnCalendar can say: write %s there", quote(line), once)
	}
	return nil
}

// foreignWord reads words that begin with @.
func foreignWord(line string) *Problem {
	if text, ok := strings.CutPrefix(line, "@every "); ok {
		return everySo(line, text, "robfig/cron")
	}
	return nil
}

// everySo reads the duration of an interval.
func everySo(line, text, reading string) *Problem {
	d, err := ParseDuration(text)
	if err != nil || d < time.Second || digits(strings.TrimSpace(text)) {
		return problem("%s looks like an interval of %s, but its duration cannot be read: use an interval such as 5m", quote(line), reading)
	}
	every := typedDuration(d)
	return suggest(Suggestion{Kind: KindInterval, Text: every, Reading: reading},
		"%s is an interval, as %s writes it: use an interval of %s", quote(line), reading, Duration(d))
}

// typedDuration returns a duration as people type it.
func typedDuration(d time.Duration) string {
	return strings.NewReplacer(noBreak, "", "min", "m").Replace(Duration(d))
}

// hash is a field of Jenkins with an H: alone, with a range, with a step, or with both.
var hash = regexp.MustCompile(`^H(?:\(([0-9]+)-([0-9]+)\))?(?:/([0-9]+))?$`)

// foreignHash reads the H of Jenkins.
func foreignHash(line string) *Problem {
	fields := strings.Fields(line)
	i := slices.IndexFunc(fields, hash.MatchString)
	if len(fields) != 5 || i < 0 {
		return nil
	}
	parts := hash.FindStringSubmatch(fields[i])
	low, high, step := parts[1], parts[2], parts[3]
	if n := minuteField.number; i == 0 && low == "" && step != "" && strings.Join(fields[1:], " ") == "* * * *" {
		if every, err := n(step); err == nil && every > 0 && 60%every == 0 {
			return suggest(Suggestion{Kind: KindInterval, Text: step + "m", Reading: "Jenkins"},
				"%s is a Jenkins schedule that runs every %s min from a minute that Jenkins picks: use an interval of %s min", quote(line), step, step)
		}
	}
	picked := "a number"
	if low != "" {
		picked = fmt.Sprintf("a number from %s to %s", low, high)
	}
	what := fmt.Sprintf("%s in the %s is %s", short(fields[i]), layoutField(fiveFields[i]).name, picked)
	if step != "" {
		what = fmt.Sprintf("%s in the %s is every %s numbers", short(fields[i]), layoutField(fiveFields[i]).name, short(step))
		if low != "" {
			what += fmt.Sprintf(" from %s to %s", low, high)
		}
		what += ", beginning with one"
	}
	return problem("%s is a Jenkins schedule: %s that Jenkins picks for each job: look up when the job runs and write that time, or use an interval with enough grace", quote(line), what)
}

// foreignRandom reads the random ranges of cronie and OpenBSD.
func foreignRandom(line string) *Problem {
	fields := strings.Fields(line)
	if len(fields) < 5 || !slices.ContainsFunc(fields[:5], func(f string) bool { return strings.Contains(f, "~") }) {
		return nil
	}
	for i, f := range fields[:5] {
		if strings.Trim(f, "0123456789~*/,-") != "" {
			return nil
		}
		if low, _, ok := strings.Cut(f, "~"); ok && low == "" {
			fields[i] = layoutLow(i)
		} else if ok {
			fields[i] = low
		}
	}
	return problem("%s has a random range, as cronie and OpenBSD cron take it; no fixed line has the same meaning: write the earliest time, %s, and make the grace period longer by the range",
		quote(line), short(strings.Join(fields[:5], " ")))
}

// layoutLow is the lowest number of the i-th field.
func layoutLow(i int) string {
	return ends(layoutField(fiveFields[i]).low, layoutField(fiveFields[i]).low)
}

// foreignCommand reads a line of a crontab with its command.
func foreignCommand(line string) *Problem {
	fields := strings.Fields(line)
	if len(fields) < 6 || fieldBehind(fields[5]) {
		return nil
	}
	text := strings.Join(fields[:5], " ")
	if _, err := cronLine(text, "UTC"); err != nil {
		return nil
	}
	return &Problem{Suggestions: []Suggestion{{Kind: KindCron, Text: text, Reading: "crontab"}}}
}

// foreignCalendar reads an expression of systemd.
func foreignCalendar(line string) *Problem {
	text := strings.TrimSpace(strings.TrimPrefix(line, "OnCalendar="))
	if _, ok := cronWords["@"+strings.ToLower(text)]; ok {
		return suggest(Suggestion{Kind: KindCron, Text: "@" + strings.ToLower(text), Reading: "cron"}, "%s needs an at sign in a cron line: write @%s", quote(line), strings.ToLower(short(text)))
	}
	if !strings.ContainsAny(text, ":-") {
		return nil
	}
	if _, err := calendarLine(text, "UTC"); err != nil {
		return nil
	}
	return suggest(Suggestion{Kind: KindOnCalendar, Text: text, Reading: "systemd"}, "%s is a systemd calendar expression: write it as OnCalendar", quote(line))
}

// foreignInterval reads a length of time.
func foreignInterval(line string) *Problem {
	text := strings.TrimPrefix(strings.ToLower(line), "every ")
	d, err := ParseDuration(text)
	if err != nil || d < time.Second || digits(text) {
		return nil
	}
	every := typedDuration(d)
	return suggest(Suggestion{Kind: KindInterval, Text: every, Reading: "a duration"}, "%s is a length of time: use an interval of %s", quote(line), Duration(d))
}

// cronInCalendar explains an OnCalendar expression that is a cron line.
func cronInCalendar(line string) *Problem {
	text := strings.TrimSpace(strings.TrimPrefix(line, "OnCalendar="))
	if text != line && text != "" {
		if _, err := calendarLine(text, "UTC"); err == nil {
			return suggest(Suggestion{Kind: KindOnCalendar, Text: text, Reading: "systemd"}, "the name of the setting is not a part of the expression: write %s", short(text))
		}
	}
	if value, _, ok := strings.Cut(strings.ReplaceAll(text, " ;", " #"), " #"); ok {
		if _, err := calendarLine(value, "UTC"); err == nil {
			return suggest(Suggestion{Kind: KindOnCalendar, Text: value, Reading: "systemd"}, "a comment cannot follow the value of a setting: write %s", short(value))
		}
	}
	if len(strings.Fields(line)) == 5 || strings.HasPrefix(line, "@") {
		if _, err := cronLine(line, "UTC"); err == nil {
			return suggest(Suggestion{Kind: KindCron, Text: line, Reading: "cron"}, "%s is a cron line: write it as cron", quote(line))
		}
	}
	for _, recognise := range []func(string) *Problem{foreignCall, foreignWord, foreignFields} {
		if p := recognise(line); p != nil {
			return p
		}
	}
	return nil
}
