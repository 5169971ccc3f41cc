package discover

import (
	"bytes"
	"regexp"
	"strings"
)

// Limits of Debian's cron. It ignores a whole file that exceeds one.
const (
	maxCommandLength = 998 // bytes, including "%" and standard input
	maxCrontabLines  = 10000
)

// crontabEntry is one line of a crontab that starts a job. prefix, command and stdin joined are the
// line.
type crontabEntry struct {
	lineNumber   int // from 1
	offset       int // of the line in the text
	prefix       string
	command      string
	stdin        string // from the first unescaped % on: standard input of the job
	schedule     string // five fields, or a nickname such as @daily
	user         string // only if the crontab has a user column
	problem      string // why the line must not be edited
	invalid      bool   // no cron daemon can parse the line
	unterminated bool   // last line, without a newline

	environment // set by the lines above

	loginShell string // of the user, if a daemon can use it
	guard      string // part of the command that stays in front of the ping
	namesShell bool   // the wrapped line must name the shell instead of using $SHELL
}

// environment holds the values that lines above an entry set.
type environment struct {
	shell       string // SHELL, or /bin/sh
	shellIsSet  bool   // SHELL is set
	path        string // PATH
	cronTZ      string // CRON_TZ
	randomDelay string // RANDOM_DELAY, in minutes
}

// set stores a setting.
func (s *environment) set(name, value string) {
	switch name {
	case "SHELL":
		s.shell, s.shellIsSet = value, true
	case "PATH":
		s.path = value
	case "CRON_TZ":
		s.cronTZ = value
	case "RANDOM_DELAY":
		s.randomDelay = value
	}
}

// lineSyntax describes how a daemon parses lines, as far as daemons differ.
type lineSyntax struct {
	userColumn         bool // the column after the schedule is a user, as in /etc/crontab
	percentStartsStdin bool // the first unescaped % starts standard input
	allowsEmptyValue   bool // "NAME=" is a setting
}

// Text returns the entry as it is written.
func (e crontabEntry) text() string { return e.prefix + e.command + e.stdin }

// settingPattern matches a line that sets an environment variable, as Debian's cron parses it: a
// name, which can be quoted, and an equals sign.
var settingPattern = regexp.MustCompile(`^[ \t]*("[^"]*"|'[^']*'|[^ \t="']+)[ \t]*=[ \t]*(.*?)[ \t]*$`)

// parseCrontab returns the entries of a crontab, without comments, settings and empty lines.
func parseCrontab(text []byte, how lineSyntax) []crontabEntry {
	var all []crontabEntry
	above := environment{shell: "/bin/sh"}
	number, start := 0, 0
	for start < len(text) {
		number++
		line, _, ended := bytes.Cut(text[start:], []byte("\n"))
		at := start
		start += len(line) + 1
		trimmed := strings.TrimLeft(string(line), " \t")
		if strings.Trim(trimmed, "\r") == "" || trimmed[0] == '#' {
			continue
		}
		if name, value, ok := parseSetting(trimmed, how); ok {
			above.set(name, value)
			continue
		}
		e := parseEntry(string(line), how)
		e.lineNumber, e.offset, e.environment, e.unterminated = number, at, above, !ended
		all = append(all, e)
	}
	return all
}

// parseSetting parses a line as a setting only if cron does.
func parseSetting(line string, how lineSyntax) (name, value string, ok bool) {
	found := settingPattern.FindStringSubmatch(strings.TrimSuffix(line, "\r"))
	if found == nil || found[2] == "" && !how.allowsEmptyValue {
		return "", "", false
	}
	return trimQuotes(found[1]), trimQuotes(found[2]), true
}

// trimQuotes removes one pair of quotes.
func trimQuotes(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}

// parseEntry splits a line. If that fails, the whole line is the command, and the problem says why.
func parseEntry(line string, how lineSyntax) crontabEntry {
	rest := &fieldScanner{text: line}
	var when []string
	columns := 5
	for len(when) < columns {
		field := rest.next()
		when = append(when, field)
		if len(when) == 1 && strings.HasPrefix(field, "@") {
			columns = 1
		}
	}
	e := crontabEntry{schedule: strings.Join(when, " ")}
	if how.userColumn {
		e.user = rest.next()
	}
	rest.skipBlanks()
	e.prefix, e.command = line[:rest.at], line[rest.at:]
	if how.percentStartsStdin {
		e.command, e.stdin = splitStdin(e.command)
	}
	e.problem = e.parseProblem(line)
	e.invalid = strings.TrimSpace(e.command+e.stdin) == ""
	return e
}

// parseProblem returns why a line must not be edited, whatever its schedule, or "".
func (e crontabEntry) parseProblem(line string) string {
	switch {
	case strings.IndexByte(line, 0) >= 0:
		return "the line contains a NUL byte"
	case strings.HasSuffix(line, "\r"):
		return "the line ends with a carriage return, which cron treats as part of the command: remove it"
	case strings.TrimSpace(e.command) == "":
		return "the line has no command after the schedule"
	case len(e.command)+len(e.stdin) > maxCommandLength:
		return "the command is longer than cron allows"
	case e.schedule == "@reboot":
		return "runs at startup, not on a schedule"
	}
	return ""
}

// fieldScanner reads words from the left.
type fieldScanner struct {
	text string
	at   int
}

func (f *fieldScanner) skipBlanks() {
	for f.at < len(f.text) && (f.text[f.at] == ' ' || f.text[f.at] == '\t') {
		f.at++
	}
}

func (f *fieldScanner) next() string {
	f.skipBlanks()
	from := f.at
	for f.at < len(f.text) && f.text[f.at] != ' ' && f.text[f.at] != '\t' {
		f.at++
	}
	return f.text[from:f.at]
}

// splitStdin splits a command at the first unescaped %: the text after it is standard input of the
// job (crontab(5)).
func splitStdin(s string) (command, input string) {
	escaped := false
	for i := range len(s) {
		switch {
		case escaped:
			escaped = false
		case s[i] == '\\':
			escaped = true
		case s[i] == '%':
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// replaceCommands returns the text with some commands replaced. The keys of commands are line
// numbers.
func replaceCommands(text []byte, entries []crontabEntry, commands map[int]string) []byte {
	var out bytes.Buffer
	at := 0
	for _, e := range entries {
		command, ok := commands[e.lineNumber]
		if !ok {
			continue
		}
		from := e.offset + len(e.prefix)
		out.Write(text[at:from])
		out.WriteString(command)
		at = from + len(e.command)
	}
	out.Write(text[at:])
	return out.Bytes()
}
