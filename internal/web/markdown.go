package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"

	"overdue/internal/web/view"
)

// transform walks over a page before it is drawn: it refuses HTML, leads links to
// where the pages are served, and puts the marks of the style on what needs one.
func (b *pageParser) transform(root ast.Node) error {
	var signs []*ast.Link
	err := ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.HTMLBlock, *ast.RawHTML:
			return ast.WalkStop, errors.New("the manual holds no HTML")
		case *ast.Image:
			return ast.WalkStop, errors.New("the manual holds no images")
		case *ast.FencedCodeBlock:
			if n.Parent() != root {
				return ast.WalkStop, errors.New("code stands at the top level, not in a list")
			}
		case *ast.Link:
			if strings.HasPrefix(string(n.Destination), "status:") {
				signs = append(signs, n)
				return ast.WalkSkipChildren, nil
			}
			n.SetAttributeString("class", []byte("link"))
			return ast.WalkContinue, b.resolveLink(n)
		case *extast.Table:
			n.SetAttributeString("class", []byte("table"))
		case *extast.TableHeader:
			for cell := n.FirstChild(); cell != nil; cell = cell.NextSibling() {
				cell.SetAttributeString("scope", []byte("col"))
			}
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return err
	}
	for _, n := range signs {
		if err := renderStatusSign(n); err != nil {
			return err
		}
	}
	return nil
}

// resolveLink turns a link to a file of the manual into one to its page.
func (b *pageParser) resolveLink(n *ast.Link) error {
	to := string(n.Destination)
	file, id, within := strings.Cut(to, "#")
	switch {
	case strings.HasPrefix(to, "https://"), strings.HasPrefix(to, "/"):
		return nil
	case file == "" && within:
		b.links = append(b.links, b.Slug+"#"+id)
		return nil
	case !strings.HasSuffix(file, ".md"):
		return fmt.Errorf("a link to %q: write a page such as statuses.md, or a whole address", to)
	}
	slug := strings.TrimSuffix(file, ".md")
	place, address := slug, view.DocPath(slug)
	if within {
		place, address = place+"#"+id, address+"#"+id
	}
	b.links = append(b.links, place)
	n.Destination = []byte(address)
	return nil
}

// renderStatusSign puts the sign of a status in the place of a link such as status:late.
func renderStatusSign(n *ast.Link) error {
	name := strings.TrimPrefix(string(n.Destination), "status:")
	var drawn bytes.Buffer
	if err := view.DocStatus(name).Render(context.Background(), &drawn); err != nil {
		return fmt.Errorf("sign of %s: %w", name, err)
	}
	s := ast.NewString(drawn.Bytes())
	s.SetCode(true) // written as it is: it comes from our own template
	n.Parent().ReplaceChild(n.Parent(), n, s)
	return nil
}

// plainText is the text of a node in one line, without its marks.
func (b *pageParser) plainText(n ast.Node) string {
	var out strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the walker below never fails
		if n.Type() == ast.TypeBlock || n.Kind() == extast.KindTableCell {
			out.WriteByte(' ')
		}
		if t, ok := n.(*ast.Text); ok && entering {
			out.Write(t.Segment.Value(b.source))
			if t.SoftLineBreak() || t.HardLineBreak() {
				out.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(out.String()), " ")
}

// indexNode keeps the words of a block for the search.
func (b *pageParser) indexNode(n ast.Node) { b.indexText(b.plainText(n)) }

func (b *pageParser) indexText(text string) {
	if len(b.sections) == 0 {
		return
	}
	s := &b.sections[len(b.sections)-1]
	s.text = strings.TrimSpace(s.text + " " + text)
}
