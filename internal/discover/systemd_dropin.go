package discover

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	"overdue/internal/discover/systemd"
)

// dropIn returns the path and the text of the file that makes a service ping.
//
// It uses only ExecStopPost=, because systemd runs that after every end, with the result
// ($SERVICE_RESULT, systemd.exec(5)). ExecStartPost= would report the start unless the service has
// Type=oneshot. OnFailure= or OnSuccess=, depending on the systemd version, report attempts as
// ends. With the leading "-", a failed ping does not fail the unit. $$ is a $ for the shell.
func (w PingSettings) dropIn(m Machine, u *systemd.Unit, url string) (file, text string, err error) {
	if err := w.validateWithURL(url); err != nil {
		return "", "", err
	}
	if err := w.checkStartable(u); err != nil {
		return "", "", err
	}
	dir := "/etc/systemd/system"
	if u.UserManager {
		dir = filepath.Join(m.Home, ".config/systemd/user")
	}
	send := w.Program + " ping " + url + "/$$s --body"
	if w.Method == PingWithCurl {
		send = shortCurlPrefix + url + "/$$s -d"
	}
	if limit, ok := u.StopTimeout(); ok && limit < systemd.SafeStopTimeout {
		send = fmt.Sprintf("timeout %d %s", int((limit-2*time.Second)/time.Second), send)
	}
	success, logged, failed := u.ReportPatterns()
	text = "# Reports to Overdue how each run ended. Written by overdue discover.\n[Service]\n" +
		`ExecStopPost=-/bin/sh -c 'PATH="$$PATH:/usr/bin:/bin"; case "$$SERVICE_RESULT:$$EXIT_CODE:$$EXIT_STATUS" in \` + "\n" +
		"  " + strings.Join(success, "|") + `) s=0;; \` + "\n" +
		"  " + strings.Join(logged, "|") + `) s=log;; \` + "\n" +
		"  " + strings.Join(failed, "|") + `) s=fail;; \` + "\n" +
		`  *) s=log;; esac; \` + "\n" +
		"  exec " + send + ` "$$SERVICE_RESULT $$EXIT_CODE $$EXIT_STATUS"'` + "\n"
	return path.Join(dir, u.Name+".d", "overdue.conf"), text, nil
}

// checkStartable returns an error if the service cannot run the program that pings.
func (w PingSettings) checkStartable(u *systemd.Unit) error {
	program := "/usr/bin/curl"
	if w.Method == PingWithRun {
		program = w.Program
	}
	if setting := u.HidingSetting(program); setting != "" {
		return fmt.Errorf("%s: %s= prevents it from running %s: install the program elsewhere, such as in /usr/local/bin, or use --with curl", u.Name, setting, program)
	}
	user := u.LastValue("Service.User")
	if strings.HasPrefix(program, "/root/") && (user != "" && user != "root" || systemd.IsTrue(u.LastValue("Service.DynamicUser"))) {
		return fmt.Errorf("%s: it does not run as root, and %s is in a directory of root: install the program elsewhere, such as in /usr/local/bin, or use --with curl", u.Name, program)
	}
	return nil
}
