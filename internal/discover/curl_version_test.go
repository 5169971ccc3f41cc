package discover

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"overdue/internal/discover/crontab"
)

// machineWithCurl is a live machine with one job in a crontab and one curl per PATH.
func machineWithCurl(curls map[string]string) Machine {
	return Machine{Host: "web1", User: "alice", Now: noon, Zone: "UTC", Daemon: crontab.DebianCron, Method: PingWithCurl, Command: func(_ context.Context, name string, args ...string) ([]byte, error) {
		path := "ours"
		switch {
		case name == "crontab":
			return []byte("0 3 * * * /opt/backup\n"), nil
		case name == "env" && slices.Equal(args[1:], []string{"curl", "--version"}):
			path = strings.TrimPrefix(args[0], "PATH=")
		case name != "curl":
			return nil, errors.New("is not here")
		}
		if version, ok := curls[path]; ok {
			return []byte("curl " + version + " (x86_64-pc-linux-gnu) libcurl/" + version + "\nProtocols: http\n"), nil
		}
		return nil, errors.New("curl: not found")
	}}
}

// discoverCurl returns the problem of the job of alice, and the notes about curl.
func discoverCurl(t *testing.T, m Machine) (problem, notes string) {
	t.Helper()
	found := mustDiscover(t, m)
	for _, j := range found.Jobs {
		if j.Source == "crontab of alice" {
			problem = j.Problem
		}
	}
	return problem, strings.Join(slices.DeleteFunc(found.Notes, func(note string) bool { return !strings.Contains(note, "curl") }), "; ")
}

func TestDiscover_RejectsJobsIfCurlWouldSendNothing(t *testing.T) {
	const own, systemd = "/usr/bin:/bin", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for name, test := range map[string]struct {
		curls         map[string]string
		problem, note string
	}{
		"RHEL 8":              {map[string]string{own: "7.61.1", systemd: "7.61.1"}, "curl 7.61.1 does not support --retry-all-errors", "use --with run"},
		"the last too old":    {map[string]string{own: "7.70.0", systemd: "7.70.0"}, "curl 7.70.0 does not support", "install curl 7.71 or later"},
		"the first":           {map[string]string{own: "7.71.0", systemd: "7.71.0"}, "", ""},
		"a later major":       {map[string]string{own: "8.5.0", systemd: "8.5.0"}, "", ""},
		"one older for cron":  {map[string]string{own: "7.68.0", systemd: "8.5.0"}, "curl 7.68.0 does not support", "7.68.0"},
		"one older elsewhere": {map[string]string{own: "8.5.0", systemd: "7.29.0"}, "curl 7.29.0 does not support", "7.29.0"},
		"none":                {nil, "curl is not installed", "use --with run"},
		"only in our PATH":    {map[string]string{"ours": "8.5.0"}, "", "is not known"},
		"no version":          {map[string]string{own: "7", systemd: "7"}, "", `the curl version "7"`},
	} {
		problem, notes := discoverCurl(t, machineWithCurl(test.curls))
		if (test.problem == "") != (problem == "") || !strings.Contains(problem, test.problem) || (test.note == "") != (notes == "") || !strings.Contains(notes, test.note) {
			t.Errorf("%s: problem %q, notes %q; want %q and %q", name, problem, notes, test.problem, test.note)
		}
	}
}

func TestDiscover_FindsTheCurlVersionOfAnImageInItsPackages(t *testing.T) {
	const dpkg, apk = "/var/lib/dpkg/status", "/lib/apk/db/installed"
	for name, test := range map[string]struct {
		files         map[string]string
		problem, note string
	}{
		"Ubuntu 20.04":           {map[string]string{dpkg: "Package: curl\nStatus: install ok installed\nVersion: 7.68.0-1ubuntu2.7\n"}, "curl 7.68.0-1ubuntu2.7 does not support", "use --with run"},
		"Debian 12":              {map[string]string{dpkg: "Package: curl\nStatus: install ok installed\nVersion: 7.88.1-10+deb12u8\n"}, "", ""},
		"Alpine 3.9":             {map[string]string{apk: "P:curl\nV:7.64.0-r5\n"}, "curl 7.64.0-r5 does not support", "use --with run"},
		"Alpine 3.20":            {map[string]string{apk: "P:curl\nV:8.9.0-r0\n"}, "", ""},
		"an epoch":               {map[string]string{dpkg: "Package: curl\nStatus: install ok installed\nVersion: 1:7.68.0-1\n"}, "curl 1:7.68.0-1 does not support", "7.68.0"},
		"taken out":              {map[string]string{dpkg: "Package: curl\nStatus: deinstall ok config-files\nVersion: 8.5.0\n\nPackage: cron\nStatus: install ok installed\nVersion: 3\n"}, "curl is not installed", "install curl"},
		"from elsewhere":         {map[string]string{dpkg: "Package: cron\nStatus: install ok installed\nVersion: 3\n", "/usr/local/bin/curl": ""}, "", "is not known"},
		"without such databases": {nil, "", "is not known"},
	} {
		m := Machine{Root: t.TempDir(), Host: "web1", User: "alice", Now: noon, Zone: "UTC", Daemon: crontab.DebianCron, Method: PingWithCurl, Command: rejectCommands}
		writeFile(t, m.Root, "/var/spool/cron/crontabs/alice", "0 3 * * * /opt/backup\n")
		for path, text := range test.files {
			writeFile(t, m.Root, path, text)
		}
		problem, notes := discoverCurl(t, m)
		if (test.problem == "") != (problem == "") || !strings.Contains(problem, test.problem) || (test.note == "") != (notes == "") || !strings.Contains(notes, test.note) {
			t.Errorf("%s: problem %q, notes %q; want %q and %q", name, problem, notes, test.problem, test.note)
		}
		if m.Method = PingWithRun; test.problem != "" {
			if problem, notes := discoverCurl(t, m); problem != "" || notes != "" {
				t.Errorf("%s, with run: problem %q, notes %q; want neither", name, problem, notes)
			}
		}
	}
}

func TestDiscover_IgnoresAnOldCurlIfNoJobNeedsIt(t *testing.T) {
	m := Machine{Root: t.TempDir(), Host: "web1", User: "alice", Now: noon, Zone: "UTC", Daemon: crontab.DebianCron, Method: PingWithCurl}
	writeFile(t, m.Root, "/var/spool/cron/crontabs/alice", "0 3 * * * x && curl "+aURL+"\n")
	writeFile(t, m.Root, "/lib/apk/db/installed", "P:curl\nV:7.64.0-r5\n")
	if problem, notes := discoverCurl(t, m); problem != "" || notes != "" {
		t.Errorf("problem %q, notes %q; want neither", problem, notes)
	}
}

// rejectCommands fails: no command runs in an image.
func rejectCommands(context.Context, string, ...string) ([]byte, error) {
	return nil, errors.New("a command ran")
}
