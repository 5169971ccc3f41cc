package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// packagesDir is where the packages are kept from one run to the next.
var packagesDir = filepath.Join(os.TempDir(), "overdue-cron-packages")

// prepared fetches the daemons and builds the program.
func prepared(t *testing.T) (d daemons, overdue, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("the cron daemons run in namespaces of their own, which only root can make: run this test as root")
	}
	d, err := fetch(t.Context(), packagesDir)
	if err != nil {
		t.Fatal(err)
	}
	dir, err = os.MkdirTemp("", "overdue-cron-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // a job of alice writes below it
		t.Fatal(err)
	}
	overdue = filepath.Join(dir, "overdue")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", overdue, "overdue").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	return d, overdue, dir
}

// TestDiscover_JobsRunTheSameUnderTheRealDaemons runs four of the five daemons; busybox, which has only the real clock,
// is in the command.
func TestDiscover_JobsRunTheSameUnderTheRealDaemons(t *testing.T) {
	d, overdue, dir := prepared(t)
	for _, name := range []string{"cron", "cronie", "bcron", "systemd-cron"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			results := make(chan result, 3)
			for _, with := range []string{"", "run", "curl"} {
				go func() {
					results <- measure(t.Context(), trial{daemon: name, with: with, dir: filepath.Join(dir, name+"-"+with), overdue: overdue, packages: d, ticks: 2})
				}()
			}
			byWiring := map[string]result{}
			for range 3 {
				r := <-results
				byWiring[r.with] = r
			}
			if len(byWiring[""].seen) < len(jobs) {
				t.Fatalf("before, only these jobs ran: %v, %v", byWiring[""].seen, byWiring[""].err)
			}
			for _, with := range []string{"", "run", "curl"} {
				for _, problem := range differences(byWiring[""], byWiring[with]) {
					t.Errorf("wired with %q: %s", with, problem)
				}
				if with != "" && !strings.Contains(byWiring[with].said, "cron daemon: "+name) {
					t.Errorf("the daemon is not named: %s", byWiring[with].said)
				}
			}
		})
	}
}

// TestDiscover_EditedCrontabsStayValid: crontab(1) of Debian's cron says which files its daemon reads. Those are edited, and are
// valid afterwards; the others are left alone. A second run writes nothing, and the copies restore what was there.
func TestDiscover_EditedCrontabsStayValid(t *testing.T) {
	d, overdue, dir := prepared(t)
	for _, with := range []string{"run", "curl"} {
		w, err := newWorld(filepath.Join(dir, "corpus-"+with), "cron")
		if err == nil {
			err = w.install(d)
		}
		if err != nil {
			t.Fatal(err)
		}
		plain := filepath.Join(dir, "plain-"+with)
		before := map[string]string{}
		r := rand.New(rand.NewPCG(2027, 3))
		for n := range 150 {
			name := fmt.Sprintf("f%03d", n)
			withUser, own := crontab(r)
			before[name] = withUser
			if err := firstError(w.write("/etc/cron.d/"+name, withUser), os.MkdirAll(plain, 0o755), os.WriteFile(filepath.Join(plain, name), []byte(own), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		valid := verdicts(t, w, d, plain)
		m := newMonitor()
		defer m.Close()
		said, err := m.edit(t.Context(), overdue, w, with, false)
		if err != nil {
			t.Fatal(err)
		}
		edited := 0
		for name, text := range before {
			ignored := strings.Contains(said, "/etc/cron.d/"+name+": Debian's cron ignores the whole file")
			now, err := os.ReadFile(filepath.Join(w.root, "etc/cron.d", name))
			if err != nil || ignored == valid[name] || ignored && string(now) != text {
				t.Errorf("%s: crontab(1) takes it: %v; discover says that it is ignored: %v; changed: %v\n%s", name, valid[name], ignored, string(now) != text, text)
			}
			if string(now) != text {
				edited++
			}
			if err := os.WriteFile(filepath.Join(plain, name), []byte(withoutUser(string(now))), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for name, good := range verdicts(t, w, d, plain) {
			if good != valid[name] {
				t.Errorf("%s: crontab(1) takes it: %v before and %v after the edit", name, valid[name], good)
			}
		}
		if again, err := m.edit(t.Context(), overdue, w, with, false); err != nil || !strings.Contains(again, "Nothing to write.") {
			t.Errorf("a second run: %v, %s", err, again)
		}
		restored := 0
		for line := range strings.Lines(said) {
			if _, restore, ok := strings.Cut(strings.TrimSpace(line), "; to restore it: "); ok {
				if out, err := exec.CommandContext(t.Context(), "sh", "-c", restore).CombinedOutput(); err != nil {
					t.Errorf("%s: %v %s", restore, err, out)
				}
				restored++
			}
		}
		for name, text := range before {
			if now, err := os.ReadFile(filepath.Join(w.root, "etc/cron.d", name)); err != nil || string(now) != text {
				t.Errorf("%s is not restored: %v", name, err)
			}
		}
		if edited < 50 || restored < edited {
			t.Errorf("%d files were edited and %d restored; want at least 50", edited, restored)
		}
	}
}

// verdicts are what crontab -n says of the files of a directory.
func verdicts(t *testing.T, w *world, d daemons, dir string) map[string]bool {
	t.Helper()
	list := filepath.Join(filepath.Dir(dir), "verdicts")
	script := "mkdir -p /var/spool/cron/crontabs\n(" + checkAll(d.file("cron", "usr/bin/crontab"), dir) + ") > " + list
	if err := w.inside(t.Context(), script); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		name, verdict, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[name] = verdict == "good"
	}
	return all
}
