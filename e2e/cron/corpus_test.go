//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Typical crontab lines with realistic frequencies.
var (
	minutes  = []string{"0", "30", "5", "*/5", "*/20", "*/15", "*/10", "17", "0,30", "*", "00", "0-59/10", "7,22,37,52"}
	hours    = []string{"*", "3", "03", "4", "*/2", "0-6", "2,14", "23", "8-18"}
	dates    = []string{"*", "*", "*", "*", "1", "1-7", "*/2", "15,30"}
	months   = []string{"*", "*", "*", "*", "1", "jan", "*/3", "oct-dec"}
	weekdays = []string{"*", "*", "*", "0", "1-5", "mon-fri", "7", "5-7", "sat,sun"}
	// Lines that Debian's cron interprets differently, or rejects.
	unsupportedSyntax = []string{"fri-sun", "5#2", "mon#1", "0~30", "~", "L", "15W", "friL", "60", "5/15", "22-4", "1?", "?", "H", "*-5", "monday", "1,,2", "1-", "*/0x", "@Daily", "99"}

	nicknames    = []string{"@hourly", "@daily", "@weekly", "@monthly", "@reboot", "@midnight"}
	otherLines   = []string{"MAILTO=\"\"", "MAILTO=ops@example.org", "PATH=/usr/bin:/bin", "SHELL=/bin/bash", "# a comment", "", "A = b c"}
	invalidLines = []string{"MAILTO=", "export A=b", "not a line", "0 10 4"}
	programs     = []string{
		"/usr/bin/backup --full", "cd /srv/app && php artisan schedule:run >> /dev/null 2>&1", "[ -x /bin/sh ] && /bin/sh -c true",
		"pg_dump shop | gzip > /b/shop-$(date +\\%F).gz", "mail -s hi bob%Hello,%%Bye", "flock -n /tmp/l /opt/job", "test -f /tmp/x && /opt/y", "echo \"it's\" 'a b'; exit 3",
		"sleep 30; /opt/x", "{ /opt/a; /opt/b; } > /dev/null", "/opt/x # a comment", "A=1 B='2' /opt/x", "if test -e /x; then /opt/y; fi", "tar cf - / | ssh b 'cat > x'",
	}
)

// pickOne returns one item of a list.
func pickOne(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

// generateSchedule generates the fields of a line. One in six is unusual.
func generateSchedule(r *rand.Rand) string {
	if r.IntN(12) == 0 {
		return pickOne(r, nicknames)
	}
	fields := []string{pickOne(r, minutes), pickOne(r, hours), pickOne(r, dates), pickOne(r, months), pickOne(r, weekdays)}
	if r.IntN(6) == 0 {
		fields[r.IntN(5)] = pickOne(r, unsupportedSyntax)
	}
	return strings.Join(fields, pickOne(r, []string{" ", " ", "\t", "  "}))
}

// generateCrontab generates a crontab of a few lines. In withUser the lines have a user column, in
// plain they do not: cron reads the former, and crontab(1) checks the latter.
func generateCrontab(r *rand.Rand) (withUser, plain string) {
	for range 1 + r.IntN(5) {
		switch n := r.IntN(20); {
		case n < 5:
			line := pickOne(r, otherLines) + "\n"
			withUser, plain = withUser+line, plain+line
		case n == 5 && r.IntN(4) == 0:
			line := pickOne(r, invalidLines) + "\n"
			withUser, plain = withUser+line, plain+line
		default:
			when, command := generateSchedule(r), pickOne(r, programs)
			withUser += when + " root " + command + "\n"
			plain += when + " " + command + "\n"
		}
	}
	if r.IntN(12) == 0 {
		withUser, plain = strings.TrimSuffix(withUser, "\n"), strings.TrimSuffix(plain, "\n")
	}
	return withUser, plain
}

// withoutUser removes the user column, so that crontab(1) can check the file.
func withoutUser(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.Replace(line, " root ", " ", 1))
	}
	return b.String()
}

// checkAll is a script that prints the name of each file of a directory and the result of crontab
// -n.
func checkAll(program, dir string) string {
	return fmt.Sprintf(`for f in %s/*; do if %s -n "$f" >/dev/null 2>&1; then echo "$(basename "$f") good"; else echo "$(basename "$f") bad"; fi; done`, dir, program)
}
