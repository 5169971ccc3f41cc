package docsite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"

	"overdue/internal/web/view/docsview"
	"overdue/internal/web/view/paths"
)

// transform prepares the syntax tree of a page: it rejects HTML, resolves links,
// and adds the classes of the stylesheet.
func (b *pageParser) transform(root ast.Node) error {
	var signs []*ast.Link
	err := ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.HTMLBlock, *ast.RawHTML:
			return ast.WalkStop, errors.New("HTML is not allowed")
		case *ast.Image:
			return ast.WalkStop, errors.New("images are not allowed")
		case *ast.FencedCodeBlock:
			if n.Parent() != root {
				return ast.WalkStop, errors.New("code must be at the top level, not in a list")
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

// resolveLink replaces a link to a Markdown file with the address of its page.
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
		return fmt.Errorf("link to %q: must be a page such as statuses.md, or an absolute URL", to)
	}
	slug := strings.TrimSuffix(file, ".md")
	place, address := slug, paths.Doc(slug)
	if within {
		place, address = place+"#"+id, address+"#"+id
	}
	b.links = append(b.links, place)
	n.Destination = []byte(address)
	return nil
}

// renderStatusSign replaces a link such as status:late with the sign of the status.
func renderStatusSign(n *ast.Link) error {
	name := strings.TrimPrefix(string(n.Destination), "status:")
	var drawn bytes.Buffer
	if err := docsview.Status(name).Render(context.Background(), &drawn); err != nil {
		return fmt.Errorf("status sign %s: %w", name, err)
	}
	s := ast.NewString(drawn.Bytes())
	s.SetCode(true) // not escaped: it is the output of a template
	n.Parent().ReplaceChild(n.Parent(), n, s)
	return nil
}

// plainText returns the text of a node in one line, without markup.
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

// indexNode adds the text of a block to the search.
func (b *pageParser) indexNode(n ast.Node) { b.indexText(b.plainText(n)) }

func (b *pageParser) indexText(text string) {
	if len(b.sections) == 0 {
		return
	}
	s := &b.sections[len(b.sections)-1]
	s.text = strings.TrimSpace(s.text + " " + text)
}
