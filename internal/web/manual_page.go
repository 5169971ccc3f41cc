package web

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/a-h/templ"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"overdue/internal/web/view"
)

// Page is one page of the manual as it was written, ready to be drawn for
// any reader.
type Page struct {
	Slug, Title, Lede string
	Contents          []view.Heading // of the second level
	parts             []pagePart
	Next              []view.DocNext
	sections          []Section       // what the search looks through
	ids               map[string]bool // places that a link may lead to
	links             []string        // places that this page leads to: "statuses#late"
}

// pagePart is a piece of a page, drawn for a reader.
type pagePart func(Reader) templ.Component

// pageParser makes a chapter from its source.
type pageParser struct {
	*Page
	md         goldmark.Markdown
	source     []byte
	html       bytes.Buffer // HTML that is the same for everybody
	codeBlocks int          // figures of code so far
	ownerShown bool         // it is said whose ping URL the code holds
}

// parsePage reads one page.
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
		return nil, errors.New("a page begins with its title and a paragraph")
	}
	return b.Page, nil
}

// block adds one block of the page.
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

// heading begins a section. The first level is the title.
func (b *pageParser) heading(n *ast.Heading) error {
	title := b.plainText(n)
	if n.Level == 1 {
		if b.Title != "" {
			return fmt.Errorf("a second title: %s", title)
		}
		b.Title = title
		b.sections = append(b.sections, Section{slug: b.Slug, page: title})
		return nil
	}
	id := anchorID(title)
	if b.ids[id] || id == "next" || id == "main" || id == "helpful" {
		return fmt.Errorf("two places are called %s", id)
	}
	b.ids[id] = true
	b.sections = append(b.sections, Section{slug: b.Slug, page: b.Title, title: title, id: id})
	if n.Level > 2 {
		return b.wrapped(fmt.Sprintf(`<h3 id="%s">`, id), childrenOf{n}, "</h3>")
	}
	b.Contents = append(b.Contents, view.Heading{ID: id, Title: title})
	return b.wrapped(fmt.Sprintf(`<h2 id="%s">`, id), childrenOf{n},
		fmt.Sprintf(` <a class="anchor" href="#%s" aria-label="Link to this section">#</a></h2>`, id))
}

// note writes a quotation as a note: bold words first, then the rest.
func (b *pageParser) note(n *ast.Blockquote) error {
	p, ok := n.FirstChild().(*ast.Paragraph)
	bold, isBold := (*ast.Emphasis)(nil), false
	if ok {
		bold, isBold = p.FirstChild().(*ast.Emphasis)
	}
	if !isBold || bold.Level != 2 || n.ChildCount() != 1 {
		return errors.New("a quotation is a note: one paragraph that begins with bold words")
	}
	p.RemoveChild(p, bold)
	if err := b.wrapped(`<div class="note"><b>`, childrenOf{bold}, `</b><span>`); err != nil {
		return err
	}
	return b.wrapped("", childrenOf{p}, `</span></div>`)
}

// childrenOf stands for the children of a node, without the node itself.
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

// render writes a node, or what is inside one.
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

// flush makes a part of the HTML that was written so far.
func (b *pageParser) flush() {
	if b.html.Len() == 0 {
		return
	}
	written := b.html.String()
	b.html.Reset()
	b.parts = append(b.parts, func(Reader) templ.Component { return templ.Raw(written) })
}

// anchorID makes the anchor of a title: "If it stays New" is if-it-stays-new.
func anchorID(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9')
	})
	return strings.Join(words, "-")
}
