package snippets_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// cronJob is the part of a manifest that the tests read; tools/manifest checks the rest.
type cronJob struct {
	Spec struct {
		JobTemplate struct {
			Spec struct {
				BackoffLimit *int `yaml:"backoffLimit"`
				Template     struct {
					Spec struct {
						InitContainers []container `yaml:"initContainers"`
						Containers     []container `yaml:"containers"`
					} `yaml:"spec"`
				} `yaml:"template"`
			} `yaml:"spec"`
		} `yaml:"jobTemplate"`
	} `yaml:"spec"`
}

type container struct {
	Command []string `yaml:"command"`
	Args    []string `yaml:"args"`
}

// asKubernetes runs the containers of a Job: the ping only after all before it
// have ended with 0. $(NAME) would be replaced by Kubernetes.
func asKubernetes(t *testing.T, sc snippetRun, code string) *exec.Cmd {
	var job cronJob
	if err := yaml.Unmarshal([]byte(code), &job); err != nil {
		t.Fatal(err)
	}
	spec := job.Spec.JobTemplate.Spec
	if spec.BackoffLimit == nil || *spec.BackoffLimit != 0 {
		t.Error("each attempt would be reported as a failure")
	}
	pod := spec.Template.Spec
	if len(pod.Containers) != 1 {
		t.Fatalf("%d containers", len(pod.Containers))
	}
	script := ""
	for range pod.InitContainers {
		script += sc.job + " || exit $?\n"
	}
	words := append(pod.Containers[0].Command, pod.Containers[0].Args...)
	if len(words) != 3 || words[0] != "/bin/sh" || words[1] != "-c" || strings.Contains(words[2], "$(") {
		t.Fatalf("not a line for a shell: %q", words)
	}
	return command(t, "/bin/sh", "-c", script+`exec /bin/sh -c "$0"`, words[2])
}

func TestKubernetes_PrintedManifestsPingAndEndAsTheJobDid(t *testing.T) {
	t.Parallel()
	runPieces(t, []printedCode{
		{name: "in the image", code: block(t, "Kubernetes", 0).Code, run: asKubernetes, good: []string{"/0"}, bad: []string{"/3"}},
		{name: "second image", code: block(t, "Kubernetes", 1).Code, run: asKubernetes, good: []string{""}},
	})
}

// TestKubernetes_PrintedManifestsDecodeStrictly uses the types of Kubernetes,
// which are in a separate module.
func TestKubernetes_PrintedManifestsDecodeStrictly(t *testing.T) {
	t.Parallel()
	for n := range 2 {
		code := block(t, "Kubernetes", n).Code
		if err := decode(t, code); err != nil {
			t.Errorf("block %d: %v", n+1, err)
		}
		if decode(t, strings.Replace(code, "backoffLimit", "backofLimit", 1)) == nil {
			t.Errorf("block %d: an unknown field was not noticed", n+1)
		}
	}
}

func decode(t *testing.T, manifest string) error {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "run", "-C", "../../tools/manifest", ".")
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	cmd.Stdin = strings.NewReader(manifest)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("%s", out)
	}
	return err
}

// workflow is the part of a workflow of GitHub Actions that the tests read.
type workflow struct {
	On struct {
		Schedule []struct{ Cron string }
	}
	Jobs map[string]struct {
		RunsOn string `yaml:"runs-on"`
		Steps  []step
	}
}

type step struct {
	Name, Uses, Run, If string
	ContinueOnError     bool `yaml:"continue-on-error"`
}

// runs reports whether a step runs, given the status of the job. Without an if, the
// condition is success(); always() and cancelled() would run after a cancellation.
func (s step) runs(t *testing.T, status string) bool {
	t.Helper()
	switch s.If {
	case "", "success()":
		return status == "success"
	case "failure()":
		return status == "failure"
	}
	t.Fatalf("a condition that this test does not know: %s", s.If)
	return false
}

// asGitHub runs the steps with the shell of GitHub's Linux runners.
func asGitHub(t *testing.T, sc snippetRun, code string) *exec.Cmd {
	var w workflow
	d := yaml.NewDecoder(strings.NewReader(code))
	d.KnownFields(true)
	if err := d.Decode(&w); err != nil {
		t.Fatal(err)
	}
	steps := w.Jobs["backup"].Steps
	if len(w.On.Schedule) != 1 || len(steps) != 4 || steps[1].Run != "./backup" {
		t.Fatalf("unexpected workflow: %+v", w)
	}
	status := map[bool]string{false: "success", true: "failure"}[sc.out.fails()]
	script := sc.job + "; code=$?\n"
	for i, s := range steps[2:] {
		if !s.ContinueOnError {
			t.Errorf("step %s: a ping that fails would fail the workflow", s.Name)
		}
		if s.runs(t, "cancelled") {
			t.Errorf("step %s also runs after a cancellation", s.Name)
		}
		if s.runs(t, status) {
			path := filepath.Join(sc.dir, "step"+string(rune('1'+i)))
			write(t, path, s.Run)
			script += "bash -e " + path + "\n"
		}
	}
	return command(t, "/bin/bash", "-c", script+"exit $code")
}

func TestGitHub_ThePrintedWorkflowPingsOnceWhateverHappened(t *testing.T) {
	t.Parallel()
	runPieces(t, []printedCode{{name: "workflow", code: block(t, "GitHub Actions", 0).Code, run: asGitHub, good: []string{""}, bad: []string{"/fail"}}})
}

// parameters51 are those of Invoke-RestMethod in Windows PowerShell 5.1, from its
// reference (Microsoft.PowerShell.Utility, 2025-02-05); PowerShell 7.5 has all of them.
const parameters51 = "Method UseBasicParsing Uri WebSession SessionVariable Credential UseDefaultCredentials CertificateThumbprint Certificate " +
	"UserAgent DisableKeepAlive TimeoutSec Headers MaximumRedirection Proxy ProxyCredential ProxyUseDefaultCredentials Body ContentType " +
	"TransferEncoding InFile OutFile PassThru"

// TestPowerShell_UsesOnlyWhatVersion51Has reads the code: PowerShell is not
// among the packages that the tests can install.
func TestPowerShell_UsesOnlyWhatVersion51Has(t *testing.T) {
	t.Parallel()
	code := block(t, "PowerShell", 0).Code
	_, call, found := strings.Cut(code, "Invoke-RestMethod ")
	call, _, _ = strings.Cut(call, " | Out-Null")
	if !found || strings.Contains(call, "\n") {
		t.Fatal("no call on one line")
	}
	known := strings.Fields(parameters51)
	for _, word := range strings.Fields(call) {
		if name, isName := strings.CutPrefix(word, "-"); isName && !slices.Contains(known, name) {
			t.Errorf("Invoke-RestMethod of Windows PowerShell 5.1 has no parameter -%s", name)
		}
	}
	for _, operator := range []string{"??", "?.", " && ", " || ", "?:", "-Parallel", "-SkipHttpErrorCheck"} {
		if strings.Contains(code, operator) {
			t.Errorf("Windows PowerShell 5.1 has no %s", operator)
		}
	}
}

// TestPowerShell_AFailedProgramIsReportedAsAFailure: a program that fails throws
// nothing; only $LASTEXITCODE tells.
func TestPowerShell_AFailedProgramIsReportedAsAFailure(t *testing.T) {
	t.Parallel()
	code := block(t, "PowerShell", 0).Code
	_, after, _ := strings.Cut(code, "\n}\n\n$global:LASTEXITCODE = 0\n")
	want := []string{"& C:\\Jobs\\backup.ps1", "} catch {", `Send-Ping "/fail"`, "throw", "$code = $LASTEXITCODE", "if ($code -eq 0) {", "Send-Ping\n", "} else {", `Send-Ping "/fail"`, "exit $code"}
	for _, part := range want {
		_, rest, found := strings.Cut(after, part)
		if !found {
			t.Fatalf("%q does not follow in\n%s", part, code)
		}
		after = rest
	}
}
