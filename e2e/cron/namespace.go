//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// namespace sets up the test machine: private mounts and processes, the network of the host. Its
// first argument is the root of the machine; the rest is the command to run in it.
const namespace = `set -e
root=$1; shift
mount --make-rprivate /
mount -t tmpfs none /mnt
mkdir /mnt/up /mnt/work
cp -a "$root/etc/." /mnt/up/
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/up,workdir=/mnt/work none /etc
mount --bind "$root/etc/cron.d" /etc/cron.d
mount -t tmpfs none /var/spool
mkdir /var/spool/cron
mount --bind "$root/var/spool/cron" /var/spool/cron
mount -t tmpfs none /run
mount -t tmpfs -o mode=1777 none /dev/shm
mkdir -p /run/systemd
export TZ=UTC LC_ALL=C
`

// clockSpeed is the factor by which the clock of a daemon runs faster.
const clockSpeed = 10

// fakeTimeLibrary is the environment of a program with a faster clock.
func fakeTimeLibrary(d packageDir) string {
	return fmt.Sprintf(`FAKETIME='@2027-03-01 10:00:30 x%d' FAKETIME_DISABLE_SHM=1 LD_PRELOAD=%s `,
		clockSpeed, d.file("libfaketime", "usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"))
}

// daemonScript is a script that runs the daemon in the foreground.
func (w *testMachine) daemonScript(d packageDir) string {
	switch w.daemon {
	case "cron":
		return fakeTimeLibrary(d) + "exec " + w.root + "/usr/sbin/cron -f"
	case "cronie":
		var dirs []string
		for _, pkg := range newerPackages[1:] {
			dirs = append(dirs, d.file(pkg, "usr/lib/x86_64-linux-gnu"), d.file(pkg, "lib/x86_64-linux-gnu"))
		}
		loader := d.file("libc6", "usr/lib64/ld-linux-x86-64.so.2")
		if _, err := os.Stat(loader); err != nil {
			loader = d.file("libc6", "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
		}
		return fakeTimeLibrary(d) + "exec " + loader + " --library-path " + strings.Join(dirs, ":") + " " + w.root + "/usr/sbin/crond -n -m off"
	case "bcron":
		return strings.NewReplacer("SBIN", w.root+"/usr/sbin", "LIBBG", d.file("libbg2", "usr/lib"), "FAKED", fakeTimeLibrary(d)).Replace(`
mkdir -p /var/spool/cron/tmp
rm -f /var/spool/cron/trigger
mkfifo -m 600 /var/spool/cron/trigger
chown -R cron /var/spool/cron
export PATH=/run:SBIN:$PATH BCRON_USER=cron LD_LIBRARY_PATH=LIBBG
# Only the scheduler has the other clock: bcron-start runs as root and would own what its child needs.
printf '%s\n' '#!/bin/sh' "FAKED exec SBIN/bcron-sched" > /run/bcron-sched
chmod 755 /run /run/bcron-sched
bcron-update /etc/crontab /etc/cron.d >/dev/null 2>&1 &
sleep 0.7
bcron-start`)
	case "busybox":
		return "exec " + w.root + "/usr/sbin/crond -f -c /var/spool/cron/crontabs"
	}
	return ""
}

// runDaemon runs the daemon until the tick job has run the given number of times, and a moment
// longer.
func (w *testMachine) runDaemon(ctx context.Context, d packageDir, ticks int) error {
	if w.daemon == "systemd-cron" {
		return w.runSystemdUnits(ctx, ticks)
	}
	logs := filepath.Dir(w.logDir)
	out, err := os.Create(filepath.Join(logs, "daemon.out"))
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command("unshare", "-m", "-p", "-f", "--mount-proc", "--kill-child", "sh", "-c", namespace+w.daemonScript(d), "sh", w.root)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its child is the first process of the namespace
		<-ended
	}()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %d of %d runs: %w", w.daemon, len(w.jobOutput()[tickJob]), ticks, ctx.Err())
		case err := <-ended:
			ended <- err
			text, _ := os.ReadFile(out.Name()) // just written
			return fmt.Errorf("%s: ended: %w: %s", w.daemon, errors.Join(err), text)
		case <-time.After(100 * time.Millisecond):
		}
		if len(w.jobOutput()[tickJob]) >= ticks {
			time.Sleep(2500 * time.Millisecond) // until the scheduler has started the other jobs of this minute
			stopProcesses(cmd.Process.Pid)
			w.waitUntilIdle(cmd.Process.Pid)
			return nil
		}
	}
}

// process is a process in the namespace of a machine.
type process struct {
	parent int
	name   string
	ended  bool
}

// processes returns the processes in the namespace of unshare, by pid, and the first of them.
func processes(unshare int) (first int, all map[int]process) {
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", unshare, unshare)) // one process, if it has not ended
	first, err := strconv.Atoi(strings.TrimSpace(string(children)))
	if err != nil {
		return 0, nil
	}
	space, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", first))
	paths, _ := filepath.Glob("/proc/[0-9]*") // a constant pattern
	all = map[int]process{}
	for _, path := range paths {
		its, _ := os.Readlink(path + "/ns/pid")
		stat, err := os.ReadFile(path + "/stat")
		pid, name, state, parent := 0, "", "", 0
		before, after, ok := strings.Cut(string(stat), ") ") // no process name here has a bracket (proc_pid_stat(5))
		if err != nil || its != space || !ok {
			continue // it has ended, or is not in this namespace
		}
		if _, err := fmt.Sscanf(strings.Replace(before, "(", "", 1), "%d %s", &pid, &name); err != nil {
			continue
		}
		if _, err := fmt.Sscanf(after, "%s %d", &state, &parent); err == nil {
			all[pid] = process{parent: parent, name: name, ended: state == "Z"}
		}
	}
	return first, all
}

// stopProcesses stops the scheduler in a namespace, and lets running jobs continue. The scheduler
// is the first process there, or that of bcron.
func stopProcesses(unshare int) {
	first, all := processes(unshare)
	for pid, p := range all {
		if pid == first || p.name == "bcron-sched" {
			_ = syscall.Kill(pid, syscall.SIGSTOP) // it may have ended
		}
	}
}

// hasRunningJobs reports whether a job in a namespace is running or starting. bcron itself consists of
// several processes. The processes that bcron-exec starts are jobs, even before their names change.
func hasRunningJobs(unshare int) bool {
	first, all := processes(unshare)
	for pid, p := range all {
		if pid == first || p.ended {
			continue
		}
		if !strings.HasPrefix(p.name, "bcron-") || all[p.parent].name == "bcron-exec" {
			return true
		}
	}
	return false
}

// waitUntilIdle waits until no job runs and none has written anything for a while. On a busy
// machine a job can need many seconds to start a program, so silence alone does not mean that all
// have ended.
func (w *testMachine) waitUntilIdle(unshare int) {
	before, since := "", 0
	for range 360 {
		time.Sleep(250 * time.Millisecond)
		if now := fmt.Sprint(w.jobOutput()); now != before || hasRunningJobs(unshare) {
			before, since = now, 0
		}
		if since++; since > 12 {
			return
		}
	}
}

// runSystemdUnits runs the generator of systemd-cron, and then each service as often as its timer
// would. The environment is that of a system service: systemd sets SHELL only with User=.
func (w *testMachine) runSystemdUnits(ctx context.Context, ticks int) error {
	units := filepath.Join(filepath.Dir(w.logDir), "units")
	if err := os.MkdirAll(units, 0o755); err != nil {
		return err
	}
	generator := w.root + "/lib/systemd/system-generators/systemd-crontab-generator"
	if err := w.runInNamespace(ctx, generator+" "+units); err != nil {
		return err
	}
	timers, err := filepath.Glob(units + "/cron.target.wants/*.timer")
	if err != nil {
		return err
	}
	for _, timer := range timers {
		text, err := os.ReadFile(units + "/" + strings.TrimSuffix(filepath.Base(timer), ".timer") + ".service")
		if err != nil {
			return err
		}
		if err := w.runInNamespace(ctx, serviceScript(string(text), ticks)); err != nil {
			return err
		}
	}
	return nil
}

// serviceScript is a script that starts the command of a service as systemd does, a number of
// times.
func serviceScript(unit string, times int) string {
	start, user, environment := "", "", "PATH=/usr/sbin:/usr/bin:/sbin:/bin "
	for line := range strings.Lines(unit) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "ExecStart":
			start = value
		case "User":
			user, environment = "setpriv --reuid "+value+" --regid "+value+" --clear-groups ", environment+"HOME=/tmp SHELL=/bin/bash USER="+value+" "
		case "Environment":
			environment += value + " "
		}
	}
	return fmt.Sprintf("i=0; while [ $i -lt %d ]; do env -i %s%s%s || true; i=$((i+1)); done", times, environment, user, start)
}

// runInNamespace runs a script in the namespace of the machine.
func (w *testMachine) runInNamespace(ctx context.Context, script string) error {
	cmd := exec.CommandContext(ctx, "unshare", "-m", "-p", "-f", "--mount-proc", "--kill-child", "sh", "-c", namespace+script, "sh", w.root)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", w.daemon, err, out.String())
	}
	return nil
}
