package systemd

import (
	"slices"
	"strings"
)

// failedResults are the values of $SERVICE_RESULT for a failed run, with the values of Restart= for
// which systemd then starts the service again (systemd.service(5), table 1).
var failedResults = []struct {
	result   string
	restarts []string
}{
	{"exit-code", []string{"on-failure"}},
	{"signal", []string{"on-failure", "on-abnormal", "on-abort"}},
	{"core-dump", []string{"on-failure", "on-abnormal", "on-abort"}},
	{"timeout", []string{"on-failure", "on-abnormal"}},
	{"watchdog", []string{"on-failure", "on-abnormal", "on-watchdog"}},
	{"oom-kill", []string{"on-failure", "on-abnormal"}},
	{"protocol", []string{"on-failure", "on-abnormal"}},
	{"resources", []string{"on-failure", "on-abnormal"}},
	{"start-limit-hit", nil},
}

// forcedRestartResults are the results for which RestartForceExitStatus= can force a restart.
var forcedRestartResults = []string{"exit-code", "signal", "core-dump"}

// stopSignals are the signals with which operators and systemd stop a service, in addition to the
// value of KillSignal=.
var stopSignals = []string{"TERM", "INT", "HUP"}

// ReportPatterns returns shell patterns for $SERVICE_RESULT:$EXIT_CODE:$EXIT_STATUS, to be matched
// in this order: the ends that are reported as success, only logged, and reported as failure. An
// end without a match is only logged: it is neither a success nor a failure, so the deadline
// decides.
func (u *Unit) ReportPatterns() (success, logged, failed []string) {
	success = []string{"success:exited:*"}
	for _, word := range u.words("Service.SuccessExitStatus") {
		if name, ok := signalName(word); ok {
			success = append(success, "success:killed:"+name, "success:dumped:"+name)
		}
	}
	killSignals := stopSignals
	if name, ok := signalName(u.LastValue("Service.KillSignal")); ok && !slices.Contains(stopSignals, name) {
		killSignals = append(slices.Clone(stopSignals), name)
	}
	for _, name := range killSignals {
		logged = append(logged, "signal:killed:"+name)
	}
	// Without a killed main process, a command such as ExecStartPre= was stopped or failed.
	logged = append(logged, "signal::", "signal:exited:*")
	policy, forced := u.LastValue("Service.Restart"), u.Has("Service.RestartForceExitStatus")
	for _, end := range failedResults {
		if slices.Contains(end.restarts, policy) || forced && slices.Contains(forcedRestartResults, end.result) {
			logged = append(logged, end.result+":*")
		} else {
			failed = append(failed, end.result+":*")
		}
	}
	return success, logged, failed
}

// signalName returns the name of a signal as in $EXIT_STATUS, without SIG. It returns false if the
// value is not the name of a signal, for example an exit code.
func signalName(word string) (string, bool) {
	name := strings.TrimPrefix(word, "SIG")
	if strings.TrimLeft(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" && name != "" || name == "USR1" || name == "USR2" {
		return name, true
	}
	return "", false
}
