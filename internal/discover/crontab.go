package discover

import (
	"bytes"
	"regexp"
	"strings"
)

// Bounds of Debian's cron. It ignores a whole file that goes beyond one.
const (
	maxCommandLength = 998 // bytes, "%" and standard input included
	maxCrontabLines  = 10000
)

// crontabEntry is one line of a crontab that starts a job. head, command and input
// joined are the line.
type crontabEntry struct {
	lineNumber   int // of the line, from 1
	offset       int // offset of the line in the text
	prefix       string
	command      string
	stdin        string // from the first unescaped % on: standard input of the job
	schedule     string // five fields, or a word such as @daily
	user         string // only where the crontab has that column
	problem      string // why the line is not to be touched
	invalid      bool   // no cron can read the line
	unterminated bool   // it is the last, and has no line end

	environment // above this line

	loginShell string // that of the user, where a daemon may take it
	guard      string // the part of the command that stays in front of what pings
	namesShell bool   // the line names the shell instead of $SHELL
}

// environment are the values that lines above an entry set.
type environment struct {
	shell       string // SHELL, or /bin/sh
	shellIsSet  bool   // SHELL is set
	path        string // PATH
	cronTZ      string // CRON_TZ
	randomDelay string // RANDOM_DELAY, in minutes
}

// set takes over a setting.
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

// lineSyntax describes how a daemon reads lines, where daemons differ.
type lineSyntax struct {
	userColumn         bool // the column after the schedule is a user, as in /etc/crontab
	percentStartsStdin bool // the first unescaped % begins standard input
	allowsEmptyValue   bool // "NAME=" is a setting
}

// text is the entry as it is written.
func (e crontabEntry) text() string { return e.prefix + e.command + e.stdin }

// settingPattern is a line that puts something into the environment, as Debian's cron
// sees one: a name, which may be quoted, and an equals sign behind it.
var settingPattern = regexp.MustCompile(`^[ \t]*("[^"]*"|'[^']*'|[^ \t="']+)[ \t]*=[ \t]*(.*?)[ \t]*$`)

// parseCrontab finds the entries of a crontab. Comments, settings and empty lines
// are no entries.
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

// parseSetting takes a line for a setting only where cron would.
func parseSetting(line string, how lineSyntax) (name, value string, ok bool) {
	found := settingPattern.FindStringSubmatch(strings.TrimSuffix(line, "\r"))
	if found == nil || found[2] == "" && !how.allowsEmptyValue {
		return "", "", false
	}
	return trimQuotes(found[1]), trimQuotes(found[2]), true
}

// trimQuotes takes off one pair of quotes.
func trimQuotes(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}

// parseEntry splits a line. Where it cannot, the whole line is the command, and
// the problem says why.
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

// parseProblem returns why a line is left alone, whatever its schedule, or "".
func (e crontabEntry) parseProblem(line string) string {
	switch {
	case strings.IndexByte(line, 0) >= 0:
		return "the line has a NUL byte in it"
	case strings.HasSuffix(line, "\r"):
		return "the line ends in a carriage return, which cron takes for a part of the command: remove it"
	case strings.TrimSpace(e.command) == "":
		return "the line cannot be read: there is no command after the schedule"
	case len(e.command)+len(e.stdin) > maxCommandLength:
		return "the command is longer than cron takes"
	case e.schedule == "@reboot":
		return "runs when the machine starts, on no schedule"
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

// splitStdin splits at the first % that no backslash escapes: what follows is not
// for the shell but standard input of the job (crontab(5)).
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

// replaceCommands returns the text with the commands of some lines replaced. commands
// is by the number of the line.
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
