package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"overdue/internal/snippet"
)

const writtenURL = "https://overdue.example.org/api/v1/hb/YOUR-ID"

// pingsWith finds commands that ping. "curl …" in prose is an abbreviation of one.
var pingsWith = regexp.MustCompile(`\b(curl|wget) -[^…\n]*(/api/v1/hb/|PING_URL|pingURL|ping_url)`)

// retriesDuringRestart reports whether a command retries while the server restarts.
func retriesDuringRestart(line string) bool {
	for _, whole := range []string{snippet.Curl, snippet.Wget} {
		line = strings.ReplaceAll(line, whole, "")
	}
	for _, loop := range []string{snippet.CurlLoop, snippet.WgetLoop} {
		head, tail, _ := strings.Cut(loop, snippet.URLPlaceholder)
		line = regexp.MustCompile(regexp.QuoteMeta(head)+`\S+`+regexp.QuoteMeta(tail)).ReplaceAllString(line, "")
	}
	return !regexp.MustCompile(`\b(curl|wget) -`).MatchString(line)
}

// TestPrinted_EveryCommandThatPingsRetries reads documents, templates and the
// string literals of the program.
func TestPrinted_EveryCommandThatPingsRetries(t *testing.T) {
	found := 0
	for path, texts := range printedTexts(t) {
		for _, text := range texts {
			for line := range strings.Lines(text) {
				if pingsWith.MatchString(line) {
					found++
					if !retriesDuringRestart(line) {
						t.Errorf("%s: does not retry while the server restarts: %s", path, strings.TrimSpace(line))
					}
				}
			}
		}
	}
	if found < 10 {
		t.Errorf("found only %d commands", found)
	}
	for _, w := range snippet.Examples(writtenURL) {
		for _, b := range w.Blocks {
			if !retriesDuringRestart(b.Code) {
				t.Errorf("%s: a command does not retry while the server restarts:\n%s", w.Name, b.Code)
			}
		}
	}
	for name, code := range snippet.DocSnippets(writtenURL) {
		if !retriesDuringRestart(code) {
			t.Errorf("command %q does not retry while the server restarts:\n%s", name, code)
		}
	}
}

// asksTheAPI lists the files with API commands for a person at a terminal. Those do
// not retry, because a change that is sent twice is made twice.
var asksTheAPI = map[string]bool{"internal/web/view/accountview/api_keys.go": true, "internal/web/docsite/reference.go": true}

// TestPrinted_OnlyPackageSnippetContainsCommandsThatPing prevents a second table
// of commands that differs from the first.
func TestPrinted_OnlyPackageSnippetContainsCommandsThatPing(t *testing.T) {
	for path, texts := range printedTexts(t) {
		if !strings.HasSuffix(path, ".go") || asksTheAPI[path] {
			continue
		}
		for _, text := range texts {
			if regexp.MustCompile(`\b(curl|wget) -`).MatchString(text) {
				t.Errorf("%s: use the command of package snippet: %s", path, text)
			}
		}
	}
}

// printedTexts returns the texts that contain commands to copy, by file: documents,
// templates, and string literals of Go outside tests and package snippet.
func printedTexts(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name := strings.TrimPrefix(filepath.ToSlash(path), "../")
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(name, ".md"), strings.HasSuffix(name, ".templ"):
			all[name] = []string{string(text)}
		case strings.HasSuffix(name, "_test.go"), strings.HasPrefix(name, "internal/snippet/"), !strings.HasSuffix(name, ".go"):
		default:
			all[name] = stringLiterals(t, name, text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// stringLiterals returns the string literals of a Go file.
func stringLiterals(t *testing.T, name string, text []byte) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			value, err := strconv.Unquote(l.Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, value)
		}
		return true
	})
	return all
}

var fencedCode = regexp.MustCompile("(?s)```[a-z]+ [^\n]+\n(.*?)\n```")

// TestPrinted_TheManualContainsTheCodeOfPackageSnippet makes sure that the manual
// contains the code that the tests run.
func TestPrinted_TheManualContainsTheCodeOfPackageSnippet(t *testing.T) {
	files, err := filepath.Glob("../docs/manual/*.md")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	lines := snippet.DocSnippets(writtenURL)
	known := map[string]string{}
	for name, code := range lines {
		known[code] = name
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fencedCode.FindAllStringSubmatch(string(text), -1) {
			code := m[1]
			byDiscover := strings.Contains(code, "pg_dump shop") // its own tests compare what it writes
			if name, ok := known[code]; ok {
				delete(lines, name)
			} else if pingsWith.MatchString(code) && !byDiscover {
				t.Errorf("%s: package snippet does not contain this code:\n%s", path, code)
			}
		}
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, code := range lines {
		if !strings.Contains(string(readme), "\n    "+code+"\n") {
			t.Errorf("no document contains the command %q of package snippet", name)
		}
	}
}
