package discover

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// failedResults are the values of $SERVICE_RESULT for a run that failed, with the values of Restart=
// for which systemd starts the service again after that (systemd.service(5), table 1).
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

// stopSignals are the signals with which operators and systemd stop a service, in addition to
// the value of KillSignal=.
var stopSignals = []string{"TERM", "INT", "HUP"}

// reportPatterns returns shell patterns for $SERVICE_RESULT:$EXIT_CODE:$EXIT_STATUS, which are tried in
// this order: the ends that are reported as success, only logged, and reported as failure. An end
// that matches none is only logged, so that it is neither a success nor a failure: the deadline
// decides.
func (u *unitFile) reportPatterns() (success, logged, failed []string) {
	success = []string{"success:exited:*"}
	for _, word := range u.words("Service.SuccessExitStatus") {
		if name, ok := signalName(word); ok {
			success = append(success, "success:killed:"+name, "success:dumped:"+name)
		}
	}
	killSignals := stopSignals
	if name, ok := signalName(u.lastValue("Service.KillSignal")); ok && !slices.Contains(stopSignals, name) {
		killSignals = append(slices.Clone(stopSignals), name)
	}
	for _, name := range killSignals {
		logged = append(logged, "signal:killed:"+name)
	}
	// Without a killed main process, it was a command such as ExecStartPre=: stopped or broken.
	logged = append(logged, "signal::", "signal:exited:*")
	policy, forced := u.lastValue("Service.Restart"), u.has("Service.RestartForceExitStatus")
	for _, end := range failedResults {
		if slices.Contains(end.restarts, policy) || forced && slices.Contains(forcedRestartResults, end.result) {
			logged = append(logged, end.result+":*")
		} else {
			failed = append(failed, end.result+":*")
		}
	}
	return success, logged, failed
}

// signalName returns the name of a signal as in $EXIT_STATUS, without SIG. It returns false if
// the value is not the name of a signal, for example an exit code.
func signalName(word string) (string, bool) {
	name := strings.TrimPrefix(word, "SIG")
	if strings.TrimLeft(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" && name != "" || name == "USR1" || name == "USR2" {
		return name, true
	}
	return "", false
}

// dropIn is the path and the text of the file that makes a service ping.
//
// It has ExecStopPost= only, because systemd runs that after every end, with the result
// ($SERVICE_RESULT, systemd.exec(5)). ExecStartPost= would report the beginning unless the
// service is of Type=oneshot. OnFailure= or OnSuccess=, depending on the version of systemd,
// reports attempts as if they were ends. With the leading "-", a ping that fails does not
// fail the unit. $$ is a $ for the shell.
func (w PingSettings) dropIn(m Machine, u *unitFile, url string) (file, text string, err error) {
	if err := w.validateWithURL(url); err != nil {
		return "", "", err
	}
	if err := w.checkStartable(u); err != nil {
		return "", "", err
	}
	dir := "/etc/systemd/system"
	if u.userManager {
		dir = filepath.Join(m.Home, ".config/systemd/user")
	}
	send := w.Program + " ping " + url + "/$$s --body"
	if w.Method == PingWithCurl {
		send = shortCurlPrefix + url + "/$$s -d"
	}
	if limit, ok := u.stopTimeout(); ok && limit < safeStopTimeout {
		send = fmt.Sprintf("timeout %d %s", int((limit-2*time.Second)/time.Second), send)
	}
	success, logged, failed := u.reportPatterns()
	text = "# Reports to Overdue how each run ended. Written by overdue discover.\n[Service]\n" +
		`ExecStopPost=-/bin/sh -c 'PATH="$$PATH:/usr/bin:/bin"; case "$$SERVICE_RESULT:$$EXIT_CODE:$$EXIT_STATUS" in \` + "\n" +
		"  " + strings.Join(success, "|") + `) s=0;; \` + "\n" +
		"  " + strings.Join(logged, "|") + `) s=log;; \` + "\n" +
		"  " + strings.Join(failed, "|") + `) s=fail;; \` + "\n" +
		`  *) s=log;; esac; \` + "\n" +
		"  exec " + send + ` "$$SERVICE_RESULT $$EXIT_CODE $$EXIT_STATUS"'` + "\n"
	return path.Join(dir, u.name+".d", "overdue.conf"), text, nil
}

// checkStartable returns an error if the program that pings cannot be started in the service.
func (w PingSettings) checkStartable(u *unitFile) error {
	program := "/usr/bin/curl"
	if w.Method == PingWithRun {
		program = w.Program
	}
	if setting := u.hidingSetting(program); setting != "" {
		return fmt.Errorf("%s: %s= keeps it from running %s: install the program elsewhere, such as in /usr/local/bin, or use --with curl", u.name, setting, program)
	}
	user := u.lastValue("Service.User")
	if strings.HasPrefix(program, "/root/") && (user != "" && user != "root" || isTrue(u.lastValue("Service.DynamicUser"))) {
		return fmt.Errorf("%s: it does not run as root, and %s is in a directory of root: install the program elsewhere, such as in /usr/local/bin, or use --with curl", u.name, program)
	}
	return nil
}
