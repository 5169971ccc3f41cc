package ingest

import (
	"fmt"
	"strconv"
	"strings"

	"overdue/internal/monitor"
)

// claim is what one word of a request says about the outcome of a run. The zero
// claim says nothing.
type claim struct {
	kind monitor.PingKind
	exit int
	// ended marks a word such as "completed", which says that the run ended, but
	// not how. It counts as a success unless another word says more.
	ended bool
	word  string // as in the request, such as "/fail" or "status=down"
}

// outcomes are the words, in lower case, that clients of this and of other monitors
// send for an outcome, in paths and as values.
var outcomes = map[string]claim{
	// Healthchecks, Cronitor, Cronhub, Better Stack, Sentry, and Overdue itself
	"start": {kind: monitor.Start}, "run": {kind: monitor.Start}, "in_progress": {kind: monitor.Start},
	"ok": {kind: monitor.Success}, "tick": {kind: monitor.Success}, "success": {kind: monitor.Success},
	"complete": {kind: monitor.Success, ended: true}, "finish": {kind: monitor.Success, ended: true},
	"fail": {kind: monitor.Fail}, "error": {kind: monitor.Fail}, "log": {kind: monitor.Log},
	// Uptime Kuma
	"up": {kind: monitor.Success}, "down": {kind: monitor.Fail},
	// Forms of the same words, as people write them in scripts and CI systems send them
	"started": {kind: monitor.Start}, "running": {kind: monitor.Start}, "in-progress": {kind: monitor.Start},
	"succeeded": {kind: monitor.Success}, "successful": {kind: monitor.Success}, "passed": {kind: monitor.Success}, "pass": {kind: monitor.Success},
	"healthy": {kind: monitor.Success}, "unhealthy": {kind: monitor.Fail},
	"completed": {kind: monitor.Success, ended: true}, "finished": {kind: monitor.Success, ended: true}, "done": {kind: monitor.Success, ended: true},
	"failed": {kind: monitor.Fail}, "failure": {kind: monitor.Fail}, "failing": {kind: monitor.Fail}, "errored": {kind: monitor.Fail}, "ko": {kind: monitor.Fail},
	"critical": {kind: monitor.Fail}, "crashed": {kind: monitor.Fail}, "aborted": {kind: monitor.Fail}, "timeout": {kind: monitor.Fail}, "timed_out": {kind: monitor.Fail},
}

// wordKind is how the value of a parameter is read.
type wordKind int

const (
	named    wordKind = iota + 1 // one of outcomes
	exitCode                     // a number: 0 is a success, all others are failures
	succeeds                     // true: a success; false: a failure
	fails                        // true: a failure; false: a success
	inQuery                      // added to kinds that count in a query only, not in a body
)

// words are the parameters and JSON members that say how a run ended.
// docs/manual/integrations.md lists the products that send them.
var words = map[string]wordKind{
	"status": named, "state": named, "conclusion": named, "result": named + inQuery, "outcome": named + inQuery,
	"exit_code": exitCode, "exitcode": exitCode, "exit_status": exitCode, "exitstatus": exitCode, "status_code": exitCode,
	"exit": exitCode + inQuery, "rc": exitCode + inQuery, "s": exitCode + inQuery,
	"success": succeeds, "ok": succeeds,
	"failed": fails, "failure": fails + inQuery, "fail": fails + inQuery, "error": fails + inQuery,
}

// allowed describes the values of each kind of word, for errors.
var allowed = map[wordKind]string{
	named:    "one of up, ok, success, complete, down, fail, error, start, run, in_progress or log",
	exitCode: "an exit code such as 0 or 1",
	succeeds: "true, false, 1 or 0",
	fails:    "true, false, 1 or 0",
}

// truths are the values of words that are true or false.
var truths = map[string]bool{"true": true, "1": true, "yes": true, "false": false, "0": false, "no": false}

// understand returns what a word with a value says. known is false for words that
// say nothing about the outcome.
func understand(word, value string, body bool) (c claim, known bool, err error) {
	kind := words[word]
	if kind >= inQuery {
		if kind -= inQuery; body {
			return claim{}, false, nil
		}
	}
	if kind == 0 {
		return claim{}, false, nil
	}
	lower, ok := strings.ToLower(strings.TrimSpace(value)), true
	switch kind {
	case named:
		c, ok = outcomes[lower]
		c.exit = monitor.NoExitCode
	case exitCode:
		if word == "s" && lower == "" {
			lower = "0" // Dead Man's Snitch: an empty status is a success
		}
		c, ok = exitClaim(lower)
	default:
		var yes bool
		yes, ok = truths[lower]
		c = claim{kind: monitor.Fail, exit: monitor.NoExitCode}
		if yes == (kind == succeeds) {
			c.kind = monitor.Success
		}
	}
	if c.word = word + "=" + shown(value); !ok {
		return claim{}, true, fmt.Errorf("unknown outcome %s: %s must be %s", c.word, word, allowed[kind])
	}
	return c, true, nil
}

// exitClaim reads an exit code that a program reports. Codes outside 0 to 255, as
// on Windows, are failures, and the code is not kept.
func exitClaim(value string) (claim, bool) {
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil:
		return claim{}, false
	case n == 0:
		return claim{kind: monitor.Success, exit: 0}, true
	case n < 0 || n > 255:
		return claim{kind: monitor.Fail, exit: monitor.NoExitCode}, true
	}
	return claim{kind: monitor.Fail, exit: int(n)}, true
}

// and returns what two words of one request say together. Words that contradict
// each other are an error: either could be meant.
func (c claim) and(other claim) (claim, error) {
	switch {
	case c.kind == "":
		return other, nil
	case other.kind == "":
		return c, nil
	case c.ended && (other.kind == monitor.Fail || other.kind == monitor.Success):
		return other, nil
	case other.ended && (c.kind == monitor.Fail || c.kind == monitor.Success):
		return c, nil
	case c.kind != other.kind, c.exit >= 0 && other.exit >= 0 && c.exit != other.exit:
		return claim{}, fmt.Errorf("contradiction: %s says %s, but %s says %s; send only one of them", c.word, c.says(), other.word, other.says())
	case c.exit < 0:
		return other, nil
	}
	return c, nil
}

// says describes a claim for errors.
func (c claim) says() string {
	switch {
	case c.exit > 0:
		return fmt.Sprintf("failure with exit code %d", c.exit)
	case c.kind == monitor.Fail:
		return "failure"
	}
	return string(c.kind)
}

// maxShown is the maximum length of a value in an error.
const maxShown = 40

// shown returns a value for an error of one line, shortened.
func shown(value string) string {
	if len(value) > maxShown {
		value = value[:maxShown] + "…"
	}
	quoted := strconv.Quote(value)
	return quoted[1 : len(quoted)-1]
}
