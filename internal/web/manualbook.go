package web

import (
	"fmt"
	"io/fs"
	"strings"

	"overdue/docs/manual"
	"overdue/internal/web/view"
)

// referenceSlug is the page on the API, which is drawn from its description and
// not written.
const referenceSlug = "api"

// referenceTitle is its title in the navigation.
const referenceTitle = "API reference"

// shelf is one heading of the navigation, with the pages under it.
type shelf struct {
	title string
	slugs []string
}

// shelves are the manual in its order.
func shelves() []shelf {
	return []shelf{
		{"Start", []string{"first-heartbeat", "integrations", "self-hosting"}},
		{"How it works", []string{"statuses", "schedules", "grace-period", "incidents", "delivery"}},
		{"Use", []string{"pinging", "channels", "people"}},
		{"Reference", []string{"command-line", referenceSlug, "configuration", "operations"}},
	}
}

// book is the whole manual, read once.
type book struct {
	nav   []view.DocGroup
	order []view.DocLink      // all pages, one after the other
	pages map[string]*chapter // by slug, but the reference
}

// openBook reads the manual that the program carries.
func openBook() (*book, error) { return readBook(manual.Files(), shelves()) }

// readBook reads the pages on the shelves. A page that is on no shelf, a link to
// a place that is none and a page with HTML in it are errors.
func readBook(files fs.FS, shelves []shelf) (*book, error) {
	b := &book{pages: map[string]*chapter{}}
	for _, s := range shelves {
		group := view.DocGroup{Title: s.title}
		for _, slug := range s.slugs {
			title := referenceTitle
			if slug != referenceSlug {
				c, err := readChapter(files, slug)
				if err != nil {
					return nil, fmt.Errorf("manual: %s: %w", slug, err)
				}
				b.pages[slug], title = c, c.title
			}
			group.Pages = append(group.Pages, view.DocLink{Slug: slug, Title: title})
		}
		b.nav = append(b.nav, group)
		b.order = append(b.order, group.Pages...)
	}
	if err := b.complete(files); err != nil {
		return nil, err
	}
	return b, b.check()
}

// complete makes sure that no page was forgotten.
func (b *book) complete(files fs.FS) error {
	names, err := fs.Glob(files, "*.md")
	if err != nil {
		return fmt.Errorf("manual: %w", err)
	}
	for _, name := range names {
		if slug := strings.TrimSuffix(name, ".md"); b.pages[slug] == nil {
			return fmt.Errorf("manual: %s is on no shelf", slug)
		}
	}
	return nil
}

// check follows every link from page to page, and names what is read next.
func (b *book) check() error {
	for slug, c := range b.pages {
		for _, to := range c.links {
			if !b.has(to) {
				return fmt.Errorf("manual: %s leads to %s, which is nowhere", slug, to)
			}
		}
		for i, n := range c.next {
			if c.next[i].Title = b.title(n.Slug); c.next[i].Title == "" {
				return fmt.Errorf("manual: %s proposes %s, which is no page", slug, n.Slug)
			}
		}
	}
	return nil
}

// has reports whether a place such as "statuses#late" exists.
func (b *book) has(place string) bool {
	slug, id, within := strings.Cut(place, "#")
	c := b.pages[slug]
	if c == nil {
		return slug == referenceSlug && !within
	}
	return !within || c.ids[id]
}

// title is the title of a page, empty when there is none.
func (b *book) title(slug string) string {
	for _, l := range b.order {
		if l.Slug == slug {
			return l.Title
		}
	}
	return ""
}

// around are the pages before and after one.
func (b *book) around(slug string) (before, after view.DocLink) {
	for i, l := range b.order {
		if l.Slug != slug {
			continue
		}
		if i > 0 {
			before = b.order[i-1]
		}
		if i+1 < len(b.order) {
			after = b.order[i+1]
		}
	}
	return before, after
}
