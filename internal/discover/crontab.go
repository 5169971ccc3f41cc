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
	problem  string // why the line is not to be touched
	invalid  bool   // no cron can read the line
	unended  bool   // it is the last, and has no line end

	settings // above this line

	loginShell string // that of the user, where a daemon may take it
	guard      string // the part of the command that stays in front of what pings
	named      bool   // the line names the shell instead of $SHELL
}

// settings are the values that lines above an entry set.
type settings struct {
	shell    string // SHELL, or /bin/sh
	ownShell bool   // SHELL is set
	path     string // PATH
	ownZone  string // CRON_TZ
	delay    string // RANDOM_DELAY, in minutes
}

// set takes over a setting.
func (s *settings) set(name, value string) {
	switch name {
	case "SHELL":
		s.shell, s.ownShell = value, true
	case "PATH":
		s.path = value
	case "CRON_TZ":
		s.ownZone = value
	case "RANDOM_DELAY":
		s.delay = value
	}
}

// syntax describes how a daemon reads lines, where daemons differ.
type syntax struct {
	withUser   bool // the column after the schedule is a user, as in /etc/crontab
	percent    bool // the first unescaped % begins standard input
	emptyValue bool // "NAME=" is a setting
}

// line is the entry as it is written.
func (e entry) line() string { return e.head + e.command + e.input }

// setting is a line that puts something into the environment, as Debian's cron
// sees one: a name, which may be quoted, and an equals sign behind it.
var setting = regexp.MustCompile(`^[ \t]*("[^"]*"|'[^']*'|[^ \t="']+)[ \t]*=[ \t]*(.*?)[ \t]*$`)

// readCrontab finds the entries of a crontab. Comments, settings and empty lines
// are no entries.
func readCrontab(text []byte, how syntax) []entry {
	var all []entry
	above := settings{shell: "/bin/sh"}
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
		if name, value, ok := readSetting(trimmed, how); ok {
			above.set(name, value)
			continue
		}
		e := readEntry(string(line), how)
		e.number, e.start, e.settings, e.unended = number, at, above, !ended
		all = append(all, e)
	}
	return all
}

// readSetting takes a line for a setting only where cron would.
func readSetting(line string, how syntax) (name, value string, ok bool) {
	found := setting.FindStringSubmatch(strings.TrimSuffix(line, "\r"))
	if found == nil || found[2] == "" && !how.emptyValue {
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
func readEntry(line string, how syntax) entry {
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
	if how.withUser {
		e.user = rest.next()
	}
	rest.skip()
	e.head, e.command = line[:rest.at], line[rest.at:]
	if how.percent {
		e.command, e.input = cutInput(e.command)
	}
	e.problem = e.unreadable(line)
	e.invalid = strings.TrimSpace(e.command+e.input) == ""
	return e
}

// unreadable returns why a line is left alone, whatever its schedule, or "".
func (e entry) unreadable(line string) string {
	switch {
	case strings.IndexByte(line, 0) >= 0:
		return "the line has a NUL byte in it"
	case strings.HasSuffix(line, "\r"):
		return "the line ends in a carriage return, which cron takes for a part of the command: remove it"
	case strings.TrimSpace(e.command) == "":
		return "the line cannot be read: there is no command after the schedule"
	case len(e.command)+len(e.input) > longestCommand:
		return "the command is longer than cron takes"
	case e.schedule == "@reboot":
		return "runs when the machine starts, on no schedule"
	}
	return ""
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
