package discover

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"overdue/internal/discover/crontab"
)

func TestParse_FindsTheEntriesThatDebianCronFinds(t *testing.T) {
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
		"boot":                     {"@reboot x\n", false, []string{"@reboot||x||/bin/sh|runs at startup, not on a schedule"}},
		"no command":               {"0 3 * * *\n", false, []string{"0 3 * * *||||/bin/sh|the line has no command after the schedule"}},
		"user but no command":      {"0 3 * * * root\n", true, []string{"0 3 * * *|root|||/bin/sh|the line has no command after the schedule"}},
		"input but no command":     {"0 3 * * * %x\n", false, []string{"0 3 * * *|||%x|/bin/sh|the line has no command after the schedule"}},
		"no line end":              {"0 3 * * * x", false, []string{"0 3 * * *||x||/bin/sh|"}},
		"carriage return":          {"0 3 * * * x\r\nA=b\r\n", false, []string{"0 3 * * *||x\r||/bin/sh|the line ends with a carriage return, which cron treats as part of the command: remove it"}},
		"NUL":                      {"0 3 * * * x\x00y\n", false, []string{"0 3 * * *||x\x00y||/bin/sh|the line contains a NUL byte"}},
		"not UTF-8":                {"0 3 * * * x\xff\xfe\n", false, []string{"0 3 * * *||x\xff\xfe||/bin/sh|"}},
	} {
		var got []string
		for _, e := range crontab.Parse([]byte(c.text), crontab.LineSyntax{UserColumn: c.withUser, PercentStartsStdin: true}) {
			got = append(got, strings.Join([]string{e.Schedule, e.User, e.Command, e.Stdin, e.Shell, e.Problem}, "|"))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParse_LimitsTheCommandLengthAsDebianCronDoes(t *testing.T) {
	for size, readable := range map[int]bool{998: true, 999: false, 1 << 20: false} {
		text := "0 3 * * * " + strings.Repeat("x", size) + "\n0 4 * * * y\n"
		got := crontab.Parse([]byte(text), crontab.LineSyntax{PercentStartsStdin: true})
		if len(got) != 2 || (got[0].Problem == "") != readable || got[1].Problem != "" {
			t.Errorf("%d bytes: %d entries, readable %v; want %v", size, len(got), got[0].Problem == "", readable)
		}
	}
}

func TestParse_AcceptsAnyBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.SampledFrom([]byte("0*@#%\\'\"=\t \r\n\x00\xff$a/-,;&|(){}"))).Draw(t, "text")
		withUser := rapid.Bool().Draw(t, "withUser")
		for _, e := range crontab.Parse(text, crontab.LineSyntax{UserColumn: withUser, PercentStartsStdin: true}) {
			if line := e.Text(); !bytes.HasPrefix(text[e.Offset:], []byte(line)) {
				t.Fatalf("line %d is read as %q; the text is %q", e.LineNumber, line, text)
			}
			commandLabel(e.Command)
			_ = unwrapCommand(e.Command)
			if g := (Machine{Root: "/nonexistent"}).splitGuard(e); g.guard+g.work != e.Command {
				t.Fatalf("%q is taken apart into %q and %q", e.Command, g.guard, g.work)
			}
			for _, r := range crontab.KnownDaemons {
				if got := r.ParseSchedule(strings.Fields(e.Schedule), "UTC", noon); (got.Problem == "") != (len(got.Cron)+len(got.OnCalendar) == 1) {
					t.Fatalf("%s reads %q as %+v", r.Daemon, e.Schedule, got)
				}
			}
		}
	})
}

func TestParse_ReadsTenThousandLines(t *testing.T) {
	var text strings.Builder
	for n := range 10000 {
		fmt.Fprintf(&text, "%d %d * * * job-%d\n", n%60, n%24, n)
	}
	if got := crontab.Parse([]byte(text.String()), crontab.LineSyntax{PercentStartsStdin: true}); len(got) != 10000 || got[9999].Command != "job-9999" {
		t.Errorf("%d entries", len(got))
	}
}
