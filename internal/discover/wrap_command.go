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

// PingMethod says what sends the pings.
type PingMethod string

// The ways to ping.
const (
	PingWithRun  PingMethod = "run"  // "overdue run" around the job: start, end, output
	PingWithCurl PingMethod = "curl" // curl after the job: its exit code, no program of ours
)

// PingSettings is how jobs are made to ping.
type PingSettings struct {
	Method  PingMethod
	Program string // absolute path of overdue, for PingWithRun
}

// What may stand in a line that root's cron runs. The URL comes from a server and
// the path from the operator; neither may bring a word of shell, a % or a $.
var (
	safeURL  = regexp.MustCompile(`^https?://[A-Za-z0-9.:_-]+(/[A-Za-z0-9._~-]+)*$`)
	safePath = regexp.MustCompile(`^/[A-Za-z0-9._/+-]+$`)
)

// Validate refuses what could be more than a path in a line, before anything is made.
func (w PingSettings) Validate() error {
	switch {
	case w.Method == PingWithRun && !safePath.MatchString(w.Program):
		return fmt.Errorf("program %q: must be an absolute path of letters, digits and ._/+-", w.Program)
	case w.Method != PingWithRun && w.Method != PingWithCurl:
		return fmt.Errorf("wiring %q: must be run or curl", w.Method)
	}
	return nil
}

// validateWithURL refuses an address that could be more than that, too.
func (w PingSettings) validateWithURL(url string) error {
	if !safeURL.MatchString(url) {
		return errors.New("ping URL: has characters that may not stand in a crontab or a unit")
	}
	return w.Validate()
}

// The fixed parts of a wired command.
const (
	shellVariable  = `"${SHELL:-/bin/sh}"`
	saveExitCode   = "; s=$?; "
	reportExitCode = "/$s; exit $s"
	// Around both behind a guard.
	openBrace, closeBrace = "{ ", "; }"
	curlPrefix            = snippet.Curl + " "
	// systemd waits 90 seconds for a service to stop, 45 in Fedora.
	shortCurlPrefix = snippet.CurlWithinStopTimeout + " "
)

// shellCall returns the word for the shell that runs a job. If $SHELL is that shell or is not set, the line
// follows later changes of SHELL; otherwise the line names the shell.
func (e crontabEntry) shellCall() string {
	if e.namesShell {
		return firstNonEmpty(e.shell, "/bin/sh") + " -c "
	}
	return shellVariable + " -c "
}

// wrapCommand returns the command that runs e's command and pings. direct says that
// the command names a program which needs no shell to start it.
//
// The text of the command is quoted whole, never taken apart, so that pipes,
// redirections, comments and an "exit" in it mean what they meant. Quoting
// changes neither where cron sees the first % nor what a backslash escapes:
// it only adds backslashes in front of quotes. A guard stays in front.
func (w PingSettings) wrapCommand(e crontabEntry, url string, direct bool) (string, error) {
	if err := w.validateWithURL(url); err != nil {
		return "", err
	}
	work := strings.TrimPrefix(e.command, e.guard)
	command := e.shellCall() + shellQuote(work)
	if direct {
		command = work
	}
	if w.Method == PingWithRun {
		command = w.Program + " run " + url + " -- " + command
	} else if command += saveExitCode + curlPrefix + url + reportExitCode; e.guard != "" {
		command = openBrace + command + closeBrace // a run that the guard leaves out pings nothing
	}
	command = e.guard + command
	if n := len(command) + len(e.stdin); n > maxCommandLength {
		return "", fmt.Errorf("the line would be too long: its command would have %d bytes, cron takes %d; put it into a script", n, maxCommandLength)
	}
	return command, nil
}

// shellQuote makes a text one word of a POSIX shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// shellUnquote undoes quote at the beginning of s and returns what follows.
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

// plainCommandPattern is a command that means the same with and without a shell. It begins
// with a path, so it is no builtin and no assignment.
var plainCommandPattern = regexp.MustCompile(`^/[A-Za-z0-9._/+-]+( +[A-Za-z0-9._/:=@,+-]+)* *$`)

// posixShells are the shells in which 'text' is text, $? the exit code and "${SHELL:-/bin/sh}" one word.
var posixShells = []string{"sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "zsh"}

// isPOSIXShell reports whether wrap may rely on the shell of an entry.
func isPOSIXShell(shell string) bool { return slices.Contains(posixShells, path.Base(shell)) }

// pingPattern is what a wired command or unit has in it.
var pingPattern = regexp.MustCompile(`/api/v1/hb/[0-9A-Fa-f]{8}-|\boverdue (run|ping) `)

// The shapes of wrapped commands: what is in front of the program or the shell is a guard.
var (
	shellCallPattern    = `(?:"\$SHELL"|"\$\{SHELL:-/bin/sh\}"|/[A-Za-z0-9._/+-]+) -c `
	wrappedRunPattern   = regexp.MustCompile(`^((?s:.*?))/[A-Za-z0-9._/+-]+ run https?://[^ ']+ -- (` + shellCallPattern + `)?((?s:.*))$`)
	wrappedShellPattern = regexp.MustCompile(`^((?s:.*?))` + shellCallPattern + `('(?s:.*))$`)
)

// unwrapCommand returns the command inside one that wrap made; any other as it is.
// A job keeps its name when it is wired.
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
