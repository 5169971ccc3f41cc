//go:build unix

package discover

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"overdue/internal/discover/systemd"
)

// reportedOutcome runs the command of a drop-in as systemd does, and returns the path and the body
// of its request.
func reportedOutcome(t *testing.T, u *systemd.Unit, result, code, status string) string {
	t.Helper()
	_, text, err := PingSettings{Method: PingWithCurl}.dropIn(Machine{}, u, aURL)
	if err != nil {
		t.Fatal(err)
	}
	line := unitFromText("x.service", text).LastValue("Service.ExecStopPost")
	script, quoted := strings.CutPrefix(line, "-/bin/sh -c '")
	script, closed := strings.CutSuffix(script, "'")
	if !quoted || !closed || strings.Contains(script, "'") {
		t.Fatalf("not one quoted command: %s", line)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "curl"), []byte("#!/bin/sh\nprintf '%s ' \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("/bin/sh", "-c", strings.ReplaceAll(script, "$$", "$"))
	command.Env = []string{"PATH=" + dir}
	for name, value := range map[string]string{"SERVICE_RESULT": result, "EXIT_CODE": code, "EXIT_STATUS": status} {
		if value != "" {
			command.Env = append(command.Env, name+"="+value)
		}
	}
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v, %s", script, err, out)
	}
	_, sent, ok := strings.Cut(string(out), aURL+"/")
	if !ok {
		t.Fatalf("the command sends %s", out)
	}
	kind, body, _ := strings.Cut(sent, " -d ")
	if want := result + " " + code + " " + status + " "; body != want {
		t.Errorf("%s is sent with the body %q; want %q", kind, body, want)
	}
	return kind
}

// The rows have every value of $SERVICE_RESULT in systemd.exec(5), with the variables that systemd
// 252 and 257 set for it.
func TestDropIn_ReportsEveryEndCorrectly(t *testing.T) {
	const oneshot = "[Service]\nType=oneshot\nExecStart=/x\n"
	for _, c := range []struct{ service, result, code, status, want string }{
		{oneshot, "success", "exited", "0", "0"},
		{oneshot + "SuccessExitStatus=3\n", "success", "exited", "3", "0"},
		{oneshot, "success", "exited", "1", "0"},      // ExecStart=-…
		{oneshot, "success", "killed", "TERM", "log"}, // stopped, unless oneshot
		{oneshot, "success", "killed", "HUP", "log"},
		{oneshot, "success", "", "", "log"}, // Type=forking without a main process
		{oneshot + "SuccessExitStatus=7 SIGTERM\n", "success", "killed", "TERM", "0"},
		{oneshot + "SuccessExitStatus=7 SIGTERM\n", "success", "killed", "HUP", "log"},
		{oneshot + "SuccessExitStatus=USR1\n", "success", "killed", "USR1", "0"},
		{oneshot, "exec-condition", "", "", "log"},
		{oneshot, "exec-condition", "exited", "1", "log"},
		{oneshot, "exit-code", "exited", "1", "fail"},
		{oneshot, "exit-code", "exited", "203", "fail"},
		{oneshot, "exit-code", "", "", "fail"},        // ExecStartPre=
		{oneshot, "exit-code", "exited", "0", "fail"}, // ExecStartPost=
		{oneshot, "signal", "killed", "KILL", "fail"},
		{oneshot, "signal", "killed", "SEGV", "fail"},
		{oneshot, "signal", "killed", "PIPE", "fail"},
		{oneshot, "signal", "killed", "TERM", "log"}, // systemctl stop, or shutdown
		{oneshot, "signal", "killed", "INT", "log"},
		{oneshot, "signal", "", "", "log"},        // stopped in ExecStartPre=
		{oneshot, "signal", "exited", "0", "log"}, // stopped in ExecStartPost=
		{oneshot, "signal", "killed", "QUIT", "fail"},
		{oneshot + "KillSignal=SIGQUIT\n", "signal", "killed", "QUIT", "log"},
		{oneshot, "core-dump", "dumped", "ABRT", "fail"},
		{oneshot, "timeout", "killed", "TERM", "fail"},
		{oneshot, "timeout", "", "", "fail"},
		{oneshot, "timeout", "exited", "0", "fail"},
		{oneshot, "watchdog", "killed", "ABRT", "fail"},
		{oneshot, "oom-kill", "killed", "KILL", "fail"},
		{oneshot, "protocol", "", "", "fail"},
		{oneshot, "resources", "", "", "fail"},
		{oneshot, "start-limit-hit", "", "", "fail"},
		{oneshot, "made-up-tomorrow", "exited", "1", "log"},
		{oneshot, "", "", "", "log"},
	} {
		if got := reportedOutcome(t, unitFromText("x.service", c.service), c.result, c.code, c.status); got != c.want {
			t.Errorf("%q: %s %s %s is reported as %s; want %s", c.service, c.result, c.code, c.status, got, c.want)
		}
	}
}

// The rows are table 1 of systemd.service(5).
func TestDropIn_AttemptsThatSystemdRepeatsAreNotFailures(t *testing.T) {
	all := []string{"exit-code exited 1", "signal killed SEGV", "core-dump dumped ABRT", "timeout killed TERM", "watchdog killed ABRT", "oom-kill killed KILL", "protocol exited 0", "resources exited 1"}
	for setting, want := range map[string]string{
		"":                             "fail fail fail fail fail fail fail fail",
		"Restart=no":                   "fail fail fail fail fail fail fail fail",
		"Restart=on-failure":           "log log log log log log log log",
		"Restart=on-abnormal":          "fail log log log log log log log",
		"Restart=on-abort":             "fail log log fail fail fail fail fail",
		"Restart=on-watchdog":          "fail fail fail fail log fail fail fail",
		"RestartForceExitStatus=1":     "log log log fail fail fail fail fail",
		"Restart=on-failure\nRestart=": "fail fail fail fail fail fail fail fail",
	} {
		u := unitFromText("x.service", "[Service]\nExecStart=/x\n"+setting+"\n")
		var got []string
		for _, end := range all {
			f := strings.Fields(end)
			got = append(got, reportedOutcome(t, u, f[0], f[1], f[2]))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s; want %s", setting, strings.Join(got, " "), want)
		}
		if got := reportedOutcome(t, u, "success", "exited", "0"); got != "0" {
			t.Errorf("%s: a success is reported as %s", setting, got)
		}
	}
}

func TestDropIn_IsWrittenNextToItsServiceAndRecognized(t *testing.T) {
	for with, send := range map[PingMethod]string{
		PingWithRun:  "exec /usr/bin/overdue ping " + aURL + "/$$s --body",
		PingWithCurl: "exec curl -fsS -m 10 --retry 3 --retry-connrefused --retry-all-errors --retry-max-time 20 -o /dev/null -X POST " + aURL + "/$$s -d",
	} {
		path, text, err := PingSettings{Method: with, Program: "/usr/bin/overdue"}.dropIn(Machine{Home: "/home/al"}, unitFromText("backup.service"), aURL)
		if err != nil || path != "/etc/systemd/system/backup.service.d/overdue.conf" || !strings.Contains(text, send+` "$$SERVICE_RESULT $$EXIT_CODE $$EXIT_STATUS"'`+"\n") {
			t.Errorf("%s: %s\n%s%v", with, path, text, err)
		}
		if !newTimerJob(unitFromText("backup.timer", "[Timer]\nOnCalendar=daily"), unitFromText("backup.service", "[Service]\nExecStart=/x", text), "UTC", noon).HasPing {
			t.Errorf("%s: a service with its drop-in does not look wired", with)
		}
	}
	own := unitFromText("backup.service")
	own.UserManager = true
	if path, _, err := (PingSettings{Method: PingWithCurl}).dropIn(Machine{Home: "/home/al"}, own, aURL); err != nil || path != "/home/al/.config/systemd/user/backup.service.d/overdue.conf" {
		t.Errorf("a user's service: %s, %v", path, err)
	}
	if _, _, err := (PingSettings{Method: PingWithCurl}).dropIn(Machine{}, own, "https://o/%i"); err == nil {
		t.Error("a URL with a specifier of systemd was taken")
	}
}

// A killed ping would fail the unit.
func TestDropIn_EndsBeforeSystemdKillsIt(t *testing.T) {
	for setting, want := range map[string]string{
		"": "exec curl ", "TimeoutStopSec=90": "exec curl ", "TimeoutStopSec=infinity": "exec curl ", "TimeoutStopSec=40": "exec curl ",
		"TimeoutStopSec=10": "exec timeout 8 curl ", "TimeoutSec=30": "exec timeout 28 curl ", "TimeoutStopSec=60\nTimeoutSec=30": "exec curl ",
	} {
		_, text, err := PingSettings{Method: PingWithCurl}.dropIn(Machine{}, unitFromText("x.service", "[Service]\n"+setting+"\n"), aURL)
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("%s: %v\n%s", setting, err, text)
		}
	}
}

// Otherwise the drop-in would never ping.
func TestDropIn_TheServiceMustBeAbleToRunTheProgram(t *testing.T) {
	for _, c := range []struct {
		service, program string
		reachable        bool
	}{
		{"", "/home/al/bin/overdue", true},
		{"ProtectHome=yes", "/usr/bin/overdue", true},
		{"ProtectHome=yes", "/home/al/bin/overdue", false},
		{"ProtectHome=tmpfs", "/root/overdue", false},
		{"ProtectHome=read-only", "/home/al/bin/overdue", true},
		{"InaccessiblePaths=-/opt", "/opt/overdue", false},
		{"TemporaryFileSystem=/opt:ro", "/opt/overdue", false},
		{"NoExecPaths=/\nExecPaths=/usr/bin /usr/lib", "/opt/overdue", false},
		{"NoExecPaths=/\nExecPaths=/usr/bin /usr/lib /opt/overdue", "/opt/overdue", true},
		{"User=www-data", "/root/overdue", false},
		{"User=root", "/root/overdue", true},
		{"DynamicUser=yes", "/root/overdue", false},
	} {
		_, _, err := PingSettings{Method: PingWithRun, Program: c.program}.dropIn(Machine{}, unitFromText("x.service", "[Service]\n"+c.service+"\n"), aURL)
		if (err == nil) != c.reachable {
			t.Errorf("%s, %s: %v", c.service, c.program, err)
		}
	}
}
