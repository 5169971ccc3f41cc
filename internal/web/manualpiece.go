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
	writtenBase    = "https://overdue.example.org"
	writtenPingURL = writtenBase + "/api/v1/hb/YOUR-ID"
)

// docReader is for whom a page is drawn.
type docReader struct {
	base    string // of this installation
	pingURL string // theirs, or one with YOUR-ID in it
	choice  view.DocChoice
}

// fence adds a figure of code, or a piece that the program draws.
func (b *binder) fence(n *ast.FencedCodeBlock) error {
	info := ""
	if n.Info != nil {
		info = string(n.Info.Segment.Value(b.source))
	}
	language, name, _ := strings.Cut(info, " ")
	code := strings.TrimRight(string(n.Lines().Value(b.source)), "\n")
	drawn, known := map[string]docPart{
		"overdue-snippets": func(r docReader) templ.Component { return view.DocSnippets(r.pingURL) },
		"overdue-deadline": func(docReader) templ.Component { return view.DocDeadline() },
		"overdue-statuses": func(docReader) templ.Component { return view.DocStatuses() },
	}[language]
	switch {
	case language == "overdue-next":
		return b.readNext(code)
	case strings.HasPrefix(language, "overdue-") && !known:
		return fmt.Errorf("there is no piece %s", language)
	case !known && name == "":
		return fmt.Errorf("code without a name: %.40q", code)
	case !known:
		drawn = b.figure(name, code)
		b.collectText(strings.Join(strings.Fields(name+" "+code), " "))
	}
	b.flush()
	if language == "overdue-snippets" || strings.Contains(code, writtenPingURL) {
		b.nameOwner()
	}
	b.parts = append(b.parts, drawn)
	return nil
}

// nameOwner says whose ping URL follows, once a page: whoever copies the first one
// must know which heartbeat they will ping.
func (b *binder) nameOwner() {
	if !b.owned {
		b.owned = true
		b.parts = append(b.parts, func(r docReader) templ.Component { return view.DocChooser(r.choice) })
	}
}

// figure is code with a Copy button, with the reader's own addresses in it.
func (b *binder) figure(name, code string) docPart {
	b.codes++
	id := fmt.Sprintf("c-%d", b.codes)
	return func(r docReader) templ.Component {
		own := strings.NewReplacer(writtenPingURL, r.pingURL, writtenBase, r.base).Replace(code)
		marked := r.base
		if strings.Contains(own, r.pingURL) {
			marked = r.pingURL
		}
		return view.DocCode(id, name, own, marked)
	}
}

// readNext reads what to read next: lines of "slug: why".
func (b *binder) readNext(code string) error {
	for _, line := range strings.Split(code, "\n") {
		slug, about, found := strings.Cut(line, ": ")
		if !found {
			return fmt.Errorf("what to read next: %q is not a page and why", line)
		}
		b.next = append(b.next, view.DocNext{Slug: slug, About: about})
	}
	return nil
}
