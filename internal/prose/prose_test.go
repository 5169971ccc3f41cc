package prose_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"overdue/internal/prose"
)

// root is the root of the repository.
const root = "../.."

// repository writes the files into an empty folder.
func repository(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// hitLines returns the hits in the files as lines.
func hitLines(t *testing.T, files map[string]string) []string {
	t.Helper()
	hits, err := prose.Check(repository(t, files))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, hit := range hits {
		lines = append(lines, hit.String())
	}
	return lines
}

func TestCheck_TheRepositoryContainsNoPhraseOfTheTable(t *testing.T) {
	hits, err := prose.Check(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, hit := range hits {
		t.Error(hit)
	}
}

func TestTexts_ReadsEveryKindInTheRepository(t *testing.T) {
	texts, err := prose.Texts(root)
	if err != nil {
		t.Fatal(err)
	}
	count := map[prose.Kind]int{}
	for _, text := range texts {
		count[text.Kind]++
	}
	for kind, least := range map[prose.Kind]int{prose.Comment: 1000, prose.Literal: 3000, prose.Template: 10, prose.Document: 1000} {
		if count[kind] < least {
			t.Errorf("found %d texts of kind %d; want at least %d", count[kind], kind, least)
		}
	}
}

func TestFind_FindsTheExampleOfEveryPhrase(t *testing.T) {
	phrases, err := prose.Phrases()
	if err != nil {
		t.Fatal(err)
	}
	if len(phrases) < 50 {
		t.Fatalf("the table has only %d phrases", len(phrases))
	}
	for _, p := range phrases {
		hits := p.Find(prose.Text{Path: "x.md", Line: 3, Value: "A plain line.\n" + p.Example})
		if len(hits) != 1 || hits[0].Line != 4 && !strings.HasPrefix(hits[0].Found, ". ") || hits[0].Advice == "" {
			t.Errorf("%q: found %v; want one hit in line 4", p.Example, hits)
		}
	}
}

func TestCheck_FindsAPhraseInEveryKindOfText(t *testing.T) {
	phrase := strings.Join([]string{"for", "ever"}, " ")
	for name, content := range map[string]string{
		"comment.go":  "package a\n\n// A waits " + phrase + ".\nvar A int\n",
		"literal.go":  "package a\n\n\nvar a = \"waits " + phrase + "\"\n",
		"page.templ":  "package a\n\n\n<p>It waits " + phrase + ".</p>\n",
		"document.md": "# Title\n\n\nIt waits " + phrase + ".\n",
		"script.sh":   "#!/bin/sh\nset -eu\n\n# It waits " + phrase + ".\nexit 0\n",
		"page.js":     "\n\nf(); // it waits " + phrase + "\n",
	} {
		if lines := hitLines(t, map[string]string{name: content}); len(lines) != 1 || !strings.HasPrefix(lines[0], name+":") {
			t.Errorf("%s: found %v; want one hit", name, lines)
		}
	}
}

func TestCheck_FindsAPhraseAcrossLines(t *testing.T) {
	lines := hitLines(t, map[string]string{"a.go": "package a\n\n// A waits for\n// ever.\nvar A int\n"})
	if len(lines) != 1 || !strings.HasPrefix(lines[0], "a.go:3:") {
		t.Errorf("found %v; want one hit in a.go:3", lines)
	}
}

func TestCheck_IgnoresCodeInDocumentsAndMarkedLines(t *testing.T) {
	phrase := strings.Join([]string{"for", "ever"}, " ")
	lines := hitLines(t, map[string]string{
		"document.md": "Run `wait " + phrase + "`:\n\n    wait " + phrase + "\n\n```sh\nwait " + phrase + "\n```\n",
		"marked.go":   "package a\n\n// prose:allow a quotation\nvar a = \"waits " + phrase + "\"\n",
		"a_templ.go":  "package a\n\n// It waits " + phrase + ".\n",
	})
	if len(lines) > 0 {
		t.Errorf("found %v; want nothing", lines)
	}
}

func TestFind_AnExceptionOverlapsTheMatch(t *testing.T) {
	lines := hitLines(t, map[string]string{"a.md": "The connection was refused. Use the standby. No more than two runs.\n"})
	if len(lines) > 0 {
		t.Errorf("found %v; want nothing", lines)
	}
}
