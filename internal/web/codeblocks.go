package web

import (
	"fmt"
	"strings"

	"github.com/a-h/templ"
	"github.com/yuin/goldmark/ast"

	"overdue/internal/web/view"
)

// What stands in the code of the manual for the reader's own installation.
const (
	placeholderBaseURL = "https://overdue.example.org"
	placeholderPingURL = placeholderBaseURL + "/api/v1/hb/YOUR-ID"
)

// Reader is for whom a page is drawn.
type Reader struct {
	BaseURL string // of this installation
	PingURL string // theirs, or one with YOUR-ID in it
	Choice  view.DocHeartbeatChoice
}

// codeBlock adds a figure of code, or a piece that the program draws.
func (b *pageParser) codeBlock(n *ast.FencedCodeBlock) error {
	info := ""
	if n.Info != nil {
		info = string(n.Info.Segment.Value(b.source))
	}
	language, name, _ := strings.Cut(info, " ")
	code := strings.TrimRight(string(n.Lines().Value(b.source)), "\n")
	drawn, known := map[string]pagePart{
		"overdue-snippets": func(r Reader) templ.Component { return view.DocSnippets(r.PingURL) },
		"overdue-deadline": func(Reader) templ.Component { return view.DocDeadline() },
		"overdue-statuses": func(Reader) templ.Component { return view.DocStatuses() },
	}[language]
	switch {
	case language == "overdue-next":
		return b.parseNext(code)
	case strings.HasPrefix(language, "overdue-") && !known:
		return fmt.Errorf("there is no piece %s", language)
	case !known && name == "":
		return fmt.Errorf("code without a name: %.40q", code)
	case !known:
		drawn = b.codeFigure(name, code)
		b.indexText(strings.Join(strings.Fields(name+" "+code), " "))
	}
	b.flush()
	if language == "overdue-snippets" || strings.Contains(code, placeholderPingURL) {
		b.showOwner()
	}
	b.parts = append(b.parts, drawn)
	return nil
}

// showOwner says whose ping URL follows, once a page: whoever copies the first one
// must know which heartbeat they will ping.
func (b *pageParser) showOwner() {
	if !b.ownerShown {
		b.ownerShown = true
		b.parts = append(b.parts, func(r Reader) templ.Component { return view.DocChooser(r.Choice) })
	}
}

// codeFigure is code with a Copy button, with the reader's own addresses in it.
func (b *pageParser) codeFigure(name, code string) pagePart {
	b.codeBlocks++
	id := fmt.Sprintf("c-%d", b.codeBlocks)
	return func(r Reader) templ.Component {
		own := strings.NewReplacer(placeholderPingURL, r.PingURL, placeholderBaseURL, r.BaseURL).Replace(code)
		marked := r.BaseURL
		if strings.Contains(own, r.PingURL) {
			marked = r.PingURL
		}
		return view.DocCode(id, name, own, marked)
	}
}

// parseNext reads what to read next: lines of "slug: why".
func (b *pageParser) parseNext(code string) error {
	for _, line := range strings.Split(code, "\n") {
		slug, about, found := strings.Cut(line, ": ")
		if !found {
			return fmt.Errorf("what to read next: %q is not a page and why", line)
		}
		b.Next = append(b.Next, view.DocNext{Slug: slug, About: about})
	}
	return nil
}
