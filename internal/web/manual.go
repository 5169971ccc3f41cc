package web

import (
	"fmt"
	"io/fs"
	"strings"

	"overdue/docs/manual"
	"overdue/internal/web/view"
)

// ReferenceSlug is the page on the API, which is drawn from its description and
// not written.
const ReferenceSlug = "api"

// referenceTitle is its title in the navigation.
const referenceTitle = "API reference"

// navGroup is one heading of the navigation, with the pages under it.
type navGroup struct {
	title string
	slugs []string
}

// navigation are the manual in its order.
func navigation() []navGroup {
	return []navGroup{
		{"Start", []string{"first-heartbeat", "integrations", "self-hosting"}},
		{"How it works", []string{"statuses", "schedules", "grace-period", "incidents", "delivery"}},
		{"Use", []string{"pinging", "channels", "people"}},
		{"Reference", []string{"command-line", ReferenceSlug, "configuration", "operations"}},
	}
}

// Manual is the whole manual, read once.
type Manual struct {
	Nav   []view.DocNavGroup
	Order []view.DocLink   // all pages, one after the other
	Pages map[string]*Page // by slug, but the reference
}

// Load reads the manual that the program carries.
func Load() (*Manual, error) { return parseManual(manual.Files(), navigation()) }

// parseManual reads the pages on the shelves. A page that is on no shelf, a link to
// a place that is none and a page with HTML in it are errors.
func parseManual(files fs.FS, shelves []navGroup) (*Manual, error) {
	b := &Manual{Pages: map[string]*Page{}}
	for _, s := range shelves {
		group := view.DocNavGroup{Title: s.title}
		for _, slug := range s.slugs {
			title := referenceTitle
			if slug != ReferenceSlug {
				c, err := parsePage(files, slug)
				if err != nil {
					return nil, fmt.Errorf("manual: %s: %w", slug, err)
				}
				b.Pages[slug], title = c, c.Title
			}
			group.Pages = append(group.Pages, view.DocLink{Slug: slug, Title: title})
		}
		b.Nav = append(b.Nav, group)
		b.Order = append(b.Order, group.Pages...)
	}
	if err := b.checkComplete(files); err != nil {
		return nil, err
	}
	return b, b.checkLinks()
}

// checkComplete makes sure that no page was forgotten.
func (b *Manual) checkComplete(files fs.FS) error {
	names, err := fs.Glob(files, "*.md")
	if err != nil {
		return fmt.Errorf("manual: %w", err)
	}
	for _, name := range names {
		if slug := strings.TrimSuffix(name, ".md"); b.Pages[slug] == nil {
			return fmt.Errorf("manual: %s is on no shelf", slug)
		}
	}
	return nil
}

// checkLinks follows every link from page to page, and names what is read next.
func (b *Manual) checkLinks() error {
	for slug, c := range b.Pages {
		for _, to := range c.links {
			if !b.has(to) {
				return fmt.Errorf("manual: %s leads to %s, which is nowhere", slug, to)
			}
		}
		for i, n := range c.Next {
			if c.Next[i].Title = b.Title(n.Slug); c.Next[i].Title == "" {
				return fmt.Errorf("manual: %s proposes %s, which is no page", slug, n.Slug)
			}
		}
	}
	return nil
}

// has reports whether a place such as "statuses#late" exists.
func (b *Manual) has(place string) bool {
	slug, id, within := strings.Cut(place, "#")
	c := b.Pages[slug]
	if c == nil {
		return slug == ReferenceSlug && !within
	}
	return !within || c.ids[id]
}

// Title is the title of a page, empty when there is none.
func (b *Manual) Title(slug string) string {
	for _, l := range b.Order {
		if l.Slug == slug {
			return l.Title
		}
	}
	return ""
}

// Neighbours are the pages before and after one.
func (b *Manual) Neighbours(slug string) (before, after view.DocLink) {
	for i, l := range b.Order {
		if l.Slug != slug {
			continue
		}
		if i > 0 {
			before = b.Order[i-1]
		}
		if i+1 < len(b.Order) {
			after = b.Order[i+1]
		}
	}
	return before, after
}
