package view_test

import (
	"fmt"
	"html"
	"strings"
	"testing"

	"overdue/internal/snippet"
	"overdue/internal/web/view/docsview"
)

// Two alternatives, or two files, must not share one Copy button: they would be
// pasted together.
func TestSnippets_EachBlockHasItsFileAndItsCopyButton(t *testing.T) {
	page := render(t, docsview.Snippets(backupURL))
	blocks := 0
	for i, w := range snippet.Examples(backupURL) {
		for n, b := range w.Blocks {
			blocks++
			id := fmt.Sprintf("code-%d-%d", i+1, n+1)
			_, shown, found := strings.Cut(page, `<code id="`+id+`">`)
			shown, _, _ = strings.Cut(shown, "</code>")
			if !found || plainCode(shown) != b.Code {
				t.Errorf("%s: block %d shows\n%s\nwant\n%s", w.Name, n+1, plainCode(shown), b.Code)
			}
			if strings.Count(page, `data-copy="#`+id+`"`) != 1 {
				t.Errorf("%s: block %d has no Copy button", w.Name, n+1)
			}
		}
	}
	if got := strings.Count(page, "<figcaption>"); got != blocks {
		t.Errorf("%d blocks with a file name; want %d", got, blocks)
	}
}

// plainCode returns the text that the Copy button takes.
func plainCode(marked string) string {
	for _, tag := range []string{`<span class="c">`, `<span class="u">`, "</span>"} {
		marked = strings.ReplaceAll(marked, tag, "")
	}
	return html.UnescapeString(marked)
}

func TestCode_ShowsTheTextThatCopyTakes(t *testing.T) {
	const code = "# say <it> & go\n\tif a < b {\n  curl https://x.example/1 && echo \"$1\"\n\n// end"
	page := render(t, docsview.Code("c", "Terminal", code, "https://x.example/1"))
	_, after, _ := strings.Cut(page, `<code id="c">`)
	inner, _, _ := strings.Cut(after, "</code>")
	for _, tag := range []string{`<span class="c">`, `<span class="u">`, "</span>"} {
		if !strings.Contains(inner, tag) {
			t.Errorf("nothing is highlighted with %s", tag)
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
