package view_test

import (
	"fmt"
	"html"
	"strings"
	"testing"

	"overdue/internal/snippet"
	"overdue/internal/web/view"
)

// TestDocSnippets_EachBlockHasItsFileAndItsCopyButton: two alternatives, or two
// files, behind one button would be pasted as one.
func TestDocSnippets_EachBlockHasItsFileAndItsCopyButton(t *testing.T) {
	page := render(t, view.DocSnippets(backupURL))
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

// plainCode is the text of marked code, as the Copy button takes it.
func plainCode(marked string) string {
	for _, tag := range []string{`<span class="c">`, `<span class="u">`, "</span>"} {
		marked = strings.ReplaceAll(marked, tag, "")
	}
	return html.UnescapeString(marked)
}

func TestDocCode_ShowsTheTextThatCopyTakes(t *testing.T) {
	const code = "# say <it> & go\n\tif a < b {\n  curl https://x.example/1 && echo \"$1\"\n\n// end"
	page := render(t, view.DocCode("c", "Terminal", code, "https://x.example/1"))
	_, after, _ := strings.Cut(page, `<code id="c">`)
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
