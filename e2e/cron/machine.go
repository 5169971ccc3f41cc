//go:build linux

package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// testMachine is the image of a machine with one cron daemon and a few jobs. While the daemon runs,
// its namespace has the /etc and /var/spool/cron of the image.
type testMachine struct {
	root   string
	daemon string
	logDir string // jobs write here, each to a file of its name
}

// tickJob is the job that is never edited: it contains a word by which discover considers it as
// pinging already. The others must run as often.
const tickJob = "tick"

// jobs are the commands by name. LOG stands for the log directory.
var jobs = map[string]string{
	tickJob:   `echo tick >> LOG/tick; : overdue ping `,
	"pipe":    `echo "it's" a b | tr a-z A-Z >> LOG/pipe; exit 3`,
	"guard":   `[ -x /bin/ls ] && echo "guarded $((1+1))" >> LOG/guard`,
	"lock":    `flock LOG/.lock /bin/echo locked >> LOG/lock`,
	"percent": `date -u -d @0 +\%Y-\%m >> LOG/percent`,
	"script":  `LOG/.script`,
	"list":    `cd / && { pwd; echo "$HOME"; } >> LOG/list 2>&1` + commentWithQuote,
}

const commentWithQuote = ` # a comment's quote`

// userOfJob are the users of the jobs in crontabs with a user column, and the SHELL set above them.
var userOfJob = map[string]string{"list": "alice"}

// newTestMachine creates a machine below a directory. With busybox the jobs belong to root, because
// it reads no other crontabs.
func newTestMachine(dir, daemon string) (*testMachine, error) {
	w := &testMachine{root: filepath.Join(dir, "root"), daemon: daemon, logDir: filepath.Join(dir, "logs")}
	files := map[string]string{
		"/etc/timezone": "Etc/UTC\n", "/etc/crontab": "# none\n",
		"/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\nalice:x:4321:4321::/tmp:/bin/bash\ncron:x:4322:4322::/var/spool/cron:/usr/sbin/nologin\n",
		"/etc/group":  "root:x:0:\nnogroup:x:65534:\nalice:x:4321:\ncron:x:4322:\n",
		"/etc/shadow": "root:*:19000:0:99999:7:::\nalice:*:19000:0:99999:7:::\n", "/etc/cron.d/.placeholder": "", "/var/spool/cron/crontabs/.keep": "", "/bin/ls": "",
	}
	system, own := w.crontabs()
	ownShell := `echo "${BASH_VERSION:+bash} again" >> ` + w.logDir + "/bash\n"
	switch daemon {
	case "busybox":
		files["/var/spool/cron/crontabs/root"] = own + "* * * * * " + ownShell
	default:
		files["/etc/cron.d/app"] = system
		files["/etc/cron.d/own"] = "SHELL=/bin/bash\n* * * * * root " + ownShell
	}
	if daemon == "cronie" {
		files["/var/spool/cron/root"] = "* * * * * echo spool >> " + w.logDir + "/spool\n"
		files["/etc/pam.d/crond"] = "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n"
	}
	for path, text := range files {
		if err := w.write(path, text); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(w.logDir, 0o777); err != nil {
		return nil, err
	}
	if err := os.Chmod(filepath.Join(w.root, "bin/ls"), 0o755); err != nil {
		return nil, err
	}
	script := fmt.Sprintf("#!/bin/sh\necho script $0 | sed 's,.*/,,' >> %s/script\n", w.logDir)
	return w, firstError(os.Chmod(w.logDir, 0o777), os.WriteFile(w.logDir+"/.script", []byte(script), 0o755))
}

// longestLine is a first line for bcron that does nothing and is longer than any other. bcron 0.11
// sometimes loses a run, whether the line is edited or not, depending on the lengths of the lines.
// With this line it does not.
var longestLine = "* * * * * root : overdue ping " + strings.Repeat("x", 800) + "\n"

// crontabs returns the jobs with a user in each line, and without.
func (w *testMachine) crontabs() (system, own string) {
	system = "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"
	if w.daemon == "bcron" {
		system += longestLine
	}
	for _, name := range slices.Sorted(maps.Keys(jobs)) {
		command := strings.ReplaceAll(jobs[name], "LOG", w.logDir)
		user := userOfJob[name]
		if user == "" {
			user = "root"
		}
		if w.daemon == "busybox" {
			command = strings.TrimSuffix(command, commentWithQuote) // busybox cuts a line at #, so discover rejects such lines
		}
		if w.percentIsLiteral() {
			command = strings.ReplaceAll(command, `\%`, "%")
		}
		system += "* * * * * " + user + " " + command + "\n"
		own += "* * * * * " + command + "\n"
	}
	return system, own
}

// percentIsLiteral reports whether the daemon passes a % to the shell.
func (w *testMachine) percentIsLiteral() bool { return w.daemon == "bcron" || w.daemon == "busybox" }

func (w *testMachine) write(path, text string) error {
	path = filepath.Join(w.root, path)
	mode := os.FileMode(0o644)
	if strings.Contains(path, "/spool/") {
		mode = 0o600
	}
	return firstError(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), mode))
}

// install copies the programs of the daemon into the image, so that discover finds them.
func (w *testMachine) install(d packageDir) error {
	from := map[string]string{}
	switch w.daemon {
	case "cron":
		from["/usr/sbin/cron"] = d.file("cron", "usr/sbin/cron")
	case "cronie":
		from["/usr/sbin/crond"] = d.file("cronie", "usr/sbin/crond")
	case "bcron":
		for _, name := range []string{"bcron-sched", "bcron-exec", "bcron-start", "bcron-update"} {
			from["/usr/sbin/"+name] = d.file("bcron", "usr/sbin/"+name)
		}
	case "busybox":
		from["/usr/sbin/crond"] = d.file("busybox-static", "bin/busybox")
	case "systemd-cron":
		path := "/lib/systemd/system-generators/systemd-crontab-generator"
		from[path] = d.file("systemd-cron", path)
	}
	for path, source := range from {
		text, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		if err := firstError(w.write(path, string(text)), os.Chmod(filepath.Join(w.root, path), 0o755)); err != nil {
			return err
		}
	}
	return nil
}

// jobOutput returns the lines that each job wrote.
func (w *testMachine) jobOutput() map[string][]string {
	all := map[string][]string{}
	files, _ := filepath.Glob(w.logDir + "/[a-z]*") // without hidden files
	for _, path := range files {
		text, _ := os.ReadFile(path) // just written by a job
		all[filepath.Base(path)] = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	}
	return all
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
