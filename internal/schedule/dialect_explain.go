package schedule

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// explainCronLine explains a rejected cron line by the program that it was written for, with an
// equivalent schedule. It returns nil if it does not recognize the line.
func explainCronLine(line string) *Problem {
	for _, recognise := range []func(string) *Problem{
		explainZonePrefix, explainEventBridge, explainEvery, explainJenkinsHash, explainRandomRange, explainFields, explainCommand, explainOnCalendarLine, explainDuration,
	} {
		if p := recognise(line); p != nil {
			return p
		}
	}
	return nil
}

// problemWithSuggestion returns a problem with one suggestion.
func problemWithSuggestion(s Suggestion, format string, args ...any) *Problem {
	p := problemf(format, args...)
	p.Suggestions = []Suggestion{s}
	return p
}

// explainZonePrefix recognizes a time zone before the line, as in robfig/cron and Kubernetes.
func explainZonePrefix(line string) *Problem {
	name, rest, _ := strings.Cut(line, "=")
	if name != "TZ" && name != "CRON_TZ" {
		return nil
	}
	zone, rest, _ := strings.Cut(rest, " ")
	canonical, err := CanonicalZone(strings.Trim(zone, `"'`))
	if rest == "" || err != nil {
		return problemf("%s sets a time zone: remove it from the line, and set the time zone of the schedule", quote(line))
	}
	if _, err := withExplanation(parseCron, explainCronLine)(rest, canonical); err != nil {
		known, _ := errors.AsType[*Problem](err)
		p := problemf("a cron line cannot contain a time zone: set the time zone to %s; also, %s", excerpt(canonical), err)
		for _, s := range known.Suggestions {
			if s.Kind != KindInterval { // an interval is the same in all zones
				s.Zone = canonical
			}
			p.Suggestions = append(p.Suggestions, s)
		}
		return p
	}
	return problemWithSuggestion(Suggestion{Kind: KindCron, Text: rest, Zone: canonical, Dialect: "robfig/cron"},
		"a cron line cannot contain a time zone: set the time zone to %s, and write %s", excerpt(canonical), excerpt(rest))
}

// explainEventBridge recognizes the expressions of Amazon EventBridge.
func explainEventBridge(line string) *Problem {
	kind, inner, ok := strings.Cut(strings.TrimSuffix(line, ")"), "(")
	if !ok || !strings.HasSuffix(line, ")") {
		return nil
	}
	switch strings.TrimSpace(kind) {
	case "rate":
		return explainInterval(line, inner, "Amazon EventBridge")
	case "cron":
		r, ok := eventBridge.parse(strings.Fields(inner))
		if !ok {
			return problemf("%s looks like an EventBridge expression, but it needs six fields (minute, hour, day of month, month, day of week, year) with “?” as one of the days: write five fields such as 0 3 * * *", quote(line))
		}
		return problemOfMeanings([]meaning{r}, line)
	case "at":
		at, err := time.Parse("2006-01-02T15:04:05", strings.TrimSpace(inner))
		if err != nil {
			return nil
		}
		once := at.Format(time.DateTime)
		return problemWithSuggestion(Suggestion{Kind: KindOnCalendar, Text: once, Dialect: eventBridge.name},
			"%s runs once, and only OnCalendar supports that: write %s as OnCalendar", quote(line), once)
	}
	return nil
}

// explainEvery recognizes "@every" of robfig/cron.
func explainEvery(line string) *Problem {
	if text, ok := strings.CutPrefix(line, "@every "); ok {
		return explainInterval(line, text, "robfig/cron")
	}
	return nil
}

// explainInterval explains an interval of another program.
func explainInterval(line, text, reading string) *Problem {
	d, err := ParseDuration(text)
	if err != nil || d < time.Second || isDigits(strings.TrimSpace(text)) {
		return problemf("%s looks like an interval of %s, but its duration is not valid: use an interval such as 5m", quote(line), reading)
	}
	every := compactDuration(d)
	return problemWithSuggestion(Suggestion{Kind: KindInterval, Text: every, Dialect: reading},
		"%s is an interval in the syntax of %s: use an interval of %s", quote(line), reading, FormatDuration(d))
}

// compactDuration formats a duration as a user would type it.
func compactDuration(d time.Duration) string {
	return strings.NewReplacer(noBreakSpace, "", "min", "m").Replace(FormatDuration(d))
}

// jenkinsHash matches a Jenkins field with H: alone, with a range, with a step, or with both.
var jenkinsHash = regexp.MustCompile(`^H(?:\(([0-9]+)-([0-9]+)\))?(?:/([0-9]+))?$`)

// explainJenkinsHash recognizes the H of Jenkins.
func explainJenkinsHash(line string) *Problem {
	fields := strings.Fields(line)
	i := slices.IndexFunc(fields, jenkinsHash.MatchString)
	if len(fields) != 5 || i < 0 {
		return nil
	}
	parts := jenkinsHash.FindStringSubmatch(fields[i])
	low, high, step := parts[1], parts[2], parts[3]
	if n := minuteField.parseNumber; i == 0 && low == "" && step != "" && strings.Join(fields[1:], " ") == "* * * *" {
		if every, err := n(step); err == nil && every > 0 && 60%every == 0 {
			return problemWithSuggestion(Suggestion{Kind: KindInterval, Text: step + "m", Dialect: "Jenkins"},
				"%s is a Jenkins schedule that runs every %s min, from a minute that Jenkins chooses: use an interval of %s min", quote(line), step, step)
		}
	}
	picked := "a number"
	if low != "" {
		picked = fmt.Sprintf("a number from %s to %s", low, high)
	}
	what := fmt.Sprintf("%s in the %s is %s", excerpt(fields[i]), layoutField(fiveFields[i]).name, picked)
	if step != "" {
		what = fmt.Sprintf("%s in the %s is every %s numbers", excerpt(fields[i]), layoutField(fiveFields[i]).name, excerpt(step))
		if low != "" {
			what += fmt.Sprintf(" from %s to %s", low, high)
		}
		what += ", beginning with one"
	}
	return problemf("%s is a Jenkins schedule: %s that Jenkins chooses for each job: look up when the job runs and write that time, or use an interval with enough grace", quote(line), what)
}

// explainRandomRange recognizes the random ranges of cronie and OpenBSD.
func explainRandomRange(line string) *Problem {
	fields := strings.Fields(line)
	if len(fields) < 5 || !slices.ContainsFunc(fields[:5], func(f string) bool { return strings.Contains(f, "~") }) {
		return nil
	}
	for i, f := range fields[:5] {
		if strings.Trim(f, "0123456789~*/,-") != "" {
			return nil
		}
		if low, _, ok := strings.Cut(f, "~"); ok && low == "" {
			fields[i] = layoutMin(i)
		} else if ok {
			fields[i] = low
		}
	}
	return problemf("%s has a random range (cronie and OpenBSD cron), which has no fixed equivalent: write the earliest time, %s, and add the range to the grace period",
		quote(line), excerpt(strings.Join(fields[:5], " ")))
}

// layoutMin returns the minimum of the i-th field.
func layoutMin(i int) string {
	return formatRange(layoutField(fiveFields[i]).min, layoutField(fiveFields[i]).min)
}

// explainCommand recognizes a crontab line with its command.
func explainCommand(line string) *Problem {
	fields := strings.Fields(line)
	if len(fields) < 6 || isSixthField(fields[5]) {
		return nil
	}
	text := strings.Join(fields[:5], " ")
	if _, err := parseCron(text, "UTC"); err != nil {
		return nil
	}
	return &Problem{Suggestions: []Suggestion{{Kind: KindCron, Text: text, Dialect: "crontab"}}}
}

// explainOnCalendarLine recognizes a systemd calendar expression.
func explainOnCalendarLine(line string) *Problem {
	text := strings.TrimSpace(strings.TrimPrefix(line, "OnCalendar="))
	if _, ok := cronNicknames["@"+strings.ToLower(text)]; ok {
		return problemWithSuggestion(Suggestion{Kind: KindCron, Text: "@" + strings.ToLower(text), Dialect: "cron"}, "%s needs an at sign in a cron line: write @%s", quote(line), strings.ToLower(excerpt(text)))
	}
	if !strings.ContainsAny(text, ":-") {
		return nil
	}
	if _, err := parseOnCalendar(text, "UTC"); err != nil {
		return nil
	}
	return problemWithSuggestion(Suggestion{Kind: KindOnCalendar, Text: text, Dialect: "systemd"}, "%s is a systemd calendar expression: write it as OnCalendar", quote(line))
}

// explainDuration recognizes a duration.
func explainDuration(line string) *Problem {
	text := strings.TrimPrefix(strings.ToLower(line), "every ")
	d, err := ParseDuration(text)
	if err != nil || d < time.Second || isDigits(text) {
		return nil
	}
	every := compactDuration(d)
	return problemWithSuggestion(Suggestion{Kind: KindInterval, Text: every, Dialect: "a duration"}, "%s is a duration: use an interval of %s", quote(line), FormatDuration(d))
}

// explainNotOnCalendar explains a rejected OnCalendar expression, for example one that is a cron
// line.
func explainNotOnCalendar(line string) *Problem {
	text := strings.TrimSpace(strings.TrimPrefix(line, "OnCalendar="))
	if text != line && text != "" {
		if _, err := parseOnCalendar(text, "UTC"); err == nil {
			return problemWithSuggestion(Suggestion{Kind: KindOnCalendar, Text: text, Dialect: "systemd"}, "the name of the setting is not a part of the expression: write %s", excerpt(text))
		}
	}
	if value, _, ok := strings.Cut(strings.ReplaceAll(text, " ;", " #"), " #"); ok {
		if _, err := parseOnCalendar(value, "UTC"); err == nil {
			return problemWithSuggestion(Suggestion{Kind: KindOnCalendar, Text: value, Dialect: "systemd"}, "a comment cannot follow the value of a setting: write %s", excerpt(value))
		}
	}
	if len(strings.Fields(line)) == 5 || strings.HasPrefix(line, "@") {
		if _, err := parseCron(line, "UTC"); err == nil {
			return problemWithSuggestion(Suggestion{Kind: KindCron, Text: line, Dialect: "cron"}, "%s is a cron line: write it as cron", quote(line))
		}
	}
	for _, recognise := range []func(string) *Problem{explainEventBridge, explainEvery, explainFields} {
		if p := recognise(line); p != nil {
			return p
		}
	}
	return nil
}
