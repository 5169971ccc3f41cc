package schedule

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	robfig "github.com/robfig/cron/v3"
)

// suggestionsFor returns the suggestions for a rejected line, as "kind text".
func suggestionsFor(t *testing.T, line string, read func([]string, string) (Schedule, error)) (texts []string, p *Problem) {
	t.Helper()
	_, err := read([]string{line}, "")
	if p, _ = errors.AsType[*Problem](err); p == nil {
		t.Fatalf("%q: %v; want a problem", line, err)
	}
	for _, s := range p.Suggestions {
		text := s.Kind + " " + s.Text
		if s.Zone != "" {
			text += " in " + s.Zone
		}
		if s.Note != "" {
			text += " (" + s.Note + ")"
		}
		texts = append(texts, text)
	}
	return texts, p
}

// Each line is recognized, and the suggestion has its meaning. The expected lines were derived by
// hand from the sources in the dialects.
func TestCron_SuggestsTheMeaningOfOtherDialects(t *testing.T) {
	both := func(a, b string) []string { return []string{"cron " + a, "cron " + b} }
	one := func(a string) []string { return []string{"cron " + a} }
	bridge := " (" + eventBridge.note + ")"
	for line, want := range map[string][]string{
		"0 0 12 ? * MON-FRI":      one("0 12 * * 1-5"),
		"0 0 12 * * ?":            one("0 12 * * *"),
		"0 0 12 * * ? *":          one("0 12 * * *"),
		"0 0/5 14,18 * * ?":       one("*/5 14,18 * * *"),
		"0 11-13 9 ? * SUN":       one("11-13 9 * * 0"),
		"0 15 10 ? * 2-6":         both("15 10 * * 1-5", "15 10 * * 2-6"), // in Quartz, Sunday is 1
		"0 15 10 ? * 6L":          both("15 10 * * 5L", "15 10 * * 6L"),
		"0 15 10 ? * FRIL":        one("15 10 * * 5L"),
		"0 15 10 ? * MON#2":       one("15 10 * * 1#2"),
		"0 15 10 L * ?":           one("15 10 L * *"),
		"0 15 10 15W * ?":         one("15 10 15W * *"),
		"0 0 22-4 ? * *":          one("0 0-4,22,23 * * *"),
		"0 8 ? * 2-6 *":           {"cron 0 8 * * 2-6", "cron 0 8 * * 1-5" + bridge}, // in EventBridge, Sunday is 1
		"0 8 ? * MON-FRI *":       one("0 8 * * 1-5" + bridge),
		"15 0 9-17 ? * WED":       {"oncalendar Wed *-*-* 09..17:00:15"},
		"*/45 * * * * *":          {"oncalendar *-*-* *:*:00,45", "cron 0,45 * * * *"},
		"0/40 0 */5 1 * *":        {"oncalendar *-*-01 00,05,10,15,20:00:00,40", "cron 0,40 0 */5 1 *"},
		"0 0 9 1W * ? 2027":       nil,
		"0 0 9 ? * 6L 2027":       nil,
		"0 0 9 * * ? 2027-2030":   {"oncalendar 2027..2030-*-* 09:00:00"},
		"0 0 9 * * ? 2027,2029/2": {"oncalendar 2027,2029/2-*-* 09:00:00"},
		"0 0 9 * * ? */2":         nil,
		"0 0 9 L-0 * ?":           nil,
		"0 0 0 ? * L":             one("0 0 * * 6"), // only Quartz defines the last day
		"0 15 10 L-2 * ?":         {"oncalendar *-*~03 10:15:00"},
		"0 15 10 * * ? 2027":      {"oncalendar 2027-*-* 10:15:00"},
		"0 0 9 * * MON-FRI":       one("0 9 * * 1-5"),
		"0 0 9 * * 7":             one("0 9 * * 0"),
		"0 0 9 * * FRI-SUN":       one("0 9 * * 5-7"),
		"30 0 9 * * 1":            {"oncalendar Mon *-*-* 09:00:30"},
		"0,30 * * * * *":          {"interval 30s", "cron 0,30 * * * *"},
		"*/10 * * * * 1":          {"oncalendar Mon *-*-* *:*:00/10"},
		"*/10 * * * * MON":        {"oncalendar Mon *-*-* *:*:00/10"},
		"0 0 9 13 * FRI":          nil, // programs disagree on one or both
		"0 0 9 * * */2":           nil,
		"0 0 3 * * *":             both("0 3 * * *", "0 0 3 * *"),
		"*/10 * * * * *":          {"interval 10s", "cron */10 * * * *"},
		"0 3 * * MON *":           one("0 3 * * 1"),
		"0 3 * * * 2027":          {"oncalendar 2027-*-* 03:00:00"},
		"0 0 25 * * MON":          nil,
		"0 0 9 * * MONDAY":        nil,
		"0 12 ? * MON-FRI":        one("0 12 * * 1-5"),
		"5/15 * * * *":            one("5-59/15 * * * *"),
		"0 0 * * fri-sun":         one("0 0 * * 5-7"),
		"0 0 31 2 ?":              nil,
		"60 * * * *":              nil,
		"0 3 * * * root /x":       one("0 3 * * *"),
		"0 3 * * * /bin/x -v":     one("0 3 * * *"),
		"0 25 * * * root /x":      nil,
		"0 0 4 * * 1 root /x":     one("0 4 * * 1"),

		"cron(0 8 ? * MON-FRI *)": one("0 8 * * 1-5" + bridge),
		"cron(0 8 ? * 2-6 *)":     one("0 8 * * 1-5" + bridge),
		"cron(0/15 * * * ? *)":    one("*/15 * * * *" + bridge),
		"cron(0 8 ? * 6L *)":      one("0 8 * * 5L" + bridge),
		"cron(0 8 1 * ? 2027)":    {"oncalendar 2027-*-01 08:00:00" + bridge},
		"cron(0 8 * * * *)":       nil,
		"cron(0 8 ? * MON-FRI":    nil,
		"rate(5 minutes)":         {"interval 5m"},
		"rate(1 day)":             {"interval 24h"},
		"rate(5)":                 nil,
		"at(2026-12-24T18:00:00)": {"oncalendar 2026-12-24 18:00:00"},
		"@every 1h30m":            {"interval 1h 30m"},
		"@every 10ms":             nil,
		"TZ=Asia/Tokyo @every 5m": {"interval 5m"}, // the same in all zones
		"@reboot":                 nil,

		"H H * * *":                           nil,
		"H/15 * * * *":                        {"interval 15m"},
		"H/7 * * * *":                         nil,
		"15~45 3 * * *":                       nil,
		"TZ=Asia/Tokyo 0 3 * * *":             {"cron 0 3 * * * in Asia/Tokyo"},
		"CRON_TZ=US/Eastern 0 0 3 * * MON":    {"cron 0 3 * * 1 in America/New_York"},
		"CRON_TZ=Nowhere 0 3 * * *":           nil,
		"CRON_TZ=Asia/Tokyo":                  nil,
		"Mon..Fri 03:00":                      {"oncalendar Mon..Fri 03:00"},
		"OnCalendar=*-*-* 03:00:00":           {"oncalendar *-*-* 03:00:00"},
		"daily":                               one("@daily"),
		"every 10 minutes":                    {"interval 10m"},
		"24h":                                 {"interval 24h"},
		"24":                                  nil,
		"0 3 * *":                             nil,
		strings.Repeat("0 ", 6) + "\u202etxt": nil,
	} {
		if got, p := suggestionsFor(t, line, Cron); cmp.Diff(want, got) != "" {
			t.Errorf("%q: %s\n got %q\nwant %q", line, p.Message, got, want)
		}
	}
}

func TestCron_ExplainsTheJenkinsHash(t *testing.T) {
	for line, want := range map[string]string{
		"H H * * *":         "H in the minute is a number that Jenkins chooses",
		"H(0-15)/3 * * * *": "H(0-15)/3 in the minute is every 3 numbers from 0 to 15, beginning with one that Jenkins chooses",
		"30 H(2-5) * * 1-5": "H(2-5) in the hour is a number from 2 to 5 that Jenkins chooses",
		"0 0 H/10 * *":      "H/10 in the day of month is every 10 numbers, beginning with one that Jenkins chooses",
		"0 0 * * H":         "H in the day of week is a number that Jenkins chooses",
	} {
		if got, p := suggestionsFor(t, line, Cron); len(got) > 0 || !strings.Contains(p.Message, want) {
			t.Errorf("%q: %s %q; want %q", line, p.Message, got, want)
		}
	}
}

func TestOnCalendar_SuggestsCronForACronLine(t *testing.T) {
	for line, want := range map[string][]string{
		"0 3 * * *":            {"cron 0 3 * * *"},
		"@daily":               {"cron @daily"},
		"0 0 12 ? * MON-FRI":   {"cron 0 12 * * 1-5"},
		"OnCalendar=Mon 03:00": {"oncalendar Mon 03:00"},
		"rate(5 minutes)":      {"interval 5m"},
		"daily # nightly":      {"oncalendar daily"},
		"Mon..Fri 25:00":       nil,
	} {
		if got, p := suggestionsFor(t, line, OnCalendar); cmp.Diff(want, got) != "" {
			t.Errorf("%q: %s\n got %q\nwant %q", line, p.Message, got, want)
		}
	}
}

// pickOne returns one of the texts.
func pickOne(r *rand.Rand, texts ...string) string { return texts[r.IntN(len(texts))] }

// generateDialectLine generates a line that robfig/cron accepts, with at most one restricted day
// field.
func generateDialectLine(r *rand.Rand, seconds bool) string {
	item := func(low, high int) string {
		a, b := low+r.IntN(high-low+1), low+r.IntN(high-low+1)
		return pickOne(r, "*", "*", fmt.Sprint(a), fmt.Sprintf("%d-%d", min(a, b), max(a, b)), fmt.Sprintf("*/%d", 1+r.IntN(high)),
			fmt.Sprintf("%d/%d", a, 1+r.IntN(high)), fmt.Sprintf("%d-%d/%d", min(a, b), max(a, b), 1+r.IntN(5)), fmt.Sprintf("%d,%d", a, b))
	}
	day, weekday := item(1, 31), pickOne(r, "*", "?")
	if r.IntN(2) == 0 {
		a, b := r.IntN(7), r.IntN(7)
		day, weekday = pickOne(r, "*", "?"), pickOne(r, "mon-fri", "TUE", "*", "sun,wed", fmt.Sprint(a), fmt.Sprintf("%d-%d", min(a, b), max(a, b)), "1-5/2")
	}
	line := strings.Join([]string{item(0, 59), item(0, 23), day, item(1, 12), weekday}, " ")
	if seconds {
		line = pickOne(r, "0", "0", fmt.Sprint(r.IntN(60)), "*/15", "*") + " " + line
	}
	return line
}

// The suggestion for a line of robfig/cron, with and without seconds, has the slots that
// robfig/cron calculates.
func TestCron_SuggestionsHaveTheSlotsOfRobfigCron(t *testing.T) {
	withSeconds := robfig.NewParser(robfig.Second | robfig.Minute | robfig.Hour | robfig.Dom | robfig.Month | robfig.Dow | robfig.Descriptor)
	start := time.Date(2027, 1, 30, 12, 34, 56, 0, time.UTC)
	r := rand.New(rand.NewPCG(20261129, 1))
	compared, calendars := 0, 0
	for range 4000 {
		parse, line := robfig.ParseStandard, generateDialectLine(r, false)
		if r.IntN(2) == 0 {
			parse, line = withSeconds.Parse, generateDialectLine(r, true)
		}
		theirs, err := parse(line)
		if err != nil {
			continue
		}
		_, err = Cron([]string{line}, "")
		p, ok := errors.AsType[*Problem](err)
		if !ok {
			continue
		}
		for _, s := range p.Suggestions {
			if !strings.Contains(s.Dialect, "Spring") && !strings.Contains(s.Dialect, "robfig") || s.Kind == KindInterval {
				continue
			}
			read := Cron
			if s.Kind == KindOnCalendar {
				read, calendars = OnCalendar, calendars+1
			}
			ours, err := read([]string{s.Text}, "")
			if err != nil {
				t.Fatalf("%q: suggested %q: %v", line, s.Text, err)
			}
			compared++
			mine, other := start.Add(time.Minute), start.Add(time.Minute)
			for range 20 {
				next, ok := ours.Next(mine)
				other = theirs.Next(other)
				if ok == other.IsZero() || ok && !next.Equal(other) {
					t.Fatalf("%q: suggested %q is next due %v; robfig/cron says %v", line, s.Text, next, other)
				}
				mine = next
			}
		}
	}
	if compared < 500 || calendars < 100 {
		t.Errorf("only %d lines were compared, %d of them as OnCalendar", compared, calendars)
	}
}

// For every input, each suggestion is valid and belongs to that line.
func TestCron_SuggestionsAreValid(t *testing.T) {
	r := rand.New(rand.NewPCG(20261129, 2))
	tokens := strings.Fields("* ? 0 5 15 31 59 MON FRI-SUN 1-5 2-6 */15 0/5 L LW 15W 6L 6#3 2027 * * H H/5 1~9 JAN root /x @every 5m TZ=UTC cron( ) rate( minutes Mon..Fri 03:00 OnCalendar=")
	for range 20_000 {
		var parts []string
		for range 1 + r.IntN(8) {
			parts = append(parts, pickOne(r, tokens...))
		}
		line := strings.Join(parts, " ")
		for _, read := range []func([]string, string) (Schedule, error){Cron, OnCalendar} {
			_, err := read([]string{line}, "")
			p, ok := errors.AsType[*Problem](err)
			if !ok {
				continue
			}
			if p.Message == "" || len(p.Suggestions) > 3 {
				t.Fatalf("%q: text %q, suggestions %+v", line, p.Message, p.Suggestions)
			}
			for _, s := range p.Suggestions {
				var err error
				switch s.Kind {
				case KindInterval:
					_, err = ParseDuration(s.Text)
				case KindCron:
					_, err = Cron([]string{s.Text}, s.Zone)
				default:
					_, err = OnCalendar([]string{s.Text}, s.Zone)
				}
				if err != nil || s.Dialect == "" {
					t.Fatalf("%q: suggested %+v: %v", line, s, err)
				}
			}
		}
	}
}

func TestDialects_StateTheirRuleAndItsSource(t *testing.T) {
	for _, d := range []dialect{quartz, spring, cronexpr, eventBridge, plainCron} {
		if d.name == "" || d.title == "" || d.phrase == "" || d.rule == "" || d.source == "" || len(d.layouts) == 0 {
			t.Errorf("%+v", d)
		}
	}
}
