// Package crontab is the only place that knows how crontabs are written: it parses them as each cron
// daemon does, and replaces commands in them. It reads no files and runs no commands.
//
// The syntax is that of Debian's cron 3.0pl1-162, cronie 1.6 and 1.7, bcron 0.11, busybox 1.35 and
// systemd-cron 1.15 and 2.5; e2e/cron runs them.
package crontab

import (
	"bytes"
	"regexp"
	"strings"
)

// Limits of Debian's cron. It ignores a whole file that exceeds one.
const (
	MaxCommandLength = 998 // bytes, including "%" and standard input
	MaxLines         = 10000
)

// Entry is one line of a crontab that starts a job. prefix, command and stdin joined are the
// line.
type Entry struct {
	LineNumber   int // from 1
	Offset       int // of the line in the text
	Prefix       string
	Command      string
	Stdin        string // from the first unescaped % on: standard input of the job
	Schedule     string // five fields, or a nickname such as @daily
	User         string // only if the crontab has a user column
	Problem      string // why the line must not be edited
	Invalid      bool   // no cron daemon can parse the line
	Unterminated bool   // last line, without a newline

	Environment // set by the lines above

	LoginShell string // of the user, if a daemon can use it
	Guard      string // part of the command that stays in front of the ping
	NamesShell bool   // the wrapped line must name the shell instead of using $SHELL
}

// Environment holds the values that lines above an entry set.
type Environment struct {
	Shell       string // SHELL, or /bin/sh
	ShellIsSet  bool   // SHELL is set
	Path        string // PATH
	CronTZ      string // CRON_TZ
	RandomDelay string // RANDOM_DELAY, in minutes
}

// set stores a setting.
func (s *Environment) set(name, value string) {
	switch name {
	case "SHELL":
		s.Shell, s.ShellIsSet = value, true
	case "PATH":
		s.Path = value
	case "CRON_TZ":
		s.CronTZ = value
	case "RANDOM_DELAY":
		s.RandomDelay = value
	}
}

// LineSyntax describes how a daemon parses lines, as far as daemons differ.
type LineSyntax struct {
	UserColumn         bool // the column after the schedule is a user, as in /etc/crontab
	PercentStartsStdin bool // the first unescaped % starts standard input
	AllowsEmptyValue   bool // "NAME=" is a setting
}

// Text returns the entry as it is written.
func (e Entry) Text() string { return e.Prefix + e.Command + e.Stdin }

// settingPattern matches a line that sets an environment variable, as Debian's cron parses it: a
// name, which can be quoted, and an equals sign.
var settingPattern = regexp.MustCompile(`^[ \t]*("[^"]*"|'[^']*'|[^ \t="']+)[ \t]*=[ \t]*(.*?)[ \t]*$`)

// Parse returns the entries of a crontab, without comments, settings and empty lines.
func Parse(text []byte, how LineSyntax) []Entry {
	var all []Entry
	above := Environment{Shell: "/bin/sh"}
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
		e.LineNumber, e.Offset, e.Environment, e.Unterminated = number, at, above, !ended
		all = append(all, e)
	}
	return all
}

// parseSetting parses a line as a setting only if cron does.
func parseSetting(line string, how LineSyntax) (name, value string, ok bool) {
	found := settingPattern.FindStringSubmatch(strings.TrimSuffix(line, "\r"))
	if found == nil || found[2] == "" && !how.AllowsEmptyValue {
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
func parseEntry(line string, how LineSyntax) Entry {
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
	e := Entry{Schedule: strings.Join(when, " ")}
	if how.UserColumn {
		e.User = rest.next()
	}
	rest.skipBlanks()
	e.Prefix, e.Command = line[:rest.at], line[rest.at:]
	if how.PercentStartsStdin {
		e.Command, e.Stdin = SplitStdin(e.Command)
	}
	e.Problem = e.parseProblem(line)
	e.Invalid = strings.TrimSpace(e.Command+e.Stdin) == ""
	return e
}

// parseProblem returns why a line must not be edited, whatever its schedule, or "".
func (e Entry) parseProblem(line string) string {
	switch {
	case strings.IndexByte(line, 0) >= 0:
		return "the line contains a NUL byte"
	case strings.HasSuffix(line, "\r"):
		return "the line ends with a carriage return, which cron treats as part of the command: remove it"
	case strings.TrimSpace(e.Command) == "":
		return "the line has no command after the schedule"
	case len(e.Command)+len(e.Stdin) > MaxCommandLength:
		return "the command is longer than cron allows"
	case e.Schedule == "@reboot":
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

// SplitStdin splits a command at the first unescaped %: the text after it is standard input of the
// job (crontab(5)).
func SplitStdin(s string) (command, input string) {
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

// ReplaceCommands returns the text with some commands replaced. The keys of commands are line
// numbers.
func ReplaceCommands(text []byte, entries []Entry, commands map[int]string) []byte {
	var out bytes.Buffer
	at := 0
	for _, e := range entries {
		command, ok := commands[e.LineNumber]
		if !ok {
			continue
		}
		from := e.Offset + len(e.Prefix)
		out.Write(text[at:from])
		out.WriteString(command)
		at = from + len(e.Command)
	}
	out.Write(text[at:])
	return out.Bytes()
}
