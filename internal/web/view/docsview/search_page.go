package docsview

import (
	"github.com/a-h/templ"

	"overdue/internal/web/view/paths"
)

// SearchPage has the results of a search in the docs.
type SearchPage struct {
	DocShell
	Results []SearchResult
}

// SearchResult is one result. The excerpt is plain text in parts.
type SearchResult struct {
	Slug, Anchor, Title, Section string
	Excerpt                      []ExcerptPart
}

// ExcerptPart is a part of an excerpt. Match means that it matches the query.
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
