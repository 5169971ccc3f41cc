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

// link makes a symbolic link in an image.
func link(t *testing.T, root, target, at string) {
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
	etc  = "/etc/systemd/system/"
	lib  = "/usr/lib/systemd/system/"
	once = "[Service]\nType=oneshot\nExecStart=/x\n"
)

// onlyTimers looks at an image and returns its jobs in rows, and the notes.
func onlyTimers(t *testing.T, root string) (jobs, notes []string) {
	t.Helper()
	put(t, root, "/etc/timezone", "UTC\n")
	found := look(t, Machine{Root: root, Host: "web1", User: "root", Now: noon})
	return rows(found), found.Notes
}

func TestDropIns_AreThoseThatSystemdReads(t *testing.T) {
	root := t.TempDir()
	put(t, root, lib+"pre-fix-a.timer", "[Timer]\nOnCalendar=daily\nPersistent=no\n")
	put(t, root, lib+"pre-fix-a.service", once)
	put(t, root, lib+"timer.d/50-type.conf", "[Timer]\nRandomizedDelaySec=1h\nAccuracySec=0\n")
	put(t, root, etc+"pre-.timer.d/20-when.conf", "[Timer]\nOnCalendar=\nOnCalendar=Tue 06:00\n")
	put(t, root, lib+"pre-fix-a.timer.d/20-when.conf", "[Timer]\nOnCalendar=hourly\n") // hidden: /etc comes first
	put(t, root, lib+"pre-fix-.timer.d/30-x.conf", "[Timer]\nPersistent=yes\n")
	put(t, root, lib+"pre-fix-a.timer.d/40-y.conf", "[Timer]\nOnCalendar=minutely\n")
	link(t, root, "/dev/null", etc+"pre-fix-a.timer.d/40-y.conf")
	if err := os.MkdirAll(filepath.Join(root, "/dev/null"), 0o755); err != nil { // no plain file, as on a machine
		t.Fatal(err)
	}
	put(t, root, lib+"pre-fix-a.timer.d/41-z.conf", "[Timer]\nOnCalendar=minutely\n")
	put(t, root, etc+"pre-fix-a.timer.d/41-z.conf", "")
	put(t, root, etc+"timers.target.wants/pre-fix-a.timer", "")
	put(t, root, etc+"service.d/10.conf", "[Service]\nUser=typed\n")
	jobs, notes := onlyTimers(t, root)
	if diff := cmp.Diff([]string{"pre-fix-a.timer:0 typed | at 06:00 on Tuesdays, UTC | UTC | web1-pre-fix-a"}, jobs); diff != "" || len(notes) > 0 {
		t.Errorf("notes %q (-want +got):\n%s", notes, diff)
	}
	found := look(t, Machine{Root: root, Host: "web1", User: "root", Now: noon})
	if j := found.Jobs[0]; j.Grace.Hours() != 2 || !j.Persistent {
		t.Errorf("grace %s, persistent %v; want 2h, from timer.d and pre-fix-.timer.d", j.Grace, j.Persistent)
	}
}

func TestDropInNames_GoFromTheUnitToItsPrefixes(t *testing.T) {
	for name, want := range map[string]string{
		"x.timer":           "x.timer",
		"a-b-c.timer":       "a-b-c.timer a-b-.timer a-.timer",
		"a-b@i-j.timer":     "a-b@i-j.timer a-b@.timer a-@.timer",
		"a-b@.timer":        "a-b@.timer a-@.timer",
		"a-.timer":          "a-.timer",
		"dots.in@1.2.timer": "dots.in@1.2.timer dots.in@.timer",
	} {
		if got := strings.Join(dropInNames(name), " "); got != want {
			t.Errorf("%s: %s; want %s", name, got, want)
		}
	}
}

func TestUnits_AreFoundBehindLinks(t *testing.T) {
	root := t.TempDir()
	put(t, root, lib+"real.timer", "[Timer]\nOnCalendar=daily\n")
	put(t, root, lib+"real.service", once)
	link(t, root, "/usr/lib/systemd/system/real.timer", etc+"other.timer") // an alias
	link(t, root, "real.timer", lib+"third.timer")
	put(t, root, etc+"other.timer.d/x.conf", "[Timer]\nAccuracySec=0\n") // counts: any name of the unit
	for _, name := range []string{"real", "other", "third"} {
		link(t, root, "/usr/lib/systemd/system/real.timer", etc+"timers.target.wants/"+name+".timer")
	}
	put(t, root, "/srv/app/linked.timer", "[Timer]\nOnCalendar=weekly\n")
	put(t, root, "/srv/app/linked.service", once)
	link(t, root, "/srv/app/linked.timer", etc+"linked.timer")
	link(t, root, "/srv/app/linked.service", etc+"linked.service")
	link(t, root, "/srv/app/linked.timer", etc+"app.target.requires/linked.timer")
	put(t, root, "/run/systemd/generator/made.timer", "[Timer]\nOnCalendar=monthly\n")
	put(t, root, "/run/systemd/generator.late/made.service", once)
	link(t, root, "../made.timer", "/run/systemd/generator/timers.target.wants/made.timer")
	put(t, root, lib+"copy@.timer", "[Timer]\nOnCalendar=*-*-* 04:00\nUnit=copy@%i.service\n")
	put(t, root, lib+"copy@.service", once)
	link(t, root, lib+"copy@.timer", etc+"timers.target.wants/copy@home.timer")
	link(t, root, lib+"copy@.timer", etc+"timers.target.wants/copy@srv-x.timer")
	jobs, notes := onlyTimers(t, root)
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
	for _, j := range look(t, m).Jobs {
		if j.Source == "real.timer" && j.Grace != time.Hour {
			t.Errorf("grace %s; want 1h, because the drop-in of another name sets the accuracy", j.Grace)
		}
	}
	var written []string
	for _, e := range wireAll(m, look(t, m)) {
		written = append(written, strings.TrimPrefix(e.Shown, etc))
	}
	slices.Sort(written)
	if diff := cmp.Diff([]string{"copy@home.service.d/overdue.conf", "copy@srv-x.service.d/overdue.conf", "linked.service.d/overdue.conf", "made.service.d/overdue.conf", "real.service.d/overdue.conf"}, written); diff != "" {
		t.Errorf("drop-ins (-want +got):\n%s", diff)
	}
}

func TestUnits_ThatAreMaskedDoNotRun(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"off", "half", "empty", "gone"} {
		put(t, root, lib+name+".timer", "[Timer]\nOnCalendar=daily\n")
		put(t, root, lib+name+".service", once)
		link(t, root, lib+name+".timer", etc+"timers.target.wants/"+name+".timer")
	}
	link(t, root, "/dev/null", etc+"off.timer")
	put(t, root, etc+"empty.timer", "")
	link(t, root, "/dev/null", etc+"half.service")
	if err := os.Remove(filepath.Join(root, lib, "gone.timer")); err != nil {
		t.Fatal(err)
	}
	jobs, notes := onlyTimers(t, root)
	if diff := cmp.Diff([]string{"half.timer:0 root | at 00:00 every day, UTC | UTC | ! half.service is masked, so systemd does not start it"}, jobs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"empty.timer: is masked, so systemd never starts it", "gone.timer: there is no unit file that can be read", "off.timer: is masked, so systemd never starts it",
	}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestUnits_InheritTheDefaultsOfTheManager(t *testing.T) {
	root := t.TempDir()
	put(t, root, lib+"x.timer", "[Timer]\nOnCalendar=daily\n")
	put(t, root, lib+"x.service", once)
	put(t, root, etc+"timers.target.wants/x.timer", "")
	put(t, root, "/etc/systemd/system.conf.d/slow.conf", "[Manager]\nDefaultTimerAccuracySec=1h\nDefaultTimeoutStopSec=15s\n")
	m := Machine{Root: root, Host: "web1", User: "root", Zone: "UTC", Now: noon}
	found := look(t, m)
	if j := found.Jobs[0]; j.Grace.Hours() != 2 {
		t.Errorf("grace %s; want 2h", j.Grace)
	}
	if edits := wireAll(m, found); len(edits) != 1 || !strings.Contains(string(edits[0].After), "exec timeout 13 ") {
		t.Errorf("the ping is not ended in time: %v", edits)
	}
}

func TestUserTimers_AreNotedWhereTheyAreNotRead(t *testing.T) {
	root := t.TempDir()
	put(t, root, "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nal:x:1000:1000::/home/al:/bin/sh\nodd\nno:x:1:1::/:/bin/sh\n")
	put(t, root, "/etc/systemd/user/timers.target.wants/all.timer", "")
	put(t, root, "/home/al/.config/systemd/user/timers.target.wants/mine.timer", "")
	_, notes := onlyTimers(t, root)
	if diff := cmp.Diff([]string{
		"timers of all users are not read (all.timer): run discover as each user",
		"timers of al are not read (mine.timer): run discover as al",
	}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}
