package discover

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"overdue/internal/discover/crontab"
)

const aURL = "https://o.example.org/api/v1/hb/0c1d8f0e-7d5b-4c55-9a0b-6a8f5a5e3c11"

func TestWrapCommand_WritesExactlyTheseLines(t *testing.T) {
	for _, c := range []struct {
		with    PingMethod
		command string
		direct  bool
		want    string
	}{
		{PingWithRun, "/opt/backup.sh --full", true, `/usr/bin/overdue run URL -- /opt/backup.sh --full`},
		{PingWithRun, "/opt/backup.sh --full", false, `/usr/bin/overdue run URL -- "${SHELL:-/bin/sh}" -c '/opt/backup.sh --full'`},
		{PingWithRun, `a | b 'c' # d`, false, `/usr/bin/overdue run URL -- "${SHELL:-/bin/sh}" -c 'a | b '\''c'\'' # d'`},
		{PingWithCurl, "/opt/backup.sh", true, `/opt/backup.sh; s=$?; curl -fsS -m 10 --retry 5 --retry-connrefused --retry-all-errors --retry-max-time 45 -o /dev/null -X POST URL/$s; exit $s`},
		{PingWithCurl, `a && exit 3`, false, `"${SHELL:-/bin/sh}" -c 'a && exit 3'; s=$?; curl -fsS -m 10 --retry 5 --retry-connrefused --retry-all-errors --retry-max-time 45 -o /dev/null -X POST URL/$s; exit $s`},
	} {
		got, err := PingSettings{Method: c.with, Program: "/usr/bin/overdue"}.wrapCommand(crontab.Entry{Command: c.command}, aURL, c.direct)
		if want := strings.ReplaceAll(c.want, "URL", aURL); err != nil || got != want {
			t.Errorf("%s %s:\n got %s (%v)\nwant %s", c.with, c.command, got, err, want)
		}
	}
}

func TestValidate_RejectsShellSyntaxInURLAndPath(t *testing.T) {
	for _, url := range []string{
		"", "https://o/api; rm -rf /", "https://o/$(id)", "https://o/a%20b", "https://o/a\nb", "ftp://o/a", "https://o/'x'", "https://o/a b", "https://o/a?b", "https://o/`id`",
	} {
		if _, err := (PingSettings{Method: PingWithCurl}).wrapCommand(crontab.Entry{Command: "x"}, url, false); err == nil {
			t.Errorf("%q was taken for a ping URL", url)
		}
	}
	for _, program := range []string{"", "overdue", "/opt/my tools/overdue", "/opt/%/overdue", "/opt/$x", "/opt/a;b", "/opt/a\n"} {
		if _, err := (PingSettings{Method: PingWithRun, Program: program}).wrapCommand(crontab.Entry{Command: "x"}, aURL, false); err == nil {
			t.Errorf("%q was taken for a program", program)
		}
	}
	if _, err := (PingSettings{Method: "wget"}).wrapCommand(crontab.Entry{Command: "x"}, aURL, false); err == nil {
		t.Error("wget was taken for a way to ping")
	}
	long := crontab.Entry{Command: strings.Repeat("x", 700), Stdin: "%" + strings.Repeat("y", 200)}
	if _, err := (PingSettings{Method: PingWithCurl}).wrapCommand(long, aURL, false); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a line that cron would reject: %v", err)
	}
}

// commands are typical crontab commands. They can write to the file out.
var commands = []string{
	`echo hello`,
	`echo one; echo two >&2; exit 3`,
	`false`,
	`echo a b c | tr a-z A-Z | sed "s/ /-/g"`,
	`echo "it's" 'a "b"' \"c\" $((1+2)) # trailing ' comment`,
	`cd /tmp && pwd && test -d /nowhere`,
	`A=1 B="2 3" sh -c 'echo $A $B; exit 7'`,
	`export X=5; echo $X $0 $#`,
	`echo $HOME; echo "${HOME}"; echo '$HOME'`,
	`{ echo in braces; exit 4; } 2>&1`,
	`( exec sh -c 'echo sub; exit 9' )`,
	`exec sh -c 'exit 11'`,
	`echo to file > "$OUT" 2>&1; cat "$OUT"; rm "$OUT"`,
	`test -x /usr/sbin/nothing || { cd / && echo $PWD; }`,
	`[ -e /nowhere ] && echo no`,
	`date -d @0 -u +\%Y-\%m-\%d`,
	`printf '\%s\n' a b; printf "100\%\%\n"`,
	`cat%first line%second line%`,
	`wc -l; cat%a%b\%c%d`,
	`read x; echo "got $x"%answer`,
	`cat%it's "quoted" $HOME`,
	`kill -9 $$`,
	`nosuchprogram --now`,
	`echo "unbalanced`,
	`echo back\\slash \$HOME \'`,
	`for i in 1 2 3; do echo $i; done; (exit 5)`,
	`case x in x) echo x;; esac & wait`,
	`true && exit`,
	`echo é ü 日本`,
}

func TestWrapCommand_DoesNotChangeWhatTheCommandDoes(t *testing.T) {
	bin := fakePrograms(t)
	for _, c := range []struct {
		shell string
		set   bool // SHELL, by the daemon
		named bool // in the line
	}{{"/bin/sh", true, false}, {"/bin/bash", true, false}, {"/bin/sh", false, false}, {"/bin/bash", false, true}} {
		shell := c.shell
		for _, text := range commands {
			command, input := crontab.SplitStdin(text)
			e := crontab.Entry{Command: command, Stdin: input, NamesShell: c.named, Environment: crontab.Environment{Shell: shell}}
			want := runAsDaemon(t, shell, bin, text, c.set)
			for _, with := range []PingMethod{PingWithRun, PingWithCurl} {
				wired, err := PingSettings{Method: with, Program: filepath.Join(bin, "overdue")}.wrapCommand(e, aURL, false)
				if err != nil {
					t.Fatal(err)
				}
				got := runAsDaemon(t, shell, bin, wired+input, c.set)
				if told := aURL + "/" + strconv.Itoa(want.code); with == PingWithCurl && got.pinged != told {
					t.Errorf("%s: %s ended with %d and told %q", shell, text, want.code, got.pinged)
				}
				got.pinged = ""
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(commandResult{})); diff != "" {
					t.Errorf("%s: %s with %s (-before +after):\n%s", shell, text, with, diff)
				}
			}
		}
	}
}

func TestWrapCommand_StartsPlainProgramsWithoutAShell(t *testing.T) {
	root := t.TempDir()
	writeFile(t, root, "/opt/script.sh", "#!/bin/sh\nexit 0\n")
	writeFile(t, root, "/opt/binary", "\x7fELF\x02\x01")
	writeFile(t, root, "/opt/bare.sh", "exit 0\n")
	for command, want := range map[string]bool{
		"/opt/script.sh": true, "/opt/script.sh --full a=b x:y": true, "/opt/binary ": true,
		"/opt/bare.sh": false, "/opt/none": false, "script.sh": false, "/opt/script.sh > /dev/null": false, "/opt/script.sh $X": false,
		"/opt/script.sh ~/x": false, "/opt/script.sh *": false, "/opt/script.sh a;b": false, "/opt/script.sh 'x'": false, "A=1 /opt/script.sh": false,
		`/opt/script.sh \%`: false, "/opt/script.sh # c": false, "/opt/script.sh &": false, "": false,
	} {
		if got := (Machine{Root: root}).startsWithoutShell(command); got != want {
			t.Errorf("%q: %v; want %v", command, got, want)
		}
	}
}

// commandResult contains the output and exit code of a job, and the pings.
type commandResult struct {
	out, err string
	code     int
	pinged   string
}

// fakePrograms is a directory with an overdue and a curl. The former runs the command after the
// dashes, the latter records its last argument.
func fakePrograms(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	for name, text := range map[string]string{
		"overdue": "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec \"$@\"\n",
		"curl":    "#!/bin/sh\nfor last; do :; done\necho \"$last\" > \"$PINGED\"\nexit 22\n",
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}

// runAsCron runs a command as Debian's cron does: an escaped % is a %, the first unescaped one ends
// the command, and each further one is a newline of standard input.
func runAsCron(t *testing.T, shell, bin, text string) commandResult {
	t.Helper()
	return runAsDaemon(t, shell, bin, text, true)
}

// runAsDaemon is runAsCron for a daemon that sets SHELL only if setsShell is true.
func runAsDaemon(t *testing.T, shell, bin, text string, setsShell bool) commandResult {
	t.Helper()
	command, input := crontab.SplitStdin(text)
	command = strings.ReplaceAll(command, `\%`, "%")
	if input != "" {
		input = strings.NewReplacer(`\%`, "%", "%", "\n").Replace(input[1:]) + "\n"
	}
	dir := t.TempDir()
	cmd := exec.Command(shell, "-c", command)
	cmd.Dir = dir
	cmd.Env = []string{"SHELL=" + shell, "HOME=/nonexistent", "LOGNAME=nobody", "PATH=" + bin + ":/usr/bin:/bin", "OUT=" + bin + "/out", "PINGED=" + dir + "/pinged"}
	if !setsShell {
		cmd.Env = cmd.Env[1:]
	}
	cmd.Stdin = strings.NewReader(input)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	_ = cmd.Run() // the result is in its state
	if cmd.ProcessState == nil {
		t.Fatalf("%s did not start", shell)
	}
	code := cmd.ProcessState.ExitCode()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		code = 128 + int(status.Signal())
	}
	pinged, _ := os.ReadFile(dir + "/pinged") // missing if curl did not run
	// Whether a shell reports a killed child depends on which process was its child.
	said := regexp.MustCompile(`(?m)^.*Killed.*\n`).ReplaceAllString(complaints.String(), "")
	return commandResult{out: strings.ReplaceAll(out.String(), dir, "DIR"), err: said, code: code, pinged: strings.TrimSpace(string(pinged))}
}

// writeFile writes a file below a root.
func writeFile(t *testing.T, root, path, text string) {
	t.Helper()
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// crontabLine draws a line of a user crontab, usually a job.
func crontabLine(t *rapid.T) string {
	if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
		return rapid.SampledFrom([]string{"", "# comment % \\", "MAILTO=\"\"", " A = b ", "\r", "# x\r", "@reboot x", "* * *", "bad line here"}).Draw(t, "other")
	}
	when := rapid.SampledFrom([]string{"0 3 * * *", "@daily", " */5\t* * * mon-fri ", "1,2 0-6/2 1 jan *"}).Draw(t, "when")
	command := rapid.StringOfN(rapid.SampledFrom([]rune(`ab/ '"\%;&|<>$()#=~*`+"`\té")), 1, 40, -1).Draw(t, "command")
	guard := rapid.SampledFrom([]string{"", "", "[ -x /bin/sh ] && ", "sleep 5; ", "[ -x /none ] || "}).Draw(t, "guard")
	return when + "\t" + guard + command
}

func TestReplaceCommands_ChangesCommandsOnly(t *testing.T) {
	const url = "https://o.example.org/api/v1/hb/0c1d8f0e-7d5b-4c55-9a0b-6a8f5a5e3c11"
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.Custom(crontabLine), 1, 12).Draw(t, "lines")
		text := []byte(strings.Join(lines, "\n") + rapid.SampledFrom([]string{"", "\n", "\n\n"}).Draw(t, "end"))
		w := PingSettings{Method: rapid.SampledFrom([]PingMethod{PingWithRun, PingWithCurl}).Draw(t, "with"), Program: "/usr/local/bin/overdue"}
		before := crontab.Parse(text, crontab.LineSyntax{PercentStartsStdin: true})
		commands := map[int]string{}
		for _, e := range before {
			if e.Problem == "" && rapid.Bool().Draw(t, "wire") {
				e.Guard, e.NamesShell = Machine{}.splitGuard(e).guard, rapid.Bool().Draw(t, "named")
				command, err := w.wrapCommand(e, url, plainCommandPattern.MatchString(strings.TrimPrefix(e.Command, e.Guard)))
				if err != nil {
					t.Fatal(err)
				}
				commands[e.LineNumber] = command
			}
		}
		next := crontab.ReplaceCommands(text, before, commands)
		after := crontab.Parse(next, crontab.LineSyntax{PercentStartsStdin: true})
		if len(after) != len(before) {
			t.Fatalf("%d entries became %d", len(before), len(after))
		}
		old, now := bytes.Split(text, []byte("\n")), bytes.Split(next, []byte("\n"))
		for n := range old {
			if _, wired := commands[n+1]; !wired && !bytes.Equal(old[n], now[n]) {
				t.Fatalf("line %d changed from %q to %q", n+1, old[n], now[n])
			}
		}
		for i, e := range after {
			was := before[i]
			if _, wired := commands[e.LineNumber]; wired != pingPattern.MatchString(e.Command) && !pingPattern.MatchString(was.Command) {
				t.Fatalf("line %d: wired is %v, seen as %v", e.LineNumber, wired, !wired)
			}
			if e.Prefix != was.Prefix || e.Schedule != was.Schedule || e.Stdin != was.Stdin || e.Problem != was.Problem || unwrapCommand(e.Command) != unwrapCommand(was.Command) {
				t.Fatalf("line %d: %+v became %+v", e.LineNumber, was, e)
			}
		}
	})
}
