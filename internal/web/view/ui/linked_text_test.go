package ui_test

import (
	"strings"
	"testing"

	"overdue/internal/web/view/ui"
)

func TestLinkedText_KeepsLineBreaksAndLinksURLs(t *testing.T) {
	for text, want := range map[string]string{
		"one\ntwo": "one<br>two",
		"See https://wiki.example.org/a_(b)?c=1&d=2. Then call.": `See <a class="link" href="https://wiki.example.org/a_(b)?c=1&amp;d=2" rel="noreferrer nofollow">wiki.example.org/a_(b)?c=1&amp;d=2</a>. Then call.`,
		"(http://x.example/y)":                     `(<a class="link" href="http://x.example/y" rel="noreferrer nofollow">x.example/y</a>)`,
		"javascript:alert(1) <b>":                  "javascript:alert(1) &lt;b&gt;",
		"https:// and ftp://x.example, https://..": "https:// and ftp://x.example, https://..",
		"https://bank.example@evil.example/":       "https://bank.example@evil.example/",
		"  ":                                       "",
	} {
		var b strings.Builder
		if err := ui.LinkedText(text).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if b.String() != want {
			t.Errorf("%q is\n%s; want\n%s", text, b.String(), want)
		}
	}
}
