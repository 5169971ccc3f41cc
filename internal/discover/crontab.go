package discover

import (
	"bytes"
	"regexp"
	"strings"
)

// Bounds of Debian's cron. It ignores a whole file that goes beyond one.
const (
	longestCommand = 998 // bytes, "%" and standard input included
	mostLines      = 10000
)

// entry is one line of a crontab that starts a job. head, command and input
// joined are the line.
type entry struct {
	number   int // of the line, from 1
	start    int // offset of the line in the text
	head     string
	command  string
	input    string // from the first unescaped % on: standard input of the job
	schedule string // five fields, or a word such as @daily
	user     string // only where the crontab has that column
	shell    string // what SHELL is at this line
	ownZone  string // what CRON_TZ says at this line
	problem  string // why the line is not to be touched
}

// line is the entry as it is written.
func (e entry) line() string { return e.head + e.command + e.input }

// setting is a line that puts something into the environment, as Debian's cron
// sees one: a name, which may be quoted, and an equals sign behind it.
var setting = regexp.MustCompile(`^[ \t]*("[^"]*"|'[^']*'|[^ \t="']+)[ \t]*=[ \t]*(.*?)[ \t]*$`)

// readCrontab finds the entries of a crontab. withUser says that the column after
// the schedule is a user, as in /etc/crontab. Comments, settings and empty
// lines are no entries.
func readCrontab(text []byte, withUser bool) []entry {
	var all []entry
	shell, zone := "/bin/sh", ""
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
		if name, value, ok := readSetting(trimmed); ok {
			switch name {
			case "SHELL":
				shell = value
			case "CRON_TZ":
				zone = value
			}
			continue
		}
		e := readEntry(string(line), withUser)
		e.number, e.start, e.shell, e.ownZone = number, at, shell, zone
		if e.problem == "" && !ended {
			e.problem = "the last line has no line end, so cron does not run it: add one"
		}
		all = append(all, e)
	}
	return all
}

// readSetting takes a line for a setting only where cron would.
func readSetting(line string) (name, value string, ok bool) {
	found := setting.FindStringSubmatch(strings.TrimSuffix(line, "\r"))
	if found == nil {
		return "", "", false
	}
	return unquoted(found[1]), unquoted(found[2]), true
}

// unquoted takes off one pair of quotes.
func unquoted(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}

// readEntry splits a line. Where it cannot, the whole line is the command, and
// the problem says why.
func readEntry(line string, withUser bool) entry {
	rest := &fields{text: line}
	var when []string
	columns := 5
	for len(when) < columns {
		field := rest.next()
		when = append(when, field)
		if len(when) == 1 && strings.HasPrefix(field, "@") {
			columns = 1
		}
	}
	e := entry{schedule: strings.Join(when, " ")}
	if withUser {
		e.user = rest.next()
	}
	rest.skip()
	e.head = line[:rest.at]
	e.command, e.input = cutInput(line[rest.at:])
	switch {
	case strings.IndexByte(line, 0) >= 0:
		e.problem = "the line has a NUL byte in it"
	case strings.HasSuffix(line, "\r"):
		e.problem = "the line ends in a carriage return, which cron takes for a part of the command: take it out"
	case strings.TrimSpace(e.command) == "":
		e.problem = "the line cannot be read: there is no command after the schedule"
	case len(e.command)+len(e.input) > longestCommand:
		e.problem = "the command is longer than cron takes"
	case e.schedule == "@reboot":
		e.problem = "runs when the machine starts, on no schedule"
	}
	return e
}

// fields reads words from the left.
type fields struct {
	text string
	at   int
}

func (f *fields) skip() {
	for f.at < len(f.text) && (f.text[f.at] == ' ' || f.text[f.at] == '\t') {
		f.at++
	}
}

func (f *fields) next() string {
	f.skip()
	from := f.at
	for f.at < len(f.text) && f.text[f.at] != ' ' && f.text[f.at] != '\t' {
		f.at++
	}
	return f.text[from:f.at]
}

// cutInput splits at the first % that no backslash escapes: what follows is not
// for the shell but standard input of the job (crontab(5)).
func cutInput(s string) (command, input string) {
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

// rewritten returns the text with the commands of some lines replaced. commands
// is by the number of the line.
func rewritten(text []byte, entries []entry, commands map[int]string) []byte {
	var out bytes.Buffer
	at := 0
	for _, e := range entries {
		command, ok := commands[e.number]
		if !ok {
			continue
		}
		from := e.start + len(e.head)
		out.Write(text[at:from])
		out.WriteString(command)
		at = from + len(e.command)
	}
	out.Write(text[at:])
	return out.Bytes()
}
