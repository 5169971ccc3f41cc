package discover

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// writeSymlink makes a symlink in an image.
func writeSymlink(t *testing.T, root, target, at string) {
	t.Helper()
	at = filepath.Join(root, at)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, at); err != nil {
		t.Fatal(err)
	}
}

const (
	etcUnits       = "/etc/systemd/system/"
	libUnits       = "/usr/lib/systemd/system/"
	oneshotService = "[Service]\nType=oneshot\nExecStart=/x\n"
)

// discoverTimers reads an image and returns its jobs as rows, and the notes.
func discoverTimers(t *testing.T, root string) (jobs, notes []string) {
	t.Helper()
	writeFile(t, root, "/etc/timezone", "UTC\n")
	found := mustDiscover(t, Machine{Root: root, Host: "web1", User: "root", Now: noon})
	return jobRows(found), found.Notes
}

func TestReadDropIns_ReadsTheFilesThatSystemdReads(t *testing.T) {
	root := t.TempDir()
	writeFile(t, root, libUnits+"pre-fix-a.timer", "[Timer]\nOnCalendar=daily\nPersistent=no\n")
	writeFile(t, root, libUnits+"pre-fix-a.service", oneshotService)
	writeFile(t, root, libUnits+"timer.d/50-type.conf", "[Timer]\nRandomizedDelaySec=1h\nAccuracySec=0\n")
	writeFile(t, root, etcUnits+"pre-.timer.d/20-when.conf", "[Timer]\nOnCalendar=\nOnCalendar=Tue 06:00\n")
	writeFile(t, root, libUnits+"pre-fix-a.timer.d/20-when.conf", "[Timer]\nOnCalendar=hourly\n") // hidden by the file in /etc
	writeFile(t, root, libUnits+"pre-fix-.timer.d/30-x.conf", "[Timer]\nPersistent=yes\n")
	writeFile(t, root, libUnits+"pre-fix-a.timer.d/40-y.conf", "[Timer]\nOnCalendar=minutely\n")
	writeSymlink(t, root, "/dev/null", etcUnits+"pre-fix-a.timer.d/40-y.conf")
	if err := os.MkdirAll(filepath.Join(root, "/dev/null"), 0o755); err != nil { // not a regular file, as on a real machine
		t.Fatal(err)
	}
	writeFile(t, root, libUnits+"pre-fix-a.timer.d/41-z.conf", "[Timer]\nOnCalendar=minutely\n")
	writeFile(t, root, etcUnits+"pre-fix-a.timer.d/41-z.conf", "")
	writeFile(t, root, etcUnits+"timers.target.wants/pre-fix-a.timer", "")
	writeFile(t, root, etcUnits+"service.d/10.conf", "[Service]\nUser=typed\n")
	jobs, notes := discoverTimers(t, root)
	if diff := cmp.Diff([]string{"pre-fix-a.timer:0 typed | at 06:00 on Tuesdays, UTC | UTC | web1-pre-fix-a"}, jobs); diff != "" || len(notes) > 0 {
		t.Errorf("notes %q (-want +got):\n%s", notes, diff)
	}
	found := mustDiscover(t, Machine{Root: root, Host: "web1", User: "root", Now: noon})
	if j := found.Jobs[0]; j.Grace.Hours() != 2 || !j.Persistent {
		t.Errorf("grace %s, persistent %v; want 2h, from timer.d and pre-fix-.timer.d", j.Grace, j.Persistent)
	}
}

func TestDropInDirNames_GoFromTheUnitToItsPrefixes(t *testing.T) {
	for name, want := range map[string]string{
		"x.timer":           "x.timer",
		"a-b-c.timer":       "a-b-c.timer a-b-.timer a-.timer",
		"a-b@i-j.timer":     "a-b@i-j.timer a-b@.timer a-@.timer",
		"a-b@.timer":        "a-b@.timer a-@.timer",
		"a-.timer":          "a-.timer",
		"dots.in@1.2.timer": "dots.in@1.2.timer dots.in@.timer",
	} {
		if got := strings.Join(dropInDirNames(name), " "); got != want {
			t.Errorf("%s: %s; want %s", name, got, want)
		}
	}
}

func TestLoadUnit_FollowsAliases(t *testing.T) {
	root := t.TempDir()
	writeFile(t, root, libUnits+"real.timer", "[Timer]\nOnCalendar=daily\n")
	writeFile(t, root, libUnits+"real.service", oneshotService)
	writeSymlink(t, root, "/usr/lib/systemd/system/real.timer", etcUnits+"other.timer") // an alias
	writeSymlink(t, root, "real.timer", libUnits+"third.timer")
	writeFile(t, root, etcUnits+"other.timer.d/x.conf", "[Timer]\nAccuracySec=0\n") // applies: an alias of the unit
	for _, name := range []string{"real", "other", "third"} {
		writeSymlink(t, root, "/usr/lib/systemd/system/real.timer", etcUnits+"timers.target.wants/"+name+".timer")
	}
	writeFile(t, root, "/srv/app/linked.timer", "[Timer]\nOnCalendar=weekly\n")
	writeFile(t, root, "/srv/app/linked.service", oneshotService)
	writeSymlink(t, root, "/srv/app/linked.timer", etcUnits+"linked.timer")
	writeSymlink(t, root, "/srv/app/linked.service", etcUnits+"linked.service")
	writeSymlink(t, root, "/srv/app/linked.timer", etcUnits+"app.target.requires/linked.timer")
	writeFile(t, root, "/run/systemd/generator/made.timer", "[Timer]\nOnCalendar=monthly\n")
	writeFile(t, root, "/run/systemd/generator.late/made.service", oneshotService)
	writeSymlink(t, root, "../made.timer", "/run/systemd/generator/timers.target.wants/made.timer")
	writeFile(t, root, libUnits+"copy@.timer", "[Timer]\nOnCalendar=*-*-* 04:00\nUnit=copy@%i.service\n")
	writeFile(t, root, libUnits+"copy@.service", oneshotService)
	writeSymlink(t, root, libUnits+"copy@.timer", etcUnits+"timers.target.wants/copy@home.timer")
	writeSymlink(t, root, libUnits+"copy@.timer", etcUnits+"timers.target.wants/copy@srv-x.timer")
	jobs, notes := discoverTimers(t, root)
	want := []string{
		"copy@home.timer:0 root | at 04:00 every day, UTC | UTC | web1-copy-home",
		"copy@srv-x.timer:0 root | at 04:00 every day, UTC | UTC | web1-copy-srv-x",
		"linked.timer:0 root | at 00:00 on Mondays, UTC | UTC | web1-linked",
		"made.timer:0 root | at 00:00 on the 1st of every month, UTC | UTC | web1-made",
		"real.timer:0 root | at 00:00 every day, UTC | UTC | web1-real",
	}
	slices.Sort(jobs)
	if diff := cmp.Diff(want, jobs); diff != "" || len(notes) > 0 {
		t.Errorf("notes %q (-want +got):\n%s", notes, diff)
	}
	m := Machine{Root: root, Host: "web1", User: "root", Now: noon}
	for _, j := range mustDiscover(t, m).Jobs {
		if j.Source == "real.timer" && j.Grace != time.Hour {
			t.Errorf("grace %s; want 1h, because the drop-in of another name sets the accuracy", j.Grace)
		}
	}
	var written []string
	for _, e := range planAll(m, mustDiscover(t, m)) {
		written = append(written, strings.TrimPrefix(e.Location, etcUnits))
	}
	slices.Sort(written)
	if diff := cmp.Diff([]string{"copy@home.service.d/overdue.conf", "copy@srv-x.service.d/overdue.conf", "linked.service.d/overdue.conf", "made.service.d/overdue.conf", "real.service.d/overdue.conf"}, written); diff != "" {
		t.Errorf("drop-ins (-want +got):\n%s", diff)
	}
}

func TestLoadUnit_AMaskedUnitDoesNotRun(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"off", "half", "empty", "gone"} {
		writeFile(t, root, libUnits+name+".timer", "[Timer]\nOnCalendar=daily\n")
		writeFile(t, root, libUnits+name+".service", oneshotService)
		writeSymlink(t, root, libUnits+name+".timer", etcUnits+"timers.target.wants/"+name+".timer")
	}
	writeSymlink(t, root, "/dev/null", etcUnits+"off.timer")
	writeFile(t, root, etcUnits+"empty.timer", "")
	writeSymlink(t, root, "/dev/null", etcUnits+"half.service")
	if err := os.Remove(filepath.Join(root, libUnits, "gone.timer")); err != nil {
		t.Fatal(err)
	}
	jobs, notes := discoverTimers(t, root)
	if diff := cmp.Diff([]string{"half.timer:0 root | at 00:00 every day, UTC | UTC | ! half.service is masked, so systemd does not start it"}, jobs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"empty.timer: is masked, so systemd never starts it", "gone.timer: there is no readable unit file", "off.timer: is masked, so systemd never starts it",
	}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestInheritDefault_UsesTheDefaultsOfTheServiceManager(t *testing.T) {
	root := t.TempDir()
	writeFile(t, root, libUnits+"x.timer", "[Timer]\nOnCalendar=daily\n")
	writeFile(t, root, libUnits+"x.service", oneshotService)
	writeFile(t, root, etcUnits+"timers.target.wants/x.timer", "")
	writeFile(t, root, "/etc/systemd/system.conf.d/slow.conf", "[Manager]\nDefaultTimerAccuracySec=1h\nDefaultTimeoutStopSec=15s\n")
	m := Machine{Root: root, Host: "web1", User: "root", Zone: "UTC", Now: noon}
	found := mustDiscover(t, m)
	if j := found.Jobs[0]; j.Grace.Hours() != 2 {
		t.Errorf("grace %s; want 2h", j.Grace)
	}
	if edits := planAll(m, found); len(edits) != 1 || !strings.Contains(string(edits[0].After), "exec timeout 13 ") {
		t.Errorf("the ping is not ended in time: %v", edits)
	}
}

func TestDiscover_NotesUserTimersThatItDoesNotRead(t *testing.T) {
	root := t.TempDir()
	writeFile(t, root, "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nal:x:1000:1000::/home/al:/bin/sh\nodd\nno:x:1:1::/:/bin/sh\n")
	writeFile(t, root, "/etc/systemd/user/timers.target.wants/all.timer", "")
	writeFile(t, root, "/home/al/.config/systemd/user/timers.target.wants/mine.timer", "")
	_, notes := discoverTimers(t, root)
	if diff := cmp.Diff([]string{
		"timers of all users are not read (all.timer): run discover as each user",
		"timers of al are not read (mine.timer): run discover as al",
	}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}
