package view_test

import (
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"overdue/internal/web/view"
)

func TestEverySnippetHoldsTheURLAndNothingLeftToFillIn(t *testing.T) {
	names := []string{}
	for _, s := range view.Snippets(backupURL) {
		names = append(names, s.Name)
		if !strings.Contains(s.Code, backupURL) || strings.Contains(s.Code, "PING_URL") {
			t.Errorf("%s is not filled in:\n%s", s.Name, s.Code)
		}
		if s.File == "" {
			t.Errorf("%s does not say where it goes", s.Name)
		}
	}
	want := "curl crontab systemd Node.js Python Go PHP Ruby PowerShell Kubernetes GitHub Actions overdue run"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("snippets are %q; want %q", got, want)
	}
}

func TestEveryCurlIsQuietBoundedAndTriesAgain(t *testing.T) {
	for _, s := range view.Snippets(backupURL) {
		for _, line := range strings.Split(s.Code, "\n") {
			if _, after, ok := strings.Cut(line, "curl -"); ok && !strings.HasPrefix(after, "fsS -m 10 --retry 5 -o /dev/null -X POST ") {
				t.Errorf("%s: %s", s.Name, line)
			}
		}
	}
}

func TestEverySnippetTellsAFailure(t *testing.T) {
	tells := []string{"/fail", "/$?", "/$status", "overdue run"}
	for _, s := range view.Snippets(backupURL) {
		told := false
		for _, way := range tells {
			told = told || strings.Contains(s.Code, way)
		}
		if !told {
			t.Errorf("%s is silent when the job fails", s.Name)
		}
	}
}

func TestTheGoSnippetParses(t *testing.T) {
	for _, s := range view.Snippets(backupURL) {
		if s.Name != "Go" {
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "main.go", "package main\n"+s.Code, 0); err != nil {
			t.Errorf("Go: %v", err)
		}
		return
	}
	t.Fatal("no snippet for Go")
}

func TestCodeOnThePageIsTheCodeThatIsCopied(t *testing.T) {
	const code = "# say <it> & go\n\tif a < b {\n  curl https://x.example/1 && echo \"$1\"\n\n// end"
	html := render(t, view.DocCode("c", "Terminal", code, "https://x.example/1"))
	_, after, _ := strings.Cut(html, `<code id="c">`)
	inner, _, _ := strings.Cut(after, "</code>")
	for _, tag := range []string{`<span class="c">`, `<span class="u">`, "</span>"} {
		if !strings.Contains(inner, tag) {
			t.Errorf("nothing is marked with %s", tag)
		}
		inner = strings.ReplaceAll(inner, tag, "")
	}
	if strings.ContainsAny(inner, `<>"`) {
		t.Errorf("something is not escaped: %s", inner)
	}
	plain := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#34;", `"`, "&#39;", "'", "&amp;", "&").Replace(inner)
	if plain != code {
		t.Errorf("the page shows\n%q\nwant\n%q", plain, code)
	}
}
