package discover

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"overdue/internal/snippet"
)

// With says what sends the pings.
type With string

// The ways to ping.
const (
	WithRun  With = "run"  // "overdue run" around the job: start, end, output
	WithCurl With = "curl" // curl after the job: its exit code, no program of ours
)

// Wiring is how jobs are made to ping.
type Wiring struct {
	With    With
	Program string // absolute path of overdue, for WithRun
}

// What may stand in a line that root's cron runs. The URL comes from a server and
// the path from the operator; neither may bring a word of shell, a % or a $.
var (
	tameURL  = regexp.MustCompile(`^https?://[A-Za-z0-9.:_-]+(/[A-Za-z0-9._~-]+)*$`)
	tamePath = regexp.MustCompile(`^/[A-Za-z0-9._/+-]+$`)
)

// Check refuses what could be more than a path in a line, before anything is made.
func (w Wiring) Check() error {
	switch {
	case w.With == WithRun && !tamePath.MatchString(w.Program):
		return fmt.Errorf("program %q: must be an absolute path of letters, digits and ._/+-", w.Program)
	case w.With != WithRun && w.With != WithCurl:
		return fmt.Errorf("wiring %q: must be run or curl", w.With)
	}
	return nil
}

// check refuses an address that could be more than that, too.
func (w Wiring) check(url string) error {
	if !tameURL.MatchString(url) {
		return errors.New("ping URL: has characters that may not stand in a crontab or a unit")
	}
	return w.Check()
}

// The fixed parts of a wired command.
const (
	shellWord = `"${SHELL:-/bin/sh}"`
	keepCode  = "; s=$?; "
	giveCode  = "/$s; exit $s"
	// Around both behind a guard.
	openBrace, closeBrace = "{ ", "; }"
	curlWords             = snippet.Curl + " "
	// systemd waits 90 seconds for a service to stop, 45 in Fedora.
	curlBriefly = snippet.CurlBriefly + " "
)

// callShell returns the word for the shell that runs a job. If $SHELL is that shell or is not set, the line
// follows later changes of SHELL; otherwise the line names the shell.
func (e entry) callShell() string {
	if e.named {
		return firstOf(e.shell, "/bin/sh") + " -c "
	}
	return shellWord + " -c "
}

// wrap returns the command that runs e's command and pings. direct says that
// the command names a program which needs no shell to start it.
//
// The text of the command is quoted whole, never taken apart, so that pipes,
// redirections, comments and an "exit" in it mean what they meant. Quoting
// changes neither where cron sees the first % nor what a backslash escapes:
// it only adds backslashes in front of quotes. A guard stays in front.
func (w Wiring) wrap(e entry, url string, direct bool) (string, error) {
	if err := w.check(url); err != nil {
		return "", err
	}
	work := strings.TrimPrefix(e.command, e.guard)
	command := e.callShell() + quote(work)
	if direct {
		command = work
	}
	if w.With == WithRun {
		command = w.Program + " run " + url + " -- " + command
	} else if command += keepCode + curlWords + url + giveCode; e.guard != "" {
		command = openBrace + command + closeBrace // a run that the guard leaves out pings nothing
	}
	command = e.guard + command
	if n := len(command) + len(e.input); n > longestCommand {
		return "", fmt.Errorf("the line would be too long: its command would have %d bytes, cron takes %d; put it into a script", n, longestCommand)
	}
	return command, nil
}

// quote makes a text one word of a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// unquote undoes quote at the beginning of s and returns what follows.
func unquote(s string) (text, rest string, err error) {
	var b strings.Builder
	for {
		if !strings.HasPrefix(s, "'") {
			return "", "", errNotQuoted
		}
		part, after, ok := strings.Cut(s[1:], "'")
		if !ok {
			return "", "", errNotQuoted
		}
		b.WriteString(part)
		next, more := strings.CutPrefix(after, `\'`)
		if !more {
			return b.String(), after, nil
		}
		b.WriteByte('\'')
		s = next
	}
}

var errNotQuoted = errors.New("quoted text: does not begin or end with a quote")

// wordsOnly is a command that means the same with and without a shell. It begins
// with a path, so it is no builtin and no assignment.
var wordsOnly = regexp.MustCompile(`^/[A-Za-z0-9._/+-]+( +[A-Za-z0-9._/:=@,+-]+)* *$`)

// shells are the shells in which 'text' is text, $? the exit code and "${SHELL:-/bin/sh}" one word.
var shells = []string{"sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "zsh"}

// knownShell reports whether wrap may rely on the shell of an entry.
func knownShell(shell string) bool { return slices.Contains(shells, path.Base(shell)) }

// pings is what a wired command or unit has in it.
var pings = regexp.MustCompile(`/api/v1/hb/[0-9A-Fa-f]{8}-|\boverdue (run|ping) `)

// The shapes of wrapped commands: what is in front of the program or the shell is a guard.
var (
	shellForms   = `(?:"\$SHELL"|"\$\{SHELL:-/bin/sh\}"|/[A-Za-z0-9._/+-]+) -c `
	wrappedRun   = regexp.MustCompile(`^((?s:.*?))/[A-Za-z0-9._/+-]+ run https?://[^ ']+ -- (` + shellForms + `)?((?s:.*))$`)
	wrappedShell = regexp.MustCompile(`^((?s:.*?))` + shellForms + `('(?s:.*))$`)
)

// unwrapped returns the command inside one that wrap made; any other as it is.
// A job keeps its name when it is wired.
func unwrapped(command string) string {
	if found := wrappedRun.FindStringSubmatch(command); found != nil {
		if text, rest, err := unquote(found[3]); found[2] != "" && err == nil {
			return found[1] + text + rest
		}
		return found[1] + found[3]
	}
	before, after, ok := strings.Cut(command, keepCode+curlWords)
	after, guarded := strings.CutSuffix(after, closeBrace)
	if !ok || !strings.HasSuffix(after, giveCode) {
		return command
	}
	guard, work := "", before
	if found := wrappedShell.FindStringSubmatch(before); found != nil {
		if text, rest, err := unquote(found[2]); err == nil && rest == "" {
			guard, work = found[1], text
		}
	} else if at := strings.LastIndex(before, openBrace); guarded && at >= 0 {
		guard, work = before[:at+len(openBrace)], before[at+len(openBrace):]
	}
	if guarded {
		guard = strings.TrimSuffix(guard, openBrace)
	}
	return guard + work
}
