//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// packagesDir keeps the packages from one run to the next.
var packagesDir = filepath.Join(os.TempDir(), "overdue-cron-packages")

// buildOverdue builds the program and returns its directory.
var buildOverdue = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "overdue-cron-test-")
	if err != nil {
		return "", err
	}
	// A job of alice writes to it.
	return dir, firstError(os.Chmod(dir, 0o755), command(context.Background(), "", "go", "build", "-o", filepath.Join(dir, "overdue"), "overdue"))
})

// fetchedPackages downloads the packages once.
var fetchedPackages = sync.OnceValues(func() (packageDir, error) { return fetchDaemons(context.Background(), packagesDir) })

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := buildOverdue(); err == nil {
		_ = os.RemoveAll(dir) // the system removes the rest
	}
	os.Exit(code)
}

// prepareDaemons fetches the daemons and builds the program.
func prepareDaemons(t *testing.T) (d packageDir, overdue, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("the cron daemons run in private namespaces, which only root can make: run this test as root")
	}
	d, err := fetchedPackages()
	if err != nil {
		t.Fatal(err)
	}
	dir, err = buildOverdue()
	if err != nil {
		t.Fatal(err)
	}
	return d, filepath.Join(dir, "overdue"), dir
}

// This test runs four of the five daemons. busybox needs the real clock, so only the command runs
// it.
func TestDiscover_JobsRunTheSameUnderTheRealDaemons(t *testing.T) {
	t.Parallel()
	d, overdue, dir := prepareDaemons(t)
	for _, name := range []string{"cron", "cronie", "bcron", "systemd-cron"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			results := make(chan trialResult, 3)
			worlds, err := os.MkdirTemp(dir, name+"-")
			if err == nil {
				err = os.Chmod(worlds, 0o755) // a job of alice writes to it
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, with := range []string{"", "run", "curl"} {
				go func() {
					results <- runTrial(ctx, daemonTrial{daemon: name, method: with, dir: filepath.Join(worlds, "with-"+with), overdue: overdue, packages: d, ticks: 2})
				}()
			}
			byWiring := map[string]trialResult{}
			for range 3 {
				r := <-results
				byWiring[r.method] = r
			}
			if len(byWiring[""].jobOutput) < len(jobs) {
				t.Fatalf("before the edit, only these jobs ran: %v, %v", byWiring[""].jobOutput, byWiring[""].err)
			}
			for _, with := range []string{"", "run", "curl"} {
				for _, problem := range differences(byWiring[""], byWiring[with]) {
					t.Errorf("wired with %q: %s", with, problem)
				}
				if with != "" && !strings.Contains(byWiring[with].discoverOutput, "cron daemon: "+name) {
					t.Errorf("the daemon is not named: %s", byWiring[with].discoverOutput)
				}
			}
		})
	}
}

// Containers run as user ids that are not in /etc/passwd.
func TestDiscover_AUserWithoutANameCanRunIt(t *testing.T) {
	t.Parallel()
	_, overdue, dir := prepareDaemons(t)
	image := filepath.Join(dir, "image")
	if err := os.MkdirAll(image, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := command(t.Context(), "", "setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", overdue, "discover", "--root", image); err != nil {
		t.Error(err)
	}
}

// crontab(1) of Debian's cron says which files its daemon reads. Those are edited and stay valid;
// the others are not edited. A second run writes nothing, and the backups restore the original
// files.
func TestDiscover_EditedCrontabsStayValid(t *testing.T) {
	t.Parallel()
	d, overdue, dir := prepareDaemons(t)
	for _, with := range []string{"run", "curl"} {
		t.Run(with, func(t *testing.T) {
			t.Parallel()
			w, err := newTestMachine(filepath.Join(dir, "corpus-"+with), "cron")
			if err == nil {
				err = w.install(d)
			}
			if err != nil {
				t.Fatal(err)
			}
			c := &crontabCorpus{testMachine: w, packages: d, plain: filepath.Join(dir, "plain-"+with), before: map[string]string{}}
			c.writeAll(t)
			valid := c.daemonVerdicts(t)
			m := newPingServer()
			defer m.Close()
			said, err := m.discoverAndEdit(t.Context(), overdue, w, with, false)
			if err != nil {
				t.Fatal(err)
			}
			edited := c.countEdited(t, said, valid)
			if again, err := m.discoverAndEdit(t.Context(), overdue, w, with, false); err != nil || !strings.Contains(again, "Nothing to write.") {
				t.Errorf("a second run: %v, %s", err, again)
			}
			if restored := c.restoreAll(t, said); edited < 50 || restored < edited {
				t.Errorf("%d files were edited and %d restored; want at least 50", edited, restored)
			}
		})
	}
}

// crontabCorpus is a machine with generated crontabs, and the same crontabs without users for
// crontab(1).
type crontabCorpus struct {
	*testMachine
	packages packageDir
	plain    string
	before   map[string]string // by name
}

// writeAll writes the crontabs.
func (c *crontabCorpus) writeAll(t *testing.T) {
	t.Helper()
	r := rand.New(rand.NewPCG(2027, 3))
	for n := range 150 {
		name := fmt.Sprintf("f%03d", n)
		withUser, own := generateCrontab(r)
		c.before[name] = withUser
		if err := firstError(c.write("/etc/cron.d/"+name, withUser), os.MkdirAll(c.plain, 0o755), os.WriteFile(filepath.Join(c.plain, name), []byte(own), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// content returns the content of a crontab.
func (c *crontabCorpus) content(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.root, "etc/cron.d", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// countEdited checks that files that crontab(1) rejects are reported and not edited, and that the
// others stay valid. It returns how many files were edited.
func (c *crontabCorpus) countEdited(t *testing.T, said string, valid map[string]bool) (edited int) {
	t.Helper()
	for name, text := range c.before {
		now := c.content(t, name)
		ignored := strings.Contains(said, "/etc/cron.d/"+name+": Debian's cron ignores the whole file")
		if ignored == valid[name] || ignored && now != text {
			t.Errorf("%s: crontab(1) accepts it: %v; discover says that it is ignored: %v; changed: %v\n%s", name, valid[name], ignored, now != text, text)
		}
		if now != text {
			edited++
		}
		if err := os.WriteFile(filepath.Join(c.plain, name), []byte(withoutUser(now)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, good := range c.daemonVerdicts(t) {
		if good != valid[name] {
			t.Errorf("%s: crontab(1) accepts it: %v before and %v after the edit", name, valid[name], good)
		}
	}
	return edited
}

// restoreAll runs the commands that the edit printed.
func (c *crontabCorpus) restoreAll(t *testing.T, said string) (restored int) {
	t.Helper()
	for line := range strings.Lines(said) {
		if _, restore, ok := strings.Cut(strings.TrimSpace(line), "; to restore it: "); ok {
			if err := command(t.Context(), "", "sh", "-c", restore); err != nil {
				t.Error(err)
			}
			restored++
		}
	}
	for name, text := range c.before {
		if c.content(t, name) != text {
			t.Errorf("%s is not restored", name)
		}
	}
	return restored
}

// daemonVerdicts returns the results of crontab -n for the crontabs.
func (c *crontabCorpus) daemonVerdicts(t *testing.T) map[string]bool {
	t.Helper()
	list := c.plain + ".verdicts"
	script := "mkdir -p /var/spool/cron/crontabs\n(" + checkAll(c.packages.file("cron", "usr/bin/crontab"), c.plain) + ") > " + list
	if err := c.runInNamespace(t.Context(), script); err != nil {
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
