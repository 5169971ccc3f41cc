package discover

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseCrontab_FindsTheEntriesThatDebianCronFinds(t *testing.T) {
	for name, c := range map[string]struct {
		text     string
		withUser bool
		want     []string // schedule | user | command | input | shell | problem, or nothing
	}{
		"five fields":              {"0 3 * * * backup.sh --full\n", false, []string{"0 3 * * *||backup.sh --full||/bin/sh|"}},
		"tabs and blanks":          {" \t 0\t3  * * *   a  b \n", false, []string{"0 3 * * *||a  b ||/bin/sh|"}},
		"comments and blanks":      {"# 0 3 * * * no\n\n   # no\n \t\n\r\n", false, nil},
		"a word":                   {"@daily backup.sh\n", false, []string{"@daily||backup.sh||/bin/sh|"}},
		"a word and a user":        {"@hourly www-data\tx y\n", true, []string{"@hourly|www-data|x y||/bin/sh|"}},
		"a user":                   {"17 * * * * root cd / && x\n", true, []string{"17 * * * *|root|cd / && x||/bin/sh|"}},
		"settings":                 {"A=1\n \"B C\" = 'x y'\nMAILTO=\"\"\nPATH = /bin:/usr/bin\n", false, nil},
		"a shell for what follows": {"0 1 * * * a\nSHELL = \"/bin/bash\"\n0 2 * * * b\n", false, []string{"0 1 * * *||a||/bin/sh|", "0 2 * * *||b||/bin/bash|"}},
		"a setting in a command":   {"0 1 * * * A=1 x\n", false, []string{"0 1 * * *||A=1 x||/bin/sh|"}},
		"input":                    {"0 1 * * * mail -s hi bob%Bob,%%bye%\n", false, []string{"0 1 * * *||mail -s hi bob|%Bob,%%bye%|/bin/sh|"}},
		"an escaped percent":       {`0 1 * * * date +\%F %in` + "\n", false, []string{`0 1 * * *||date +\%F |%in|/bin/sh|`}},
		"an escaped backslash":     {`0 1 * * * echo \\%in` + "\n", false, []string{`0 1 * * *||echo \\|%in|/bin/sh|`}},
		"boot":                     {"@reboot x\n", false, []string{"@reboot||x||/bin/sh|runs when the machine starts, on no schedule"}},
		"no command":               {"0 3 * * *\n", false, []string{"0 3 * * *||||/bin/sh|the line cannot be read: there is no command after the schedule"}},
		"user but no command":      {"0 3 * * * root\n", true, []string{"0 3 * * *|root|||/bin/sh|the line cannot be read: there is no command after the schedule"}},
		"input but no command":     {"0 3 * * * %x\n", false, []string{"0 3 * * *|||%x|/bin/sh|the line cannot be read: there is no command after the schedule"}},
		"no line end":              {"0 3 * * * x", false, []string{"0 3 * * *||x||/bin/sh|"}},
		"carriage return":          {"0 3 * * * x\r\nA=b\r\n", false, []string{"0 3 * * *||x\r||/bin/sh|the line ends in a carriage return, which cron takes for a part of the command: remove it"}},
		"NUL":                      {"0 3 * * * x\x00y\n", false, []string{"0 3 * * *||x\x00y||/bin/sh|the line has a NUL byte in it"}},
		"not UTF-8":                {"0 3 * * * x\xff\xfe\n", false, []string{"0 3 * * *||x\xff\xfe||/bin/sh|"}},
	} {
		var got []string
		for _, e := range parseCrontab([]byte(c.text), lineSyntax{userColumn: c.withUser, percentStartsStdin: true}) {
			got = append(got, strings.Join([]string{e.schedule, e.user, e.command, e.stdin, e.shell, e.problem}, "|"))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseCrontab_LimitsTheCommandLengthAsDebianCronDoes(t *testing.T) {
	for size, readable := range map[int]bool{998: true, 999: false, 1 << 20: false} {
		text := "0 3 * * * " + strings.Repeat("x", size) + "\n0 4 * * * y\n"
		got := parseCrontab([]byte(text), lineSyntax{percentStartsStdin: true})
		if len(got) != 2 || (got[0].problem == "") != readable || got[1].problem != "" {
			t.Errorf("%d bytes: %d entries, readable %v; want %v", size, len(got), got[0].problem == "", readable)
		}
	}
}

func TestParseCrontab_AcceptsAnyBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.SampledFrom([]byte("0*@#%\\'\"=\t \r\n\x00\xff$a/-,;&|(){}"))).Draw(t, "text")
		withUser := rapid.Bool().Draw(t, "withUser")
		for _, e := range parseCrontab(text, lineSyntax{userColumn: withUser, percentStartsStdin: true}) {
			if line := e.text(); !bytes.HasPrefix(text[e.offset:], []byte(line)) {
				t.Fatalf("line %d is read as %q; the text is %q", e.lineNumber, line, text)
			}
			commandLabel(e.command)
			_ = unwrapCommand(e.command)
			if g := (Machine{Root: "/nonexistent"}).splitGuard(e); g.guard+g.work != e.command {
				t.Fatalf("%q is taken apart into %q and %q", e.command, g.guard, g.work)
			}
			for _, r := range knownDaemons {
				if got := r.parseSchedule(strings.Fields(e.schedule), "UTC", noon); (got.problem == "") != (len(got.cron)+len(got.onCalendar) == 1) {
					t.Fatalf("%s reads %q as %+v", r.daemon, e.schedule, got)
				}
			}
		}
	})
}

// crontabLine draws a line of a crontab of a user, jobs more often than not.
func crontabLine(t *rapid.T) string {
	if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
		return rapid.SampledFrom([]string{"", "# comment % \\", "MAILTO=\"\"", " A = b ", "\r", "# x\r", "@reboot x", "* * *", "bad line here"}).Draw(t, "other")
	}
	when := rapid.SampledFrom([]string{"0 3 * * *", "@daily", " */5\t* * * mon-fri ", "1,2 0-6/2 1 jan *"}).Draw(t, "when")
	command := rapid.StringOfN(rapid.SampledFrom([]rune(`ab/ '"\%;&|<>$()#=~*`+"`\té")), 1, 40, -1).Draw(t, "command")
	guard := rapid.SampledFrom([]string{"", "", "[ -x /bin/sh ] && ", "sleep 5; ", "[ -x /none ] || "}).Draw(t, "guard")
	return when + "\t" + guard + command
}

func TestReplaceCommands_ChangesCommandsOnly(t *testing.T) {
	const url = "https://o.example.org/api/v1/hb/0c1d8f0e-7d5b-4c55-9a0b-6a8f5a5e3c11"
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.Custom(crontabLine), 1, 12).Draw(t, "lines")
		text := []byte(strings.Join(lines, "\n") + rapid.SampledFrom([]string{"", "\n", "\n\n"}).Draw(t, "end"))
		w := PingSettings{Method: rapid.SampledFrom([]PingMethod{PingWithRun, PingWithCurl}).Draw(t, "with"), Program: "/usr/local/bin/overdue"}
		before := parseCrontab(text, lineSyntax{percentStartsStdin: true})
		commands := map[int]string{}
		for _, e := range before {
			if e.problem == "" && rapid.Bool().Draw(t, "wire") {
				e.guard, e.namesShell = Machine{}.splitGuard(e).guard, rapid.Bool().Draw(t, "named")
				command, err := w.wrapCommand(e, url, plainCommandPattern.MatchString(strings.TrimPrefix(e.command, e.guard)))
				if err != nil {
					t.Fatal(err)
				}
				commands[e.lineNumber] = command
			}
		}
		next := replaceCommands(text, before, commands)
		after := parseCrontab(next, lineSyntax{percentStartsStdin: true})
		if len(after) != len(before) {
			t.Fatalf("%d entries became %d", len(before), len(after))
		}
		old, now := bytes.Split(text, []byte("\n")), bytes.Split(next, []byte("\n"))
		for n := range old {
			if _, wired := commands[n+1]; !wired && !bytes.Equal(old[n], now[n]) {
				t.Fatalf("line %d changed from %q to %q", n+1, old[n], now[n])
			}
		}
		for i, e := range after {
			was := before[i]
			if _, wired := commands[e.lineNumber]; wired != pingPattern.MatchString(e.command) && !pingPattern.MatchString(was.command) {
				t.Fatalf("line %d: wired is %v, seen as %v", e.lineNumber, wired, !wired)
			}
			if e.prefix != was.prefix || e.schedule != was.schedule || e.stdin != was.stdin || e.problem != was.problem || unwrapCommand(e.command) != unwrapCommand(was.command) {
				t.Fatalf("line %d: %+v became %+v", e.lineNumber, was, e)
			}
		}
	})
}

func TestParseCrontab_ReadsTenThousandLines(t *testing.T) {
	var text strings.Builder
	for n := range 10000 {
		fmt.Fprintf(&text, "%d %d * * * job-%d\n", n%60, n%24, n)
	}
	if got := parseCrontab([]byte(text.String()), lineSyntax{percentStartsStdin: true}); len(got) != 10000 || got[9999].command != "job-9999" {
		t.Errorf("%d entries", len(got))
	}
}
