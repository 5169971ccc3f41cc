//go:build unix

package notify

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"overdue/client"
	"overdue/internal/notify/message"
	"overdue/internal/notify/message/messagetest"
	"overdue/internal/notify/setting"
)

// runExec sends a notification with a script.
func runExec(t *testing.T, script string, opts Options, arguments ...any) (Receipt, error) {
	t.Helper()
	opts.ExecDir = execFolder(t, script)
	return newTestSender(t, opts).Send(t.Context(), "exec", setting.Values{"command": append([]any{"notify"}, arguments...)}, messagetest.FailedBackup(message.EventOpened))
}

func TestSendExec_TheProgramGetsArgumentsVariablesAndJSONAndNoSecretOfTheServer(t *testing.T) {
	t.Setenv("OVERDUE_SECRET_KEY", "TOPSECRET")
	t.Setenv("OTHER", "TOPSECRET")
	out := filepath.Join(t.TempDir(), "out")
	receipt, err := runExec(t, `printf '%s\n' "$@" > `+out+`.args; env > `+out+`.env; cat > `+out+`.json; echo "sent it"`, Options{}, "$(id)", "a;b", "-v", "-v")
	if err != nil || !strings.Contains(receipt.Detail, "exit code 0: sent it") {
		t.Fatalf("%+v, %v", receipt, err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(out + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := read(".args"); got != "$(id)\na;b\n-v\n-v\n" {
		t.Errorf("arguments %q; want them unchanged", got)
	}
	env := read(".env")
	for _, want := range []string{"OVERDUE_ALERT_EVENT=incident.opened\n", "OVERDUE_ALERT_HEARTBEAT=Nightly backup\n", "OVERDUE_ALERT_INCIDENT_NUMBER=482\n", "PATH=/usr/local/sbin:"} {
		if !strings.Contains(env, want) {
			t.Errorf("no %q in\n%s", want, env)
		}
	}
	if strings.Contains(env, "TOPSECRET") {
		t.Errorf("the program got a variable of the server:\n%s", env)
	}
	var body client.Notification
	if err := json.Unmarshal([]byte(read(".json")), &body); err != nil || body.Event != message.EventOpened || body.Incident.Number != 482 {
		t.Errorf("standard input: %v, %+v", err, body)
	}
}

func TestSendExec_TheExitCodeDecides(t *testing.T) {
	for script, want := range map[string]SendError{
		"echo bad address >&2; exit 1": {Permanent: true, Reason: "The program ended with exit code 1: bad address"},
		"exit 75":                      {Reason: "The program ended with exit code 75."},
		"kill -9 $$":                   {Reason: "The program ended by a signal (signal: killed)."},
	} {
		_, err := runExec(t, script, Options{})
		if got := sendErrorOf(t, err); got.Permanent != want.Permanent || got.Reason != want.Reason || got.Uncertain {
			t.Errorf("%s: %+v; want %+v", script, got, want)
		}
	}
}

func TestSendExec_OutputIsTheEndInOneLine(t *testing.T) {
	receipt, err := runExec(t, `i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done; exit 0`, Options{})
	if err != nil || !strings.HasSuffix(receipt.Detail, "line 2999") || strings.Contains(receipt.Detail, "\n") || len([]rune(receipt.Detail)) > message.MaxDetail {
		t.Errorf("%q, %v; want the end of the output", receipt.Detail, err)
	}
}

// TestSendExec_ATimeoutKillsAllProcesses: also those that the program started.
func TestSendExec_ATimeoutKillsAllProcesses(t *testing.T) {
	held := filepath.Join(t.TempDir(), "held")
	if err := syscall.Mkfifo(held, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(held, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // in the folder of the test
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	_, err = runExec(t, `sh -c 'echo started; exec sleep 600' > `+held+` & wait`, Options{HTTPTimeout: 500 * time.Millisecond})
	if got := sendErrorOf(t, err); got.Permanent || !got.Uncertain || !strings.Contains(got.Reason, "killed") {
		t.Errorf("%+v; want a temporary and uncertain failure", got)
	}
	_ = reader.SetReadDeadline(time.Now().Add(10 * time.Second)) // the read below then fails
	if text, err := io.ReadAll(reader); err != nil || string(text) != "started\n" {
		t.Errorf("%q, %v; want the end of the process that the program started", text, err)
	}
}

func TestSendExec_RunsOnlyProgramsInTheFolder(t *testing.T) {
	dir := execFolder(t, "exit 0")
	for name, target := range map[string]string{"out": "/bin/sh", "up": "../escape", "inside": "notify"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "data.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o750); err != nil {
		t.Fatal(err)
	}
	allowed := newTestSender(t, Options{ExecDir: dir})
	for _, name := range []string{"/bin/sh", "../notify", "sub/../../notify", "out", "up", "absent", "data.txt", "folder", ".", dir + "/notify"} {
		set := setting.Values{"command": []any{name, "-c", "exit 0"}}
		_, err := allowed.Send(t.Context(), "exec", set, messagetest.Missed())
		if problems := allowed.CheckHere("exec", set); len(problems) != 1 || err == nil || !sendErrorOf(t, err).Permanent {
			t.Errorf("%s: %v, %v; want it rejected when saved and when used", name, problems, err)
		}
		if problems := allowed.CheckHere("exec", set); strings.Contains(name, "/") && !strings.Contains(problems[0].Text, "without a path") && filepath.IsAbs(name) {
			t.Errorf("%s: %v; want advice to enter a name", name, problems)
		}
	}
	for _, name := range []string{"notify", "inside"} {
		if _, err := allowed.Send(t.Context(), "exec", setting.Values{"command": []any{name}}, messagetest.Missed()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	closed := newTestSender(t, Options{})
	set := setting.Values{"command": []any{"notify"}}
	_, err := closed.Send(t.Context(), "exec", set, messagetest.Missed())
	if problems := closed.CheckHere("exec", set); len(problems) != 1 || problems[0].Text != noExecDirText || sendErrorOf(t, err).Reason != noExecDirText {
		t.Errorf("without --exec-dir: %v, %v", problems, err)
	}
}
