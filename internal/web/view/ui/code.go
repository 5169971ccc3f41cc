package ui

import (
	"context"
	"html"
	"io"
	"strings"

	"github.com/a-h/templ"
)

// codeText returns HTML of code with highlighted URLs and comments. It is not a
// template, because every space matters.
func codeText(code, url string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		for i, line := range strings.Split(code, "\n") {
			if i > 0 {
				b.WriteByte('\n')
			}
			markLine(&b, line, url)
		}
		_, err := io.WriteString(w, b.String())
		return err
	})
}

// markLine writes one escaped line. It highlights the whole line if it is a
// comment, otherwise each URL.
func markLine(b *strings.Builder, line, url string) {
	if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "# ") || strings.HasPrefix(trimmed, "// ") {
		b.WriteString(`<span class="c">` + html.EscapeString(line) + `</span>`)
		return
	}
	for i, piece := range splitAtURLs(line, url) {
		if i > 0 {
			b.WriteString(`<span class="u">` + html.EscapeString(url) + `</span>`)
		}
		b.WriteString(html.EscapeString(piece))
	}
}

// splitAtURLs returns the parts of the line between the URLs.
func splitAtURLs(line, url string) []string {
	if url == "" {
		return []string{line}
	}
	return strings.Split(line, url)
}
