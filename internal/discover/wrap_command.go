package discover

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"overdue/internal/discover/crontab"
	"overdue/internal/snippet"
)

// PingMethod describes what sends the pings.
type PingMethod string

// The ways to ping.
const (
	PingWithRun  PingMethod = "run"  // "overdue run" around the job: start, end, output
	PingWithCurl PingMethod = "curl" // curl after the job: exit code only, without our program
)

// PingSettings describes how jobs ping.
type PingSettings struct {
	Method  PingMethod
	Program string // absolute path of overdue, for PingWithRun
}

// The URL comes from a server and the path from the operator, and root's cron runs the line. So
// neither can contain shell syntax, a % or a $.
var (
	safeURL  = regexp.MustCompile(`^https?://[A-Za-z0-9.:_-]+(/[A-Za-z0-9._~-]+)*$`)
	safePath = regexp.MustCompile(`^/[A-Za-z0-9._/+-]+$`)
)

// Validate rejects settings that could add shell syntax to a line.
func (w PingSettings) Validate() error {
	switch {
	case w.Method == PingWithRun && !safePath.MatchString(w.Program):
		return fmt.Errorf("program %q: must be an absolute path of letters, digits and ._/+-", w.Program)
	case w.Method != PingWithRun && w.Method != PingWithCurl:
		return fmt.Errorf("method %q: must be run or curl", w.Method)
	}
	return nil
}

// validateWithURL also rejects a URL that could do so.
func (w PingSettings) validateWithURL(url string) error {
	if !safeURL.MatchString(url) {
		return errors.New("ping URL: contains characters that are not allowed in a crontab or a unit")
	}
	return w.Validate()
}

// The fixed parts of a wrapped command.
const (
	shellVariable  = `"${SHELL:-/bin/sh}"`
	saveExitCode   = "; s=$?; "
	reportExitCode = "/$s; exit $s"
	// Around both after a guard.
	openBrace, closeBrace = "{ ", "; }"
	curlPrefix            = snippet.Curl + " "
	// systemd waits 90 seconds for a service to stop, 45 in Fedora.
	shortCurlPrefix = snippet.CurlWithinStopTimeout + " "
)

// shellCall returns the call of the shell that runs a job. If $SHELL is that shell or is not set,
// the line follows later changes of SHELL. Otherwise the line names the shell.
func shellCall(e crontab.Entry) string {
	if e.NamesShell {
		return cmp.Or(e.Shell, "/bin/sh") + " -c "
	}
	return shellVariable + " -c "
}

// wrapCommand returns the command that runs the command of e and pings. direct says that the
// command needs no shell.
//
// The text of the command is quoted as a whole, never split, so pipes, redirections, comments and
// "exit" keep their meaning. Quoting does not move the first % and does not change what a backslash
// escapes: it only adds backslashes in front of quotes. A guard stays in front.
func (w PingSettings) wrapCommand(e crontab.Entry, url string, direct bool) (string, error) {
	if err := w.validateWithURL(url); err != nil {
		return "", err
	}
	work := strings.TrimPrefix(e.Command, e.Guard)
	command := shellCall(e) + shellQuote(work)
	if direct {
		command = work
	}
	if w.Method == PingWithRun {
		command = w.Program + " run " + url + " -- " + command
	} else if command += saveExitCode + curlPrefix + url + reportExitCode; e.Guard != "" {
		command = openBrace + command + closeBrace // a run that the guard skips sends no ping
	}
	command = e.Guard + command
	if n := len(command) + len(e.Stdin); n > crontab.MaxCommandLength {
		return "", fmt.Errorf("the line would be too long: its command would have %d bytes, and cron allows %d; put it into a script", n, crontab.MaxCommandLength)
	}
	return command, nil
}

// shellQuote quotes a text as one word of a POSIX shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// shellUnquote reverses shellQuote at the start of s and returns the rest.
func shellUnquote(s string) (text, rest string, err error) {
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

// plainCommandPattern matches a command that means the same with and without a shell. It starts
// with a path, so it is neither a builtin nor an assignment.
var plainCommandPattern = regexp.MustCompile(`^/[A-Za-z0-9._/+-]+( +[A-Za-z0-9._/:=@,+-]+)* *$`)

// posixShells are the shells in which 'text' is text, $? the exit code and "${SHELL:-/bin/sh}" one
// word.
var posixShells = []string{"sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "zsh"}

// isPOSIXShell reports whether wrapCommand supports the shell of an entry.
func isPOSIXShell(shell string) bool { return slices.Contains(posixShells, path.Base(shell)) }

// pingPattern matches a command or unit that already pings.
var pingPattern = regexp.MustCompile(`/api/v1/hb/[0-9A-Fa-f]{8}-|\boverdue (run|ping) `)

// The forms of wrapped commands. Text in front of the program or the shell is a guard.
var (
	shellCallPattern    = `(?:"\$SHELL"|"\$\{SHELL:-/bin/sh\}"|/[A-Za-z0-9._/+-]+) -c `
	wrappedRunPattern   = regexp.MustCompile(`^((?s:.*?))/[A-Za-z0-9._/+-]+ run https?://[^ ']+ -- (` + shellCallPattern + `)?((?s:.*))$`)
	wrappedShellPattern = regexp.MustCompile(`^((?s:.*?))` + shellCallPattern + `('(?s:.*))$`)
)

// unwrapCommand returns the command inside a wrapped one, and any other command unchanged. A job
// keeps its name when it is wrapped.
func unwrapCommand(command string) string {
	if found := wrappedRunPattern.FindStringSubmatch(command); found != nil {
		if text, rest, err := shellUnquote(found[3]); found[2] != "" && err == nil {
			return found[1] + text + rest
		}
		return found[1] + found[3]
	}
	before, after, ok := strings.Cut(command, saveExitCode+curlPrefix)
	after, guarded := strings.CutSuffix(after, closeBrace)
	if !ok || !strings.HasSuffix(after, reportExitCode) {
		return command
	}
	guard, work := "", before
	if found := wrappedShellPattern.FindStringSubmatch(before); found != nil {
		if text, rest, err := shellUnquote(found[2]); err == nil && rest == "" {
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
