package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"overdue/internal/notify/message"
	"overdue/internal/notify/provider"
	"overdue/internal/notify/setting"
)

// Limits of a program.
const (
	execTimeout   = 30 * time.Second
	execPipeDelay = 2 * time.Second // after its end, for processes that still hold its output
	maxExecOutput = 16 << 10        // bytes of the output that are kept
	exitTempFail  = 75              // EX_TEMPFAIL of sysexits.h: try again later
)

// execPath is the PATH of programs.
const execPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// noExecDirText says what an operator must do before the kind works.
const noExecDirText = "This server runs no programs. An operator must start it with --exec-dir DIR and put the program into that folder."

// execKind runs a program on the server. Projects have admins who are not operators, so only programs in a folder that the
// operator names can run, and no shell interprets the arguments.
func execKind() Kind {
	return Kind{
		Name: "exec", Label: "Program", Group: provider.GroupGeneric,
		Help: "Runs a program on the server, if the operator allows it.",
		Setup: []string{
			"The operator starts Overdue with --exec-dir DIR, and puts the program into that folder.",
			"Enter the name of the program and its arguments. No shell interprets them.",
			"The program reads the alert as JSON from its standard input, and ends with 0 if it was delivered, or with 75 to be started again later.",
		},
		Fields: []setting.Field{{
			Name: "command", Label: "Command", Type: setting.FieldList, Required: true, Repeats: true, Check: execArgument,
			Placeholder: "notify.sh", Help: "The program in the folder of --exec-dir, then its arguments.",
		}},
		Can:  provider.Abilities{Severity: true, Machine: true, Tested: provider.TestedReal},
		Send: sendExec, Preview: previewExec,
	}
}

// execArgument accepts an argument. Its name is not checked here, because the folder can be different on another node.
func execArgument(text string) (normal, problem string) { return text, "" }

// CheckHere returns what prevents this server from using valid settings of a kind, such as a program that is not in the
// folder of the operator.
func (o *Sender) CheckHere(kind string, set setting.Values) []setting.Problem {
	if command := set.List("command"); kind == "exec" && len(command) > 0 {
		if _, problem := o.program(command[0]); problem != "" {
			return []setting.Problem{{Field: "command", Text: problem}}
		}
	}
	return nil
}

// program returns the path of a program in the folder of the operator, or a problem. Symbolic links must not lead out of
// the folder.
func (o *Sender) program(name string) (path, problem string) {
	if o.execDir == "" {
		return "", noExecDirText
	}
	if !filepath.IsLocal(name) {
		return "", fmt.Sprintf("Enter the name of a program in the folder of --exec-dir, without a path: %q is not one.", name)
	}
	folder, err := filepath.EvalSymlinks(o.execDir)
	if err != nil {
		return "", "The folder of --exec-dir cannot be read: an operator must create it, or allow Overdue to read it."
	}
	path, err = filepath.EvalSymlinks(filepath.Join(folder, name))
	if err != nil {
		return "", fmt.Sprintf("There is no program %q in the folder of --exec-dir: an operator must put it there.", name)
	}
	if inside, err := filepath.Rel(folder, path); err != nil || !filepath.IsLocal(inside) || inside == "." {
		return "", fmt.Sprintf("%q is a link that leads out of the folder of --exec-dir: an operator must copy the program into the folder.", name)
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return "", fmt.Sprintf("%q in the folder of --exec-dir is not an executable file: an operator must make it executable.", name)
	}
	return path, ""
}

// sendExec runs the program once. Its output is limited, and it gets no variables and no open files of the server.
func sendExec(ctx context.Context, o *Sender, set setting.Values, n message.Notification) (Receipt, error) {
	command := set.List("command")
	path, problem := o.program(command[0])
	if problem != "" {
		return Receipt{}, &SendError{Reason: problem, Permanent: true}
	}
	body, err := json.Marshal(n.Body())
	if err != nil {
		return Receipt{}, &SendError{Reason: "The alert could not be encoded as JSON.", Permanent: true}
	}
	ctx, cancel := context.WithTimeout(ctx, min(execTimeout, o.timeout))
	defer cancel()
	output := &tailBuffer{limit: maxExecOutput}
	cmd := exec.CommandContext(ctx, path, command[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = filepath.Dir(path), execEnvironment(n), bytes.NewReader(body), output, output
	cmd.WaitDelay = execPipeDelay
	ownProcessGroup(cmd)
	err = cmd.Run()
	return execResult(ctx, cmd, err, output.String())
}

// execResult interprets the end of a program.
func execResult(ctx context.Context, cmd *exec.Cmd, err error, output string) (Receipt, error) {
	said := endOf(newRedactor().cleanResponse(endOf(output), false))
	withOutput := func(text string) string {
		if said == "" {
			return text
		}
		return strings.TrimSuffix(text, ".") + ": " + said
	}
	state := cmd.ProcessState
	switch {
	case state == nil && errors.Is(err, fs.ErrPermission):
		return Receipt{}, &SendError{Reason: "Overdue is not allowed to run the program: an operator must change its permissions.", Permanent: true}
	case state == nil:
		return Receipt{}, &SendError{Reason: "The program could not be started: " + rootCause(err).Error() + "."}
	case state.Success(): // also if a process that it started still holds its output
		return Receipt{Detail: withOutput("The program ended with exit code 0.")}, nil
	case ctx.Err() != nil:
		return Receipt{}, &SendError{Reason: withOutput(fmt.Sprintf("The program was killed: it did not end within %.0f s.", execTimeout.Seconds())), Uncertain: true}
	case state.ExitCode() < 0:
		return Receipt{}, &SendError{Reason: withOutput("The program ended by a signal (" + state.String() + ").")}
	}
	return Receipt{}, &SendError{
		Reason:    withOutput("The program ended with exit code " + strconv.Itoa(state.ExitCode()) + "."),
		Permanent: state.ExitCode() != exitTempFail,
	}
}

// endOf returns the end of a text that fits into the stored response.
func endOf(text string) string {
	const room = message.MaxDetail - 60 // for the sentence before it
	runes := []rune(strings.TrimSpace(text))
	if len(runes) <= room {
		return string(runes)
	}
	return "…" + string(runes[len(runes)-room+1:])
}

// execEnvironment returns the variables of a program. Those of the server can be secrets. The prefix avoids the names of
// settings, such as OVERDUE_URL, which the commands of Overdue read.
func execEnvironment(n message.Notification) []string {
	body := n.Body()
	env := []string{"PATH=" + execPath, "LANG=C.UTF-8"}
	add := func(name, value string) { env = append(env, "OVERDUE_ALERT_"+name+"="+message.OneLine(value)) }
	m := n.Message()
	add("EVENT", body.Event)
	add("ID", body.AlertID)
	add("AT", body.At.Format(time.RFC3339))
	add("SUBJECT", m.Subject)
	add("TEXT", m.Lead)
	add("URL", body.URL)
	add("PROJECT", n.Project)
	add("CHANNEL", n.Channel)
	if n.Heartbeat != "" {
		add("HEARTBEAT", n.Name())
	}
	if i := body.Incident; i != nil {
		add("INCIDENT_ID", i.ID)
		add("INCIDENT_NUMBER", strconv.FormatInt(i.Number, 10))
		add("CAUSE", string(i.Cause))
	}
	if h := body.Heartbeat; h != nil && h.Severity != "" {
		add("SEVERITY", h.Severity)
	}
	if body.AcknowledgeURL != nil {
		add("ACKNOWLEDGE_URL", *body.AcknowledgeURL)
	}
	return env
}

// previewExec returns what the program gets.
func previewExec(_ string, set setting.Values, n message.Notification) RequestPreview {
	body, err := json.MarshalIndent(n.Body(), "", "  ")
	if err != nil {
		return RequestPreview{}
	}
	var quoted []string
	for _, argument := range set.List("command") {
		quoted = append(quoted, strconv.Quote(argument))
	}
	return RequestPreview{Text: strings.Join(quoted, " ") + "\n\n" + strings.Join(execEnvironment(n), "\n") + "\n\n" + string(body)}
}

// tailBuffer keeps the end of what is written.
type tailBuffer struct {
	limit int
	kept  []byte
}

// Write adds output. It never fails, so that the program is not ended by a closed pipe.
func (b *tailBuffer) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p...)
	if over := len(b.kept) - b.limit; over > 0 {
		b.kept = append(b.kept[:0], b.kept[over:]...)
	}
	return len(p), nil
}

// String returns the kept output.
func (b *tailBuffer) String() string { return strings.ToValidUTF8(string(b.kept), "\ufffd") }
