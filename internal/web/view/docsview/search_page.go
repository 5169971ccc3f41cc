package docsview

import (
	"github.com/a-h/templ"

	"overdue/internal/web/view/paths"
)

// SearchPage is the result of a search in the docs.
type SearchPage struct {
	DocShell
	Results []SearchResult
}

// SearchResult is one place that was found. The excerpt is plain text, in pieces.
type SearchResult struct {
	Slug, Anchor, Title, Section string
	Excerpt                      []ExcerptPart
}

// ExcerptPart is a part of an excerpt; Found tells that it is what was looked for.
type ExcerptPart struct {
	Text  string
	Match bool
}

func (h SearchResult) path() templ.SafeURL {
	if h.Anchor == "" {
		return templ.SafeURL(paths.Doc(h.Slug))
	}
	return templ.SafeURL(paths.Doc(h.Slug) + "#" + h.Anchor)
}
