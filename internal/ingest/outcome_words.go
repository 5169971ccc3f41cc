package ingest

import (
	"fmt"
	"strconv"
	"strings"

	"overdue/internal/monitor"
)

// outcomeClaim is the outcome of a run according to one word of a request. The zero
// value has no outcome.
type outcomeClaim struct {
	kind monitor.PingKind
	exit int
	// ended marks a word such as "completed": the run ended, but the word does
	// not say how. It counts as a success unless another word says otherwise.
	ended bool
	word  string // as in the request, such as "/fail" or "status=down"
}

// outcomeWords are the words for outcomes, in lower case, that clients of this and
// other monitors send in paths and as values.
var outcomeWords = map[string]outcomeClaim{
	// Healthchecks, Cronitor, Cronhub, Better Stack, Sentry, and Overdue itself
	"start": {kind: monitor.PingStart}, "run": {kind: monitor.PingStart}, "in_progress": {kind: monitor.PingStart},
	"ok": {kind: monitor.PingSuccess}, "tick": {kind: monitor.PingSuccess}, "success": {kind: monitor.PingSuccess},
	"complete": {kind: monitor.PingSuccess, ended: true}, "finish": {kind: monitor.PingSuccess, ended: true},
	"fail": {kind: monitor.PingFail}, "error": {kind: monitor.PingFail}, "log": {kind: monitor.PingLog},
	// Uptime Kuma
	"up": {kind: monitor.PingSuccess}, "down": {kind: monitor.PingFail},
	// Other forms of these words, from scripts and CI systems
	"started": {kind: monitor.PingStart}, "running": {kind: monitor.PingStart}, "in-progress": {kind: monitor.PingStart},
	"succeeded": {kind: monitor.PingSuccess}, "successful": {kind: monitor.PingSuccess}, "passed": {kind: monitor.PingSuccess}, "pass": {kind: monitor.PingSuccess},
	"healthy": {kind: monitor.PingSuccess}, "unhealthy": {kind: monitor.PingFail},
	"completed": {kind: monitor.PingSuccess, ended: true}, "finished": {kind: monitor.PingSuccess, ended: true}, "done": {kind: monitor.PingSuccess, ended: true},
	"failed": {kind: monitor.PingFail}, "failure": {kind: monitor.PingFail}, "failing": {kind: monitor.PingFail}, "errored": {kind: monitor.PingFail}, "ko": {kind: monitor.PingFail},
	"critical": {kind: monitor.PingFail}, "crashed": {kind: monitor.PingFail}, "aborted": {kind: monitor.PingFail}, "timeout": {kind: monitor.PingFail}, "timed_out": {kind: monitor.PingFail},
}

// parameterKind is how the value of a parameter is read.
type parameterKind int

const (
	outcomeName      parameterKind = iota + 1 // one of outcomes
	exitCode                                  // a number: 0 is a success, all others are failures
	trueMeansSuccess                          // true: a success; false: a failure
	trueMeansFailure                          // true: a failure; false: a success
	queryOnly                                 // added to kinds that only count in a query, not in a body
)

// outcomeParameters are the parameters and JSON members with the outcome of a
// run. docs/manual/integrations.md lists the products that send them.
var outcomeParameters = map[string]parameterKind{
	"status": outcomeName, "state": outcomeName, "conclusion": outcomeName, "result": outcomeName + queryOnly, "outcome": outcomeName + queryOnly,
	"exit_code": exitCode, "exitcode": exitCode, "exit_status": exitCode, "exitstatus": exitCode, "status_code": exitCode,
	"exit": exitCode + queryOnly, "rc": exitCode + queryOnly, "s": exitCode + queryOnly,
	"success": trueMeansSuccess, "ok": trueMeansSuccess,
	"failed": trueMeansFailure, "failure": trueMeansFailure + queryOnly, "fail": trueMeansFailure + queryOnly, "error": trueMeansFailure + queryOnly,
}

// allowedValues describes the values of each kind of parameter, for errors.
var allowedValues = map[parameterKind]string{
	outcomeName:      "one of up, ok, success, complete, down, fail, error, start, run, in_progress or log",
	exitCode:         "an exit code such as 0 or 1",
	trueMeansSuccess: "true, false, 1 or 0",
	trueMeansFailure: "true, false, 1 or 0",
}

// booleans are the values of parameters that are true or false.
var booleans = map[string]bool{"true": true, "1": true, "yes": true, "false": false, "0": false, "no": false}

// parseParameter returns the outcome in a parameter. known is false for parameters
// without an outcome.
func parseParameter(word, value string, body bool) (c outcomeClaim, known bool, err error) {
	kind := outcomeParameters[word]
	if kind >= queryOnly {
		if kind -= queryOnly; body {
			return outcomeClaim{}, false, nil
		}
	}
	if kind == 0 {
		return outcomeClaim{}, false, nil
	}
	lower, ok := strings.ToLower(strings.TrimSpace(value)), true
	switch kind {
	case outcomeName:
		c, ok = outcomeWords[lower]
		c.exit = monitor.NoExitCode
	case exitCode:
		if word == "s" && lower == "" {
			lower = "0" // Dead Man's Snitch: an empty status is a success
		}
		c, ok = exitCodeClaim(lower)
	default:
		var yes bool
		yes, ok = booleans[lower]
		c = outcomeClaim{kind: monitor.PingFail, exit: monitor.NoExitCode}
		if yes == (kind == trueMeansSuccess) {
			c.kind = monitor.PingSuccess
		}
	}
	if c.word = word + "=" + quoteForError(value); !ok {
		return outcomeClaim{}, true, fmt.Errorf("unknown outcome %s: %s must be %s", c.word, word, allowedValues[kind])
	}
	return c, true, nil
}

// exitCodeClaim reads an exit code. Codes outside 0 to 255, as on Windows, are
// failures without a code.
func exitCodeClaim(value string) (outcomeClaim, bool) {
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil:
		return outcomeClaim{}, false
	case n == 0:
		return outcomeClaim{kind: monitor.PingSuccess, exit: 0}, true
	case n < 0 || n > 255:
		return outcomeClaim{kind: monitor.PingFail, exit: monitor.NoExitCode}, true
	}
	return outcomeClaim{kind: monitor.PingFail, exit: int(n)}, true
}

// merge combines the outcomes of two words of one request. Words that contradict
// each other are an error.
func (c outcomeClaim) merge(other outcomeClaim) (outcomeClaim, error) {
	switch {
	case c.kind == "":
		return other, nil
	case other.kind == "":
		return c, nil
	case c.ended && (other.kind == monitor.PingFail || other.kind == monitor.PingSuccess):
		return other, nil
	case other.ended && (c.kind == monitor.PingFail || c.kind == monitor.PingSuccess):
		return c, nil
	case c.kind != other.kind, c.exit >= 0 && other.exit >= 0 && c.exit != other.exit:
		return outcomeClaim{}, fmt.Errorf("contradiction: %s says %s, but %s says %s; send only one of them", c.word, c.describe(), other.word, other.describe())
	case c.exit < 0:
		return other, nil
	}
	return c, nil
}

// describe describes an outcome for errors.
func (c outcomeClaim) describe() string {
	switch {
	case c.exit > 0:
		return fmt.Sprintf("failure with exit code %d", c.exit)
	case c.kind == monitor.PingFail:
		return "failure"
	}
	return string(c.kind)
}

// maxQuoted is the maximum length of a value in an error.
const maxQuoted = 40

// quoteForError returns a value for an error message: one line, shortened.
func quoteForError(value string) string {
	if len(value) > maxQuoted {
		value = value[:maxQuoted] + "…"
	}
	quoted := strconv.Quote(value)
	return quoted[1 : len(quoted)-1]
}
