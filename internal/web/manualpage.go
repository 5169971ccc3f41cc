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

// chapter is one page of the manual as it was written, ready to be drawn for
// any reader.
type chapter struct {
	slug, title, lede string
	contents          []view.Heading // of the second level
	parts             []docPart
	next              []view.DocNext
	sections          []docSection    // what the search looks through
	ids               map[string]bool // places that a link may lead to
	links             []string        // places that this page leads to: "statuses#late"
}

// docPart is a piece of a page, drawn for a reader.
type docPart func(docReader) templ.Component

// binder makes a chapter from its source.
type binder struct {
	*chapter
	md     goldmark.Markdown
	source []byte
	plain  bytes.Buffer // HTML that is the same for everybody
	codes  int          // figures of code so far
	owned  bool         // it is said whose ping URL the code holds
}

// readChapter reads one page.
func readChapter(files fs.FS, slug string) (*chapter, error) {
	source, err := fs.ReadFile(files, slug+".md")
	if err != nil {
		return nil, err
	}
	b := &binder{
		chapter: &chapter{slug: slug, ids: map[string]bool{}},
		md:      goldmark.New(goldmark.WithExtensions(extension.Table)), source: source,
	}
	root := b.md.Parser().Parse(text.NewReader(source))
	if err := b.prepare(root); err != nil {
		return nil, err
	}
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		if err := b.block(n); err != nil {
			return nil, err
		}
	}
	b.flush()
	if b.title == "" || b.lede == "" {
		return nil, errors.New("a page begins with its title and a paragraph")
	}
	return b.chapter, nil
}

// block adds one block of the page.
func (b *binder) block(n ast.Node) error {
	switch n := n.(type) {
	case *ast.Heading:
		return b.heading(n)
	case *ast.FencedCodeBlock:
		return b.fence(n)
	case *ast.Blockquote:
		b.collect(n)
		return b.note(n)
	case *extast.Table:
		b.collect(n)
		return b.wrapped(`<div class="table-wrap">`, n, `</div>`)
	case *ast.Paragraph:
		if b.lede == "" {
			b.lede = b.words(n)
			b.collect(n)
			return nil
		}
	}
	b.collect(n)
	return b.render(n)
}

// heading begins a section. The first level is the title.
func (b *binder) heading(n *ast.Heading) error {
	title := b.words(n)
	if n.Level == 1 {
		if b.title != "" {
			return fmt.Errorf("a second title: %s", title)
		}
		b.title = title
		b.sections = append(b.sections, docSection{slug: b.slug, page: title})
		return nil
	}
	id := identifier(title)
	if b.ids[id] || id == "next" || id == "main" || id == "helpful" {
		return fmt.Errorf("two places are called %s", id)
	}
	b.ids[id] = true
	b.sections = append(b.sections, docSection{slug: b.slug, page: b.title, title: title, id: id})
	if n.Level > 2 {
		return b.wrapped(fmt.Sprintf(`<h3 id="%s">`, id), inside{n}, "</h3>")
	}
	b.contents = append(b.contents, view.Heading{ID: id, Title: title})
	return b.wrapped(fmt.Sprintf(`<h2 id="%s">`, id), inside{n},
		fmt.Sprintf(` <a class="anchor" href="#%s" aria-label="Link to this section">#</a></h2>`, id))
}

// note writes a quotation as a note: bold words first, then the rest.
func (b *binder) note(n *ast.Blockquote) error {
	p, ok := n.FirstChild().(*ast.Paragraph)
	bold, isBold := (*ast.Emphasis)(nil), false
	if ok {
		bold, isBold = p.FirstChild().(*ast.Emphasis)
	}
	if !isBold || bold.Level != 2 || n.ChildCount() != 1 {
		return errors.New("a quotation is a note: one paragraph that begins with bold words")
	}
	p.RemoveChild(p, bold)
	if err := b.wrapped(`<div class="note"><b>`, inside{bold}, `</b><span>`); err != nil {
		return err
	}
	return b.wrapped("", inside{p}, `</span></div>`)
}

// inside stands for the children of a node, without the node itself.
type inside struct{ ast.Node }

// wrapped writes a node between two tags.
func (b *binder) wrapped(before string, n ast.Node, after string) error {
	b.plain.WriteString(before)
	if err := b.render(n); err != nil {
		return err
	}
	b.plain.WriteString(after)
	return nil
}

// render writes a node, or what is inside one.
func (b *binder) render(n ast.Node) error {
	within, ok := n.(inside)
	if !ok {
		return b.md.Renderer().Render(&b.plain, b.source, n)
	}
	for c := within.FirstChild(); c != nil; c = c.NextSibling() {
		if err := b.render(c); err != nil {
			return err
		}
	}
	return nil
}

// flush makes a part of the HTML that was written so far.
func (b *binder) flush() {
	if b.plain.Len() == 0 {
		return
	}
	written := b.plain.String()
	b.plain.Reset()
	b.parts = append(b.parts, func(docReader) templ.Component { return templ.Raw(written) })
}

// identifier makes the anchor of a title: "If it stays New" is if-it-stays-new.
func identifier(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9')
	})
	return strings.Join(words, "-")
}
