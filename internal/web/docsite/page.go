package docsite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/a-h/templ"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"overdue/internal/web/view/docsview"
)

// Page is one parsed page of the manual, ready to be rendered for any reader.
type Page struct {
	Slug, Title, Lede string
	Contents          []docsview.Heading // of the second level
	parts             []pagePart
	Next              []docsview.NextPage
	sections          []Section       // for the search
	ids               map[string]bool // anchors
	links             []string        // link targets: "statuses#late"
}

// pagePart renders a part of a page for a reader.
type pagePart func(Reader) templ.Component

// Body renders the parts of the page for a reader.
func (c *Page) Body(r Reader) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		for _, p := range c.parts {
			if err := p(r).Render(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
}

// pageParser parses a page.
type pageParser struct {
	*Page
	md         goldmark.Markdown
	source     []byte
	html       bytes.Buffer // static HTML
	codeBlocks int          // code figures so far
	ownerShown bool         // the page has named the heartbeat of its ping URL
}

// parsePage parses one page.
func parsePage(files fs.FS, slug string) (*Page, error) {
	source, err := fs.ReadFile(files, slug+".md")
	if err != nil {
		return nil, err
	}
	b := &pageParser{
		Page: &Page{Slug: slug, ids: map[string]bool{}},
		md:   goldmark.New(goldmark.WithExtensions(extension.Table)), source: source,
	}
	root := b.md.Parser().Parse(text.NewReader(source))
	if err := b.transform(root); err != nil {
		return nil, err
	}
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		if err := b.block(n); err != nil {
			return nil, err
		}
	}
	b.flush()
	if b.Title == "" || b.Lede == "" {
		return nil, errors.New("a page must begin with a title and a paragraph")
	}
	return b.Page, nil
}

// block adds one block.
func (b *pageParser) block(n ast.Node) error {
	switch n := n.(type) {
	case *ast.Heading:
		return b.heading(n)
	case *ast.FencedCodeBlock:
		return b.codeBlock(n)
	case *ast.Blockquote:
		b.indexNode(n)
		return b.note(n)
	case *extast.Table:
		b.indexNode(n)
		return b.wrapped(`<div class="table-wrap">`, n, `</div>`)
	case *ast.Paragraph:
		if b.Lede == "" {
			b.Lede = b.plainText(n)
			b.indexNode(n)
			return nil
		}
	}
	b.indexNode(n)
	return b.render(n)
}

// heading adds a section. The first level is the title of the page.
func (b *pageParser) heading(n *ast.Heading) error {
	title := b.plainText(n)
	if n.Level == 1 {
		if b.Title != "" {
			return fmt.Errorf("second title: %s", title)
		}
		b.Title = title
		b.sections = append(b.sections, Section{slug: b.Slug, page: title})
		return nil
	}
	id := anchorID(title)
	if b.ids[id] || id == "next" || id == "main" || id == "helpful" {
		return fmt.Errorf("duplicate or reserved anchor %s", id)
	}
	b.ids[id] = true
	b.sections = append(b.sections, Section{slug: b.Slug, page: b.Title, title: title, id: id})
	if n.Level > 2 {
		return b.wrapped(fmt.Sprintf(`<h3 id="%s">`, id), childrenOf{n}, "</h3>")
	}
	b.Contents = append(b.Contents, docsview.Heading{ID: id, Title: title})
	return b.wrapped(fmt.Sprintf(`<h2 id="%s">`, id), childrenOf{n},
		fmt.Sprintf(` <a class="anchor" href="#%s" aria-label="Link to this section">#</a></h2>`, id))
}

// note adds a blockquote as a note: bold words, then the text.
func (b *pageParser) note(n *ast.Blockquote) error {
	p, ok := n.FirstChild().(*ast.Paragraph)
	bold, isBold := (*ast.Emphasis)(nil), false
	if ok {
		bold, isBold = p.FirstChild().(*ast.Emphasis)
	}
	if !isBold || bold.Level != 2 || n.ChildCount() != 1 {
		return errors.New("a blockquote must be one paragraph that begins with bold words")
	}
	p.RemoveChild(p, bold)
	if err := b.wrapped(`<div class="note"><b>`, childrenOf{bold}, `</b><span>`); err != nil {
		return err
	}
	return b.wrapped("", childrenOf{p}, `</span></div>`)
}

// childrenOf represents the children of a node without the node.
type childrenOf struct{ ast.Node }

// wrapped writes a node between two tags.
func (b *pageParser) wrapped(before string, n ast.Node, after string) error {
	b.html.WriteString(before)
	if err := b.render(n); err != nil {
		return err
	}
	b.html.WriteString(after)
	return nil
}

// render writes a node, or the children of a childrenOf.
func (b *pageParser) render(n ast.Node) error {
	within, ok := n.(childrenOf)
	if !ok {
		return b.md.Renderer().Render(&b.html, b.source, n)
	}
	for c := within.FirstChild(); c != nil; c = c.NextSibling() {
		if err := b.render(c); err != nil {
			return err
		}
	}
	return nil
}

// flush ends the current part of static HTML.
func (b *pageParser) flush() {
	if b.html.Len() == 0 {
		return
	}
	written := b.html.String()
	b.html.Reset()
	b.parts = append(b.parts, func(Reader) templ.Component { return templ.Raw(written) })
}

// anchorID returns the anchor of a title: "If it stays New" has the anchor
// if-it-stays-new.
func anchorID(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9')
	})
	return strings.Join(words, "-")
}
