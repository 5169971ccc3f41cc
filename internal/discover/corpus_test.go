package discover

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"overdue/internal/schedule"
)

// corpusSettings is the number of timers, of 131, with some settings, as in public repositories.
type corpusSettings struct {
	count    int
	settings string
}

// settingsOf returns the settings of the nth timer. stride combines two lists independently.
func settingsOf(shapes []corpusSettings, n, stride int) string {
	total := 0
	for _, s := range shapes {
		total += s.count
	}
	at := n * stride % total
	for _, s := range shapes {
		if at < s.count {
			return s.settings
		}
		at -= s.count
	}
	return ""
}

var startSettingsCorpus = []corpusSettings{
	{22, "OnCalendar=daily"},
	{9, "OnCalendar=hourly"},
	{4, "OnCalendar=weekly"},
	{2, "OnCalendar=monthly"},
	{1, "OnCalendar=minutely"},
	{8, "OnCalendar=*-*-* 03:00:00"},
	{6, "OnCalendar=*-*-* 4:30"},
	{5, "OnCalendar=06:00"},
	{4, "OnCalendar=*-*-* 06,18:00"},
	{3, "OnCalendar=02:15:30"},
	{6, "OnCalendar=Sun *-*-* 03:10:00"},
	{5, "OnCalendar=Mon..Fri 08:00"},
	{3, "OnCalendar=Mon,Thu *-*-* 01:00"},
	{2, "OnCalendar=Sat 23:30"},
	{3, "OnCalendar=*:0/15"},
	{2, "OnCalendar=*-*-* 0/6:00:00"},
	{2, "OnCalendar=*-*-* *:00/10:00"},
	{1, "OnCalendar=*-*-* 05:00 Europe/Berlin"},
	{2, "OnCalendar=*-*-01 00:20"},
	{1, "OnCalendar=quarterly"},
	{2, "OnCalendar=daily\nOnCalendar=Mon 12:00"},
	{1, "OnCalendar=Tue *-*-1..7 06:00"},
	{12, "OnBootSec=15min\nOnUnitActiveSec=1d"},
	{10, "OnBootSec=5min\nOnUnitActiveSec=1h"},
	{6, "OnStartupSec=10\nOnUnitActiveSec=15min"},
	{3, "OnActiveSec=1min\nOnUnitActiveSec=30"},
	{4, "OnBootSec=10min\nOnUnitInactiveSec=20min"},
	{1, "OnCalendar=daily\nOnUnitActiveSec=6h"},
	{1, "OnBootSec=2min"},
}

var timerSettingsCorpus = []corpusSettings{
	{40, "Persistent=true"},
	{20, "Persistent=true\nRandomizedDelaySec=1h"},
	{12, "RandomizedDelaySec=24h\nPersistent=true"},
	{6, "RandomizedDelaySec=15m\nFixedRandomDelay=true"},
	{9, "AccuracySec=1s"},
	{13, "Persistent=true\nAccuracySec=1h"},
	{31, ""},
}

var serviceSettingsCorpus = []corpusSettings{
	{70, "Type=oneshot"},
	{10, "Type=oneshot\nUser=backup\nNice=19\nIOSchedulingClass=idle"},
	{10, "Type=oneshot\nDynamicUser=yes\nProtectSystem=strict\nProtectHome=yes\nPrivateTmp=yes\nNoNewPrivileges=yes"},
	{6, "Type=oneshot\nSystemCallFilter=@system-service\nRestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX"},
	{9, "Type=simple"},
	{5, "Type=notify\nTimeoutStartSec=5min"},
	{4, "Type=exec\nRestart=on-failure\nRestartSec=30"},
	{3, "Type=oneshot\nRestart=on-abnormal\nTimeoutStopSec=20"},
	{4, "Type=oneshot\nSuccessExitStatus=1 SIGTERM"},
	{3, "Type=oneshot\nPrivateNetwork=yes"},
	{2, "Type=oneshot\nRemainAfterExit=yes"},
	{3, "Type=oneshot\nExecCondition=/opt/job\nExecStartPre=-/opt/job\nExecStopPost=-/opt/job"},
	{2, "Type=oneshot\n[Unit]\nConditionACPower=true\nConditionPathExists=/etc"},
}

const corpusSize = 131

// writeCorpus writes an image with the timers, and returns their services: 6 % belong to templates
// and 24 % have Unit=, as in public repositories.
func writeCorpus(t *testing.T, root string) []string {
	t.Helper()
	for _, program := range []string{"/bin/sh", "/opt/job", "/usr/bin/overdue"} {
		writeFile(t, root, program, "#!/bin/sh\n")
		if err := os.Chmod(filepath.Join(root, program), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, root, "/etc/timezone", "UTC\n")
	writeFile(t, root, "/etc/passwd", "root:x:0:0::/root:/bin/sh\nbackup:x:34:34::/var/backups:/bin/sh\n")
	var services []string
	for n := range corpusSize {
		name, file := fmt.Sprintf("job-%d", n), fmt.Sprintf("job-%d", n)
		timer := "[Timer]\n" + settingsOf(startSettingsCorpus, n, 37) + "\n" + settingsOf(timerSettingsCorpus, n, 29) + "\n"
		service := name
		switch {
		case n%16 == 3:
			name, file, service = fmt.Sprintf("job-%d@a-b", n), fmt.Sprintf("job-%d@", n), fmt.Sprintf("job-%d@a-b", n)
			timer += "Unit=job-" + fmt.Sprint(n) + "@%i.service\n"
		case n%4 == 1:
			service = fmt.Sprintf("work-%d", n)
			timer += "Unit=" + service + ".service\n"
		}
		writeFile(t, root, libUnits+file+".timer", timer)
		writeFile(t, root, libUnits+strings.Replace(service, "@a-b", "@", 1)+".service", "[Service]\nExecStart=/opt/job --all\n"+settingsOf(serviceSettingsCorpus, n, 41)+"\n")
		writeSymlink(t, root, libUnits+file+".timer", etcUnits+"timers.target.wants/"+name+".timer")
		services = append(services, service+".service", name+".timer")
	}
	return services
}

// This test edits 131 timers with common settings. systemd must accept the drop-ins and must run
// the timers when the heartbeats expect them, and a second discovery must find nothing to do.
func TestDiscover_TimersOfACorpusRunWhenSystemdRunsThem(t *testing.T) {
	root := t.TempDir()
	units := writeCorpus(t, root)
	if out := systemdAnalyzeVerify(t, root, units); out != "" {
		t.Fatalf("systemd has something against the units as they are:\n%s", out)
	}
	m := Machine{Root: root, Host: "web1", User: "root", Now: noon}
	found := mustDiscover(t, m)
	edits := planAll(m, found)
	open, problems := 0, map[string]int{}
	var calendars []string
	for _, j := range found.Jobs {
		if j.Watchable() {
			open++
			calendars = append(calendars, j.OnCalendar...)
		}
		problems[j.Problem]++
	}
	if len(found.Jobs) != corpusSize || len(edits) != open || open < corpusSize*9/10 {
		t.Errorf("%d timers found, %d open, %d drop-ins, problems %v", len(found.Jobs), open, len(edits), problems)
	}
	for _, e := range edits {
		if _, err := m.Apply(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	if out := systemdAnalyzeVerify(t, root, units); out != "" {
		t.Errorf("systemd has something against the drop-ins:\n%s", out)
	}
	if again := planAll(m, mustDiscover(t, m)); len(again) > 0 {
		t.Errorf("a second look finds %d files to write", len(again))
	}
	writeFile(t, root, etcUnits+"job-2.service.d/zz.conf", "[Service]\nOdd=1\n")
	if out := systemdAnalyzeVerify(t, root, units); !strings.Contains(out, "zz.conf") {
		t.Errorf("systemd-analyze does not read drop-ins: %s", out)
	}
	slices.Sort(calendars)
	checkSameRuns(t, slices.Compact(calendars))
}

// systemdAnalyzeVerify returns the complaints of systemd-analyze about units of an image.
func systemdAnalyzeVerify(t *testing.T, root string, units []string) string {
	t.Helper()
	command := exec.Command("systemd-analyze", append([]string{"verify", "--root=" + root, "--recursive-errors=no", "--man=no"}, units...)...)
	out, err := command.CombinedOutput()
	if err != nil && len(out) == 0 {
		return err.Error()
	}
	return string(out)
}

// checkSameRuns compares the next five runs of each expression with those of systemd.
func checkSameRuns(t *testing.T, calendars []string) {
	t.Helper()
	const layout = "Mon 2006-01-02 15:04:05 UTC"
	for _, calendar := range calendars {
		command := exec.Command("systemd-analyze", "calendar", "--iterations=5", "--base-time="+noon.UTC().Format("2006-01-02 15:04:05 UTC"), calendar)
		command.Env = []string{"TZ=UTC", "LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin"}
		var complaints bytes.Buffer
		command.Stderr = &complaints
		out, err := command.Output()
		if err != nil {
			t.Errorf("%s: %v, %s", calendar, err, complaints.String())
			continue
		}
		var want []string
		for line := range strings.Lines(string(out)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			value = strings.TrimSpace(value)
			if zone := strings.TrimSpace(name); zone == "(in UTC)" && len(want) > 0 {
				want[len(want)-1] = value
			} else if zone == "Next elapse" || strings.HasPrefix(zone, "Iteration #") || strings.HasPrefix(zone, "Iter. #") {
				want = append(want, value)
			}
		}
		when, err := schedule.OnCalendar([]string{calendar}, "UTC")
		if err != nil {
			t.Errorf("%s: %v", calendar, err)
			continue
		}
		var got []string
		for at := noon; len(got) < 5; {
			next, ok := when.Next(at)
			if !ok {
				break
			}
			got, at = append(got, next.UTC().Format(layout)), next
		}
		if !slices.Equal(got, want) || len(want) != 5 {
			t.Errorf("%s runs at %v; systemd says %v", calendar, got, want)
		}
	}
	if len(calendars) < 15 {
		t.Errorf("only %d expressions were compared", len(calendars))
	}
}
