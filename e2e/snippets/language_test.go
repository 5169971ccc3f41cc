package snippets_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// language defines how a printed program finds its job, and which interpreter runs it.
type language struct {
	way   string
	block int
	job   string // calls %[1]s, and fails as programs of the language do
	after bool   // the job goes after the code, otherwise before it
	run   []string
}

var languages = []language{
	{way: "Node.js", run: []string{"/usr/bin/node"}, after: true, job: `
import { execFileSync } from "node:child_process";
function runBackup() { execFileSync("%[1]s", { stdio: "inherit" }); }`},
	{way: "Python", run: []string{"/usr/bin/python3"}, job: `import subprocess
def run_backup(): subprocess.run(["%[1]s"], check=True)
`},
	{way: "Python", block: 1, run: []string{"/usr/bin/python3"}, job: `import subprocess
def run_backup(): subprocess.run(["%[1]s"], check=True)
`},
	{way: "PHP", run: []string{"/usr/bin/php"}, after: true, job: `
function run_backup() { passthru('%[1]s', $code); if ($code !== 0) { throw new Exception("job exit code $code"); } }`},
	{way: "Ruby", run: []string{"/usr/bin/ruby"}, job: `def run_backup = system("%[1]s", exception: true)
`},
	{way: "Perl", run: []string{"/usr/bin/perl"}, after: true, job: `
sub run_backup { system("%[1]s") == 0 or die "job exit code " . ($? >> 8) . "\x{2026}\n"; }`},
	{way: "Perl", run: []string{"/usr/bin/perl"}, after: true, job: `
sub run_backup { system("%[1]s") == 0 or die "no space für the job\n"; }`},
}

func TestLanguages_PrintedProgramsPingAndEndAsTheJobDid(t *testing.T) {
	t.Parallel()
	var pieces []printedCode
	for _, l := range languages {
		b := block(t, l.way, l.block)
		pieces = append(pieces, printedCode{
			name: fmt.Sprintf("%s %d", l.way, l.block+1), code: b.Code, good: []string{""}, bad: []string{"/fail"},
			codes: map[outcome]int{failure: -1}, body: "exit", run: func(t *testing.T, sc snippetRun, code string) *exec.Cmd {
				path := filepath.Join(sc.dir, b.File)
				job := fmt.Sprintf(l.job, sc.job)
				if l.after {
					code += "\n" + job
				} else {
					code = job + code
				}
				write(t, path, code)
				return command(t, l.run[0], append(l.run[1:], path)...)
			},
		})
	}
	pieces[1].body, pieces[2].body, pieces[0].body, pieces[4].body = "CalledProcessError", "CalledProcessError", "runBackup", "RuntimeError"
	pieces[6].name, pieces[6].body = "Perl 1, bytes of UTF-8", "für the job"
	runPieces(t, pieces)
}

// TestGo_ThePrintedProgramVetsCompilesAndPings builds it once.
func TestGo_ThePrintedProgramVetsCompilesAndPings(t *testing.T) {
	t.Parallel()
	code := block(t, "Go", 0).Code
	for _, name := range []string{"printed", "quick"} {
		dir := t.TempDir()
		if name == "quick" {
			code = withFewerAttempts(code)
		}
		// The address and the path of the job come in by the linker.
		source := strings.Replace(code, `const pingURL = "PING_URL"`, `var pingURL = os.Getenv("URL")`, 1)
		source = strings.Replace(source, "\t\"log\"\n", "\t\"log\"\n\t\"os\"\n\t\"os/exec\"\n", 1)
		source += "\nfunc runBackup() error {\n\tcmd := exec.Command(os.Getenv(\"JOB\"))\n\tcmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr\n\treturn cmd.Run()\n}\n"
		write(t, filepath.Join(dir, "main.go"), source)
		write(t, filepath.Join(dir, "go.mod"), "module backup\n\ngo 1.22\n")
		for _, args := range [][]string{{"vet", "."}, {"build", "-o", "backup", "."}} {
			cmd := command(t, "go", args...)
			cmd.Env, cmd.Dir = append(os.Environ(), "GOFLAGS=", "GOWORK=off"), dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("go %s: %v\n%s", args[0], err, out)
			}
		}
		program := filepath.Join(dir, "backup")
		p := printedCode{
			name: name, code: code, good: []string{""}, bad: []string{"/fail"}, codes: map[outcome]int{failure: 1}, body: "exit status 3",
			run: func(t *testing.T, sc snippetRun, code string) *exec.Cmd {
				_, after, _ := strings.Cut(code, `const pingURL = "`)
				url, _, _ := strings.Cut(after, `"`)
				cmd := command(t, program)
				cmd.Env = []string{"URL=" + url, "JOB=" + sc.job}
				return cmd
			},
		}
		for _, o := range outcomes {
			if o.reachable() == (name == "printed") {
				t.Run(name+"/"+string(o), func(t *testing.T) { p.test(t, o) })
			}
		}
	}
}
