package discover

import (
	"cmp"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"overdue/internal/discover/crontab"
)

// guardedCommand is a command whose first part decides whether, or when, the rest runs.
type guardedCommand struct {
	guard   string        // stays in front of the ping, with everything up to the work; "" if none exists
	work    string        // the rest, which is wrapped
	delay   time.Duration // maximum sleep in front of the work
	problem string        // why the command cannot be wrapped
}

// splitGuard finds the guard in front of the work. cron ignores exit codes, so a false guard has no
// effect today. If the whole command were wrapped, a false guard would be a failure each time. A
// guard whose result is certain on this machine stays in front of the ping. Any other guard is a
// problem.
func (m Machine) splitGuard(e crontab.Entry) guardedCommand {
	g := guardedCommand{work: e.Command}
	for {
		first, operator, rest := splitFirstCommand(g.work)
		words := strings.Fields(first)
		if len(words) == 0 {
			return g
		}
		if d, ok := sleepDuration(first); ok && operator != "" {
			if operator != ";" && (operator != "&&" || !isAndChain(rest)) {
				return g
			}
			g.delay += d
			g.moveToGuard(len(g.work) - len(rest))
			continue
		}
		switch path.Base(words[0]) {
		case "flock":
			if flockGivesUpPattern.MatchString(first) {
				g.problem = "flock skips a run while another is running, and then exits like a failure; a ping behind it would hold the lock: let the job itself ping when it is done"
			}
			return g
		case "if", "case", "while", "until":
			g.problem = m.conditionalProblem(words[0], g.work)
			return g
		}
		if !isTest(words) || operator != "&&" && operator != "||" {
			return g
		}
		if problem := m.testProblem(first, operator, rest, e); problem != "" {
			g.problem = problem
			return g
		}
		g.moveToGuard(len(g.work) - len(rest))
	}
}

// moveToGuard moves the first n bytes of the work to the guard.
func (g *guardedCommand) moveToGuard(n int) {
	g.guard += g.work[:n]
	g.work = g.work[n:]
}

// testPrograms are programs that people run for their exit code.
var testPrograms = strings.Fields("test [ [[ ! command type hash which pgrep pidof grep egrep mountpoint ping systemctl id hostname nc host")

// isTest reports whether a command in front of an operator is only a test.
func isTest(words []string) bool {
	name := path.Base(words[0])
	if name == "command" || name == "type" || name == "hash" || name == "which" {
		return name != "command" || len(words) > 1 && words[1] == "-v"
	}
	if name == "systemctl" {
		return len(words) > 1 && strings.HasPrefix(words[1], "is-")
	}
	for _, test := range testPrograms {
		if name == test {
			return true
		}
	}
	return false
}

// testProblem returns why the rest cannot be monitored, or "" if the test lets it run on this
// machine.
func (m Machine) testProblem(test, operator, rest string, e crontab.Entry) string {
	passes, what, known := m.evaluateTest(test, e)
	switch {
	case !known:
		return "runs only if “" + test + "” succeeds, which is not known in advance, so a skipped run would look missed: let the job itself ping after its work"
	case passes != (operator == "&&") && strings.Contains(what, systemdRunDir):
		return "has no effect here: systemd runs it instead"
	case passes != (operator == "&&") && strings.Contains(what, "/usr/sbin/anacron"):
		return "has no effect here: anacron is installed and runs it instead"
	case passes != (operator == "&&"):
		return "has no effect here, because of “" + test + "”"
	case operator == "&&" && !isAndChain(rest), operator == "||" && !isPipeline(rest):
		return "a part of the command runs whatever “" + test + "” says, and another does not: put it into a script"
	}
	return ""
}

const systemdRunDir = "/run/systemd/system"

// fileTestPattern matches one file test.
var fileTestPattern = regexp.MustCompile(`^(?:\\?(!) )?-([xfedrs]) "?(/[A-Za-z0-9._/+-]+)"?$`)

// evaluateTest evaluates a test with the files of the machine. known is true only for tests, joined
// by -a, of files that change only when software is installed or removed.
func (m Machine) evaluateTest(test string, e crontab.Entry) (passes bool, what string, known bool) {
	text := strings.Join(strings.Fields(test), " ")
	if name, ok := programLookedUp(text); ok {
		return m.programExists(name, e.Path), name, true
	}
	switch {
	case strings.HasPrefix(text, "test "):
		text = strings.TrimPrefix(text, "test ")
	case strings.HasPrefix(text, "[ ") && strings.HasSuffix(text, " ]"):
		text = strings.TrimSuffix(strings.TrimPrefix(text, "[ "), " ]")
	case strings.HasPrefix(text, "[[ ") && strings.HasSuffix(text, " ]]"):
		text = strings.TrimSuffix(strings.TrimPrefix(text, "[[ "), " ]]")
	default:
		return false, "", false
	}
	passes = true
	for part := range strings.SplitSeq(text, " -a ") {
		found := fileTestPattern.FindStringSubmatch(part)
		if found == nil || !m.changesOnlyByInstall(found[3]) {
			return false, "", false
		}
		passes = passes && m.evaluateFileTest(found[2], found[3]) == (found[1] == "")
		what += " " + found[3]
	}
	return passes, what, true
}

// evaluateFileTest evaluates one file test of test(1).
func (m Machine) evaluateFileTest(question, file string) bool {
	if file == systemdRunDir {
		return m.hasSystemd()
	}
	about, err := os.Stat(m.readPath(file))
	switch {
	case err != nil:
		return false
	case question == "x":
		return about.Mode().Perm()&0o111 != 0
	case question == "f":
		return about.Mode().IsRegular()
	case question == "d":
		return about.IsDir()
	case question == "s":
		return about.Size() > 0
	}
	return true
}

// changesOnlyByInstall reports whether a file changes only when software is installed or removed.
func (m Machine) changesOnlyByInstall(file string) bool {
	if file == systemdRunDir {
		return true
	}
	for _, dir := range []string{"/usr/", "/bin/", "/sbin/", "/lib/", "/opt/", "/etc/"} {
		if strings.HasPrefix(file, dir) {
			return true
		}
	}
	return false
}

// hasSystemd reports whether systemd is the service manager or, for an image, whether it would be.
func (m Machine) hasSystemd() bool {
	if m.isLive() {
		return m.exists(systemdRunDir)
	}
	return m.exists("/lib/systemd/systemd") || m.exists("/usr/lib/systemd/systemd")
}

var lookupPattern = regexp.MustCompile(`^(?:command -v|which|type|hash) ([A-Za-z0-9._/+-]+)(?: ?[0-9&]?>{1,2} ?(?:/dev/null|&[0-9]))*$`)

// programLookedUp returns the program that a test such as "command -v x" looks for.
func programLookedUp(test string) (program string, ok bool) {
	found := lookupPattern.FindStringSubmatch(test)
	if found == nil {
		return "", false
	}
	return found[1], true
}

// programExists reports whether a program is in a search path.
func (m Machine) programExists(program, searchPath string) bool {
	if strings.Contains(program, "/") {
		return m.exists(program)
	}
	for dir := range strings.SplitSeq(cmp.Or(searchPath, "/usr/bin:/bin"), ":") {
		if path.IsAbs(dir) && m.exists(path.Join(dir, program)) {
			return true
		}
	}
	return false
}

// conditionalProblem returns the problem with a command that starts with a word such as if.
func (m Machine) conditionalProblem(word, command string) string {
	if strings.Contains(command, systemdRunDir) && strings.Contains(command, "! -") && m.hasSystemd() {
		return "has no effect here: systemd runs it instead"
	}
	return "begins with “" + word + "”: its exit code does not show whether it did its work; let the job itself ping after its work"
}

// flockGivesUpPattern matches a flock that exits without running its command if it does not get the lock. A flock that waits without a limit always
// runs its command.
var flockGivesUpPattern = regexp.MustCompile(`flock.* (-[A-Za-z]*[nw]|--nb|--nonblock|--timeout|--wait)`)

// sleepPatterns match the ways to wait before the work. The number is the maximum wait in seconds.
var sleepPatterns = []*regexp.Regexp{
	regexp.MustCompile(`^(?:/bin/)?sleep ([0-9]+)s?$`),
	regexp.MustCompile(`^(?:/bin/)?sleep \$\(\( ?\$?RANDOM ?\\?% ?([0-9]+) ?\)\)$`),
	regexp.MustCompile(`^(?:/usr/bin/)?perl -e '?"?sleep int\(rand\(([0-9]+)\)\);?"?'?$`),
}

var sleepMinutesPattern = regexp.MustCompile(`^(?:/bin/)?sleep ([0-9]+)m$`)

// maxSleepSeconds is the maximum that is added to a grace period.
const maxSleepSeconds = 24 * 60 * 60

// sleepDuration returns the maximum time that a command sleeps.
func sleepDuration(command string) (time.Duration, bool) {
	text := strings.Join(strings.Fields(command), " ")
	unit := time.Second
	found := sleepMinutesPattern.FindStringSubmatch(text)
	if found != nil {
		unit = time.Minute
	}
	for _, form := range sleepPatterns {
		if found == nil {
			found = form.FindStringSubmatch(text)
		}
	}
	if found == nil {
		return 0, false
	}
	n, err := strconv.Atoi(found[1])
	if err != nil || time.Duration(n)*unit > maxSleepSeconds*time.Second {
		return 0, false
	}
	return time.Duration(n) * unit, true
}
