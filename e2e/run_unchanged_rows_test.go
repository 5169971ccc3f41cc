package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cat is a job that shows its state in /proc; it is not a shell.
func cat(file string) []string { return []string{"cat", "/proc/self/" + file} }

// facts are the fields of proc_pid_status(5) that a child inherits from its parent.
const facts = `^(Umask|Uid|Gid|Groups|Sig(Blk|Ign|Cgt)|NoNewPrivs|Seccomp|Cap|Cpus_allowed|Mems_allowed|THP_enabled)`

func TestRun_TheJobIsTheSameProcessAsWithout(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		before string
		job    []string
		clean  func(string) string
	}{
		"open descriptors":         {"exec 3</dev/null 4>>four 7<&0 9>/dev/null 6>&1 5>&2", []string{"ls", "-go", "--time-style=+", "/proc/self/fd"}, nil},
		"a lock with a big number": {"exec bash -c 'exec 200>lock 57</dev/null; exec \"$@\"' sh \"$@\"", []string{"ls", "-go", "--time-style=+", "/proc/self/fd"}, nil},
		"flags of a descriptor":    {"exec 3>>three", cat("fdinfo/3"), lines("flags")},
		"flags of standard input":  {"exec <mark 2>/dev/null || exec </etc/passwd", cat("fdinfo/0"), lines("flags|pos")},
		"status":                   {"", cat("status"), lines(facts)},
		"umask":                    {"umask 027", cat("status"), lines(facts)},
		"interrupts ignored":       {"trap '' INT HUP", cat("status"), lines(facts)},
		"nohup":                    {"exec env --ignore-signal=HUP \"$@\"", cat("status"), lines(facts)},
		"stop signals ignored":     {"exec env --ignore-signal=TSTP,TTIN,TTOU \"$@\"", cat("status"), lines(facts)},
		"signals blocked":          {"exec env --block-signal=USR1,USR2,PIPE,ALRM,WINCH \"$@\"", cat("status"), lines(facts)},
		"one processor":            {"exec taskset -c 0 \"$@\"", cat("status"), lines(facts)},
		"group and session":        {"", cat("stat"), fields},
		"a separate group":         {"set -m; exec setsid -w \"$@\"", cat("stat"), func(s string) string { return strings.Fields(fields(s))[4] }},
		"nice":                     {"exec nice -n 7 \"$@\"", cat("stat"), fields},
		"batch scheduling":         {"exec chrt -b 0 \"$@\"", cat("stat"), fields},
		"class of disk access":     {"exec ionice -c 3 \"$@\"", []string{"ionice"}, nil},
		"limits":                   {"exec prlimit --nofile=77:1000 --core=0:0 --stack=4194304:8388608 --cpu=600:700 --fsize=1000000:2000000 --memlock=4096:8192 --nproc=5000:6000 --rtprio=0:0 --msgqueue=1000:2000 \"$@\"", cat("limits"), nil},
		"limits as they are":       {"", cat("limits"), nil},
		"one limit for files":      {"ulimit -n 64", cat("limits"), nil},
		"environment":              {"export C=3; unset B", cat("environ"), nil},
		"an empty environment":     {"exec env -i A=1 \"$@\"", []string{"/bin/cat", "/proc/self/environ"}, nil},
		"working directory":        {"mkdir -p sub; cd sub", []string{"readlink", "/proc/self/cwd"}, nil},
		"a deleted directory":      {"mkdir -p gone; cd gone; rmdir ../gone", []string{"readlink", "/proc/self/cwd"}, nil},
		"arguments":                {"", append(cat("cmdline"), "/dev/null", ""), nil},
		"badness":                  {"echo 300 >/proc/self/oom_score_adj", cat("oom_score_adj"), nil},
		"core dumps":               {"echo 0x31 >/proc/self/coredump_filter", cat("coredump_filter"), nil},
		"control group":            {"", cat("cgroup"), nil},
		"addresses not random":     {"exec setarch -R \"$@\"", cat("personality"), nil},
		"slack of timers":          {"", cat("timerslack_ns"), nil},
		"audit session":            {"", cat("loginuid"), nil},
		"name spaces":              {"", []string{"readlink", "/proc/self/ns/pid", "/proc/self/ns/mnt", "/proc/self/ns/net", "/proc/self/ns/user"}, nil},
	} {
		for to, toFile := range map[string]bool{"pipe": false, "file": true} {
			t.Run(name+" to a "+to, func(t *testing.T) {
				compare(t, attempt{before: row.before, job: row.job, toFile: toFile}, row.clean)
			})
		}
	}
}

// awaitMark lets a job wait for the mark of another process, for two seconds.
const awaitMark = "i=0; until [ -s mark ] || [ $i -ge 100 ]; do sleep 0.02; i=$((i+1)); done; cat mark"

func TestRun_TheJobEndsAsWithout(t *testing.T) {
	t.Parallel()
	rows := map[string]attempt{
		"a descriptor that the job closes": {
			before: `{ "$@" 3>&1 >&4 4>&- | { cat; echo closed >mark; }; } 4>&1; exit`,
			job:    []string{"sh", "-c", "exec 3>&-; " + awaitMark},
		},
		"standard input that the job closes": {
			before: `{ trap '' PIPE; yes 2>/dev/null; echo closed >mark; } | "$@"; exit`,
			job:    []string{"sh", "-c", "exec <&-; " + awaitMark},
		},
		"a lock that what it leaves behind has closed": {
			before: `exec 9>lock; flock 9; "$@"; exec 9>&-; flock -n lock echo free; exit`,
			job:    []string{"sh", "-c", "(exec 9>&-; : >go; sleep 2; echo late) & until [ -e go ]; do sleep 0.02; done; echo now"},
		},
		"unread input stays unread": {before: `"$@"; exec cat`, job: []string{"true"}, stdin: "one\ntwo\n"},
		"read input is read":        {before: `"$@"; exec cat`, job: []string{"head", "-c", "4"}, stdin: "one\ntwo\n"},
		"input ends":                {job: []string{"wc", "-c"}, stdin: strings.Repeat("x", 300_000)},
		"closed output":             {before: "exec 2>&-", job: []string{"echo", "out"}},
		"a script without #!":       {before: "echo 'echo $1 $0; exit 3' >script; chmod +x script", job: []string{"./script", "hello"}},
		"a program in the current directory": {
			before: "echo 'echo here' >only-here; chmod +x only-here; PATH=$PATH:.", job: []string{"only-here"},
		},
		"nothing on standard error": {before: "exec 2>/dev/full", job: []string{"sh", "-c", "echo out; echo err >&2; echo $?"}},
		"a full disk": {before: "ulimit -f 1; exec >small", job: []string{"sh", "-c", "trap '' XFSZ; " +
			"head -c 2000000 /dev/zero 2>/dev/null; echo $? >mark"}},
		"order of both streams": {before: "exec 2>&1", job: []string{"sh", "-c", "i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done"}},
	}
	for _, sig := range []syscall.Signal{
		syscall.SIGTERM, syscall.SIGKILL, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGSEGV, syscall.SIGABRT,
		syscall.SIGUSR1, syscall.SIGPIPE, syscall.SIGALRM, syscall.SIGBUS, syscall.SIGSYS, syscall.SIGXCPU, 40, 64,
	} {
		rows[fmt.Sprintf("killed by signal %d", sig)] = attempt{before: "ulimit -c 0", job: []string{"sh", "-c", fmt.Sprintf("kill -%d $$", sig)}}
	}
	for name, a := range rows {
		t.Run(name, func(t *testing.T) { compare(t, a, nil) })
	}
}

func TestRun_EveryExitCodeIsThatOfTheJob(t *testing.T) {
	t.Parallel()
	// The wrapper of this row pings nowhere, which is quicker 256 times.
	dir := t.TempDir()
	a := attempt{dir: dir, most: 5 * time.Minute, job: []string{"sh", "-c", `n=0; while [ $n -le 255 ]; do
		"$0" run nowhere -- sh -c "exit $n" 2>/dev/null; echo $n $?; n=$((n+1)); done`, filepath.Join(binDir, "overdue")}}
	want := ""
	for n := range 256 {
		want += fmt.Sprintf("%d %d\n", n, n)
	}
	if got := a.start(t); got.Out != want {
		t.Errorf("exit codes: %s", got.Out)
	}
}

// background is a job that leaves a process behind, which writes to both streams
// after the job has ended, and marks that it lived to its end.
const background = `trap '' HUP; (i=0; while [ $i -lt 2 ]; do sleep 1; echo late $i; echo late >&2; i=$((i+1)); done; echo lived >mark) & trap - HUP; echo now`

func TestRun_ProcessesLeftInTheBackgroundLiveAndTheirOutputArrives(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]attempt{
		"two streams":             {job: []string{"sh", "-c", background}},
		"one stream":              {before: "exec 2>&1", job: []string{"sh", "-c", background}},
		"in another session":      {job: []string{"sh", "-c", "setsid sh -c \"$0\" & echo now", background}},
		"the old group is killed": {job: []string{"sh", "-c", "setsid sh -c \": >go; $0\" & until [ -e go ]; do sleep 0.02; done; echo now", background}, meet: killGroup},
		"the job fails":           {job: []string{"sh", "-c", background + "; exit 7"}},
		"the job is killed":       {job: []string{"sh", "-c", background + "; kill -9 $$"}},
		"a lot":                   {job: []string{"sh", "-c", "(sleep 0.5; head -c 3000000 /dev/zero; echo lived >mark) & echo now"}},
		"a logger of the job":     {job: []string{"bash", "-c", "exec > >(sleep 0.1; tee mark) 2>&1; echo logged"}},
		"the hang-up of a login":  {job: []string{"sh", "-c", background}, meet: hangUp},
		"the reader goes away":    {job: []string{"sh", "-c", "(trap '' PIPE; while echo line 2>/dev/null; do sleep 0.05; done; echo stopped >mark) & sleep 0.3"}, meet: goAway},
		"the output is closed":    {job: []string{"sh", "-c", "(exec >&- 2>&-; sleep 0.5; echo lived >mark) & echo now"}, meet: untilMark},
		"a file":                  {job: []string{"sh", "-c", background}, toFile: true, meet: untilMark},
		"it ignores all it can":   {job: []string{"sh", "-c", "trap '' HUP INT TERM QUIT; " + background}, meet: hangUp},
		"only one stream is kept": {job: []string{"sh", "-c", "(exec 2>&-; sleep 0.6; echo late; echo lived >mark) & echo now"}},
	} {
		t.Run(name, func(t *testing.T) { compare(t, a, nil) })
	}
}

// ended reports whether the process that was started has ended.
func (m *meeting) ended() bool { return over(m.cmd.Process.Pid) }

// over reports whether a process has ended, even if its parent has not noticed.
func over(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// awaitEnd waits until the process that was started has ended.
func (m *meeting) awaitEnd() {
	for began := time.Now(); !m.ended(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > longestRun/2 {
			m.t.Fatal("the started process waits for the process in the background")
		}
	}
}

// hangUp sends the signal of a terminal that goes away to the whole group,
// once the job has ended.
func hangUp(m *meeting) {
	m.awaitEnd()
	_ = syscall.Kill(-m.cmd.Process.Pid, syscall.SIGHUP) // nothing of it may be left
}

// killGroup kills the whole group, once the job has ended.
func killGroup(m *meeting) {
	m.awaitEnd()
	_ = syscall.Kill(-m.cmd.Process.Pid, syscall.SIGKILL) // nothing of it may be left
}

// goAway reads a little and closes the output.
func goAway(m *meeting) {
	if _, err := m.read.Read(make([]byte, 3)); err != nil {
		m.t.Fatal(err)
	}
	time.Sleep(time.Second)
	_ = m.read.Close() // writers get SIGPIPE
	untilMark(m)
}

// marked is the process whose id is the mark.
func (m *meeting) marked() (pid int) {
	untilMark(m)
	text, err := os.ReadFile(filepath.Join(m.dir, "mark"))
	if err != nil {
		m.t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(text), &pid); err != nil {
		m.t.Fatalf("mark %q: %v", text, err)
	}
	return pid
}

// untilMark waits until the job has left its mark.
func untilMark(m *meeting) {
	for began := time.Now(); time.Since(began) < longestRun/2; time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(filepath.Join(m.dir, "mark")); err == nil && len(text) > 0 {
			return
		}
	}
	m.t.Error("the process in the background left no mark")
}

func TestRun_EndsWithTheJobAndNotWithWhatItLeavesBehind(t *testing.T) {
	t.Parallel()
	a := attempt{dir: t.TempDir(), wrap: wrapper(t), job: []string{"sh", "-c", "sleep 100 & echo $! >mark"}, meet: func(m *meeting) {
		m.awaitEnd()
		if err := syscall.Kill(m.marked(), syscall.SIGKILL); err != nil {
			m.t.Errorf("the process in the background did not survive: %v", err)
		}
	}}
	a.start(t) // returns when the output is closed
}

func TestRun_AJobWhoseReaderHasGoneEndsAtItsNextWrite(t *testing.T) {
	t.Parallel()
	compare(t, attempt{job: []string{"sh", "-c", "echo one; until [ -e go ]; do sleep 0.02; done; echo two; echo three >mark; exit 3"}, meet: func(m *meeting) {
		if _, err := m.read.Read(make([]byte, 10)); err != nil {
			m.t.Fatal(err)
		}
		_ = m.read.Close() // that is the point
		time.Sleep(200 * time.Millisecond)
		if err := os.WriteFile(filepath.Join(m.dir, "go"), nil, 0o600); err != nil {
			m.t.Fatal(err)
		}
	}}, nil)
}
