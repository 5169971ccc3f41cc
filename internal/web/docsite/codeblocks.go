package docsite

import (
	"fmt"
	"strings"

	"github.com/a-h/templ"
	"github.com/yuin/goldmark/ast"

	"overdue/internal/web/view/docsview"
)

// Placeholders in the code of the manual. The reader's own addresses replace them.
const (
	placeholderBaseURL = "https://overdue.example.org"
	placeholderPingURL = placeholderBaseURL + "/api/v1/hb/YOUR-ID" // as in docs/manual
)

// Reader is the person for whom a page is rendered.
type Reader struct {
	BaseURL string // of the installation
	PingURL string // of their heartbeat, or with PlaceholderID
	Choice  docsview.HeartbeatChoice
}

// codeBlock adds a code figure, or a part that the program renders.
func (b *pageParser) codeBlock(n *ast.FencedCodeBlock) error {
	info := ""
	if n.Info != nil {
		info = string(n.Info.Segment.Value(b.source))
	}
	language, name, _ := strings.Cut(info, " ")
	code := strings.TrimRight(string(n.Lines().Value(b.source)), "\n")
	drawn, known := map[string]pagePart{
		"overdue-snippets": func(r Reader) templ.Component { return docsview.Snippets(r.PingURL) },
		"overdue-deadline": func(Reader) templ.Component { return docsview.ExampleDeadline() },
		"overdue-statuses": func(Reader) templ.Component { return docsview.StatusTable() },
	}[language]
	switch {
	case language == "overdue-next":
		return b.parseNext(code)
	case strings.HasPrefix(language, "overdue-") && !known:
		return fmt.Errorf("unknown part %s", language)
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

// showOwner names the heartbeat whose ping URL follows, once per page, so that a
// reader who copies the URL knows what it pings.
func (b *pageParser) showOwner() {
	if !b.ownerShown {
		b.ownerShown = true
		b.parts = append(b.parts, func(r Reader) templ.Component { return docsview.HeartbeatChooser(r.Choice) })
	}
}

// codeFigure returns code with a Copy button and the reader's own addresses.
func (b *pageParser) codeFigure(name, code string) pagePart {
	b.codeBlocks++
	id := fmt.Sprintf("c-%d", b.codeBlocks)
	return func(r Reader) templ.Component {
		own := strings.NewReplacer(placeholderPingURL, r.PingURL, placeholderBaseURL, r.BaseURL).Replace(code)
		marked := r.BaseURL
		if strings.Contains(own, r.PingURL) {
			marked = r.PingURL
		}
		return docsview.Code(id, name, own, marked)
	}
}

// parseNext parses the list of pages to read next. Each line is "slug:
// description".
func (b *pageParser) parseNext(code string) error {
	for _, line := range strings.Split(code, "\n") {
		slug, about, found := strings.Cut(line, ": ")
		if !found {
			return fmt.Errorf("next pages: %q is not \"slug: description\"", line)
		}
		b.Next = append(b.Next, docsview.NextPage{Slug: slug, About: about})
	}
	return nil
}

// PlaceholderID is the id in the ping URL of a reader without a heartbeat.
const PlaceholderID = "YOUR-ID"
